"""The Indonesian catalogue is complete."""

from django.core.management import call_command


def test_indonesian_catalogue_is_complete():
    call_command("messages", check=True)
