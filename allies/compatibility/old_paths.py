"""Keep old dotted paths working for one release.

Old paths are in the task queue and in the variable ALLIES_ARCHIVE_CLIENT. So tasks that were
queued before an upgrade still run after it.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

#: Old module → (current module, {old name: current name}).
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
    """A module at its old path, which finds its old names in the current module."""

    def __getattr__(self, name: str) -> Any:
        module, names = OLD_PATHS[self.__name__]
        if name not in names:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(module), names[name])


def install() -> None:
    """Make the old paths importable. Further calls do nothing."""
    for path in OLD_PATHS:
        sys.modules.setdefault(path, OldModule(path))
