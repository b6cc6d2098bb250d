"""Old name of ``purge_correction_contacts``; it works for one release."""

from allies.management.commands import purge_correction_contacts
from allies.management.old_command import with_old_name

Command = with_old_name(
    purge_correction_contacts.Command, "forget_contacts", "purge_correction_contacts"
)
