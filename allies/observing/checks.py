"""Says what of the data folder others on the machine can read."""

from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from config.permissions import readable_by_others

#: Paths named in the message.
NAMED = 5


@register(Tags.security)
def data_folder_is_private(**_options: object) -> list[CheckMessage]:
    """Find private files that could not be closed to others when the site started."""
    found = [*islice(readable_by_others(settings.DATA_DIR, settings.DATABASE_FILE), NAMED)]
    if not found:
        return []
    return [
        Warning(
            f"Other users of this machine can read {', '.join(map(str, found))}, which "
            "contains sessions, passwords and drafts.",
            hint=f"Give {Path(settings.DATA_DIR)} to the user the site runs as, with rights 0700 "
            "for folders and 0600 for files (chmod -R go= ...).",
            id="allies.W003",
        )
    ]
