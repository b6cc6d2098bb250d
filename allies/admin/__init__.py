"""The editors' side: one file a noun."""

from allies.admin import (
    alliance,
    ally_list,
    changeset,
    citation,
    correction,
    country,
    edition,
    event,
    source,
    user,
)

__all__ = [
    "alliance",
    "ally_list",
    "changeset",
    "citation",
    "correction",
    "country",
    "edition",
    "event",
    "source",
    "user",
]
