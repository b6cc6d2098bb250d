"""Both languages are complete."""

from django.core.management import call_command


def test_no_message_is_missing_in_indonesian():
    call_command("messages", check=True)
