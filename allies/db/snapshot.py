"""One moment of the data: what is read inside is of one state, whatever is written meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def snapshot_transaction(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let a connection see the data as they are when this begins, and hold nobody up.

    Django's own transactions take SQLite's write lock; one that only reads needs none. Inside a
    transaction nothing is done: whoever began it has seen to it.
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
