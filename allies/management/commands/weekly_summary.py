"""Old name of ``send_editorial_digest``; it works for one release."""

from allies.management.commands import send_editorial_digest
from allies.management.old_command import with_old_name

Command = with_old_name(send_editorial_digest.Command, "weekly_summary", "send_editorial_digest")
