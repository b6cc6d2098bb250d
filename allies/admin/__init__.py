"""The editors' side: one file a noun."""

from allies.admin import (
    accounts,
    alliance,
    ally_list,
    changeset,
    citation,
    correction,
    country,
    edition,
    event,
    source,
)

__all__ = [
    "accounts",
    "alliance",
    "ally_list",
    "changeset",
    "citation",
    "correction",
    "country",
    "edition",
    "event",
    "source",
]
