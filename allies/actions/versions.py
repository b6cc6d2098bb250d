"""Versions of many records at once, and the locks under which they are written."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from allies.models import Changeset


def lock(models: Iterable[Any]) -> None:
    """Keep others from writing such records until this transaction ends; readers read on.

    On SQLite the transaction already holds the one write lock there is.
    """
    if connection.vendor == "postgresql":
        tables = [
            table
            for model in sorted(models, key=lambda m: m._meta.db_table)
            for table in (model._meta.db_table, model.history.model._meta.db_table)
        ]
        if not tables:  # an import of nothing at all
            return
        with connection.cursor() as cursor:
            names = ", ".join(map(connection.ops.quote_name, tables))
            cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


def copy_versions(
    model: Any,
    kind: str,
    changeset: Changeset,
    now: dt.datetime,
    where: str,
    params: Sequence[Any],
) -> None:
    """Write a version of every record that fulfils the condition: ``+``, ``~`` or ``-``."""
    quote = connection.ops.quote_name
    history = model.history.model._meta
    table = quote(model._meta.db_table)
    fields = [quote(field.column) for field in model._meta.concrete_fields]
    own = ["history_date", "history_type", "history_user_id", "changeset_id"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(history.db_table)} ({', '.join([*fields, *map(quote, own)])}) "
            f"SELECT {', '.join(fields)}, %s, %s, %s, %s FROM {table} WHERE {where}",
            [moment(now), kind, changeset.created_by_id, changeset.pk, *params],
        )


def moment(now: dt.datetime) -> Any:
    """Return a moment as the database takes it."""
    return connection.ops.adapt_datetimefield_value(now)
