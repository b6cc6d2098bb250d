"""Table locks for writing many records at once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from allies.models import Record


def lock_tables(models: "Iterable[type[Record]]") -> None:
    """Block other writes to these models until the end of the transaction; reads are not blocked.

    On SQLite, the transaction already holds the only write lock.
    """
    if connection.vendor == "postgresql":
        tables = [
            table
            for model in sorted(models, key=lambda m: m._meta.db_table)
            for table in (model._meta.db_table, model.history.model._meta.db_table)
        ]
        if not tables:  # an import without records
            return
        with connection.cursor() as cursor:
            names = ", ".join(map(connection.ops.quote_name, tables))
            cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
