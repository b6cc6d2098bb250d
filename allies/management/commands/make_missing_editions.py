"""Old name of ``create_missing_editions``; it works for one release."""

from allies.management.commands import create_missing_editions
from allies.management.old_command import with_old_name

Command = with_old_name(
    create_missing_editions.Command, "make_missing_editions", "create_missing_editions"
)
