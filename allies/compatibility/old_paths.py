"""Dotted paths that were written down: tasks in the queue, and ALLIES_ARCHIVE_CLIENT.

They work for one release. Tasks that were queued before an upgrade run after it.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

#: Old module → its module now, and for each old name the name now.
OLD_PATHS = {
    "allies.exchange.jobs": (
        "allies.imports.tasks",
        {"read": "read_file", "check": "check_file", "apply": "apply_changeset"},
    ),
    "allies.jobs": (
        "allies.tasks",
        {"after_import": "refresh_statistics", "keep_due_appointments": "run_due_schedules"},
    ),
    "allies.links.archive": (
        "allies.link_checking.archive",
        {"InternetArchive": "InternetArchive"},
    ),
    "allies.links.jobs": ("allies.link_checking.tasks", {"check_links": "check_links"}),
}


class OldModule(ModuleType):
    """A module by its old path; its names are looked up where they are now."""

    def __getattr__(self, name: str) -> Any:
        module, names = OLD_PATHS[self.__name__]
        if name not in names:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(module), names[name])


def install() -> None:
    """Make the old paths importable, once per process."""
    for path in OLD_PATHS:
        sys.modules.setdefault(path, OldModule(path))
