"""Old name of ``rebuild_search_index``; it works for one release."""

from allies.management.commands import rebuild_search_index
from allies.management.old_command import with_old_name

Command = with_old_name(rebuild_search_index.Command, "rebuild_search", "rebuild_search_index")
