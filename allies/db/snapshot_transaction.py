"""A read-only transaction in which all queries see the same state of the data."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def snapshot_transaction(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Make all queries of a connection see one state of the data, without blocking writers.

    Django's own transactions take SQLite's write lock, which reading does not need. Inside another
    transaction this does nothing: its isolation level is the caller's choice.
    """
    if connection.in_atomic_block:
        yield
        return
    postgresql = connection.vendor == "postgresql"
    isolation = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if postgresql else ""
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN{isolation}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
