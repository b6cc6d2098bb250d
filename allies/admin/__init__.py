"""The admin for editors: one module per record type."""

from allies.admin import (
    accounts,
    alias,
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
    "alias",
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
