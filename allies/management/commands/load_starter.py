"""Old name of ``load_demo_data``; it works for one release."""

from allies.management.commands import load_demo_data
from allies.management.old_command import with_old_name

Command = with_old_name(load_demo_data.Command, "load_starter", "load_demo_data")
