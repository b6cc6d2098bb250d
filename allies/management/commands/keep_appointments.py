"""Old name of ``publish_scheduled``; it works for one release."""

from allies.management.commands import publish_scheduled
from allies.management.old_command import with_old_name

Command = with_old_name(publish_scheduled.Command, "keep_appointments", "publish_scheduled")
