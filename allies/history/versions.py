"""Versions of records, as the history tables have them, and the one that was current at a time."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Model, Q

from allies.history.snapshots import content_fields
from allies.models import Publishable, Record

#: A version: the values of its columns by name.
Version = dict[str, Any]
#: The versions of records by the records' ids, oldest first.
VersionsById = dict[int, list[Version]]

#: The columns that every version is read with.
_OWN_COLUMNS = ("id", "history_id", "history_date", "history_type")
#: The columns of a version in addition to its content.
_AUTHOR_COLUMNS = ("history_user_id", "history_change_reason", "changeset_id")


def read_versions(model: type[Record], which: Q, *columns: str) -> VersionsById:
    """Return the versions of a model that match ``which``, with these columns; one query."""
    rows = model.history.model.objects.filter(which).order_by("history_date", "history_id")
    found: VersionsById = {}
    for row in rows.values(*_OWN_COLUMNS, *columns):
        found.setdefault(row["id"], []).append(row)
    return found


def status_columns(model: type[Model]) -> list[str]:
    """Return the column with the status of a model's versions; none if it has no status."""
    return ["status"] if issubclass(model, Publishable) else []


def version_columns(model: type[Model]) -> list[str]:
    """Return the columns of a model's versions that its history is built from."""
    content = [field.attname for field in content_fields(model)]
    return [*_AUTHOR_COLUMNS, *content, *status_columns(model)]


def version_at(
    rows: Iterable[Version], moment: dt.datetime, *, with_it: bool = True
) -> Version | None:
    """Return which of a record's versions was current at a time; None if it did not exist then.

    ``with_it`` says whether versions written at exactly that time count.
    """
    last = None
    for row in rows:
        date = row["history_date"]
        if date < moment or (with_it and date == moment):
            last = row
    return None if last is None or last["history_type"] == "-" else last
