"""Says what of the data folder others on the machine can read."""

from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from config.env_parsers import OLD_NAMES
from config.file_permissions import find_readable_by_others

#: Paths named in the message.
MAX_NAMED = 5


@register(Tags.security)
def check_data_folder_is_private(**_options: object) -> list[CheckMessage]:
    """Find private files that could not be closed to others when the site started."""
    found = [*islice(find_readable_by_others(settings.DATA_DIR, settings.DATABASE_FILE), MAX_NAMED)]
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


@register()
def check_variable_names(**_options: object) -> list[CheckMessage]:
    """Warn about environment variables that are set by an old name."""
    return [
        Warning(
            f"The environment variable {old} was renamed to {OLD_NAMES[old]}.",
            hint=f"Set {OLD_NAMES[old]} instead. The next release ignores {old}.",
            id="allies.W004",
        )
        for old in settings.OLD_VARIABLES
    ]
