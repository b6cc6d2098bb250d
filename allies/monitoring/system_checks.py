"""System checks of file permissions and of environment variables."""

from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from config.env_parsers import OLD_NAMES
from config.file_permissions import find_readable_by_others

#: Maximum number of paths in the message.
MAX_NAMED = 5


@register(Tags.security)
def check_data_folder_is_private(**_options: object) -> list[CheckMessage]:
    """Warn about private files whose permissions could not be fixed when the site started."""
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
    """Warn about environment variables with an old name."""
    return [
        Warning(
            f"The environment variable {old} was renamed to {OLD_NAMES[old]}.",
            hint=f"Set {OLD_NAMES[old]} instead. The next release ignores {old}.",
            id="allies.W004",
        )
        for old in settings.OLD_VARIABLES
    ]
