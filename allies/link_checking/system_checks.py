"""System check of the setting of the archive client."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string


@register()
def check_archive_client(**_options: object) -> list[CheckMessage]:
    """Report an ALLIES_ARCHIVE_CLIENT that is not the path of a class with a ``lookup`` method."""
    try:
        is_one = not settings.ARCHIVE_CLIENT or hasattr(
            import_string(settings.ARCHIVE_CLIENT), "lookup"
        )
    except ImportError:
        is_one = False
    if is_one:
        return []
    return [
        Error(
            f"ALLIES_ARCHIVE_CLIENT is not an archive client: {settings.ARCHIVE_CLIENT}",
            hint="Give a dotted path like "
            "allies.link_checking.archive.InternetArchive, or leave it empty.",
            id="allies.E001",
        )
    ]
