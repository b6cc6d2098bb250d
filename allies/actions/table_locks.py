"""The locks under which many records are written at once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from allies.models import Record


def lock_tables(models: "Iterable[type[Record]]") -> None:
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
