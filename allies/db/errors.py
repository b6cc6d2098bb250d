"""Distinguish a database that is not available from a statement that it cannot execute.

Both drivers raise OperationalError in both cases. psycopg also raises it for a statement that is
too complex, sqlite3 also for an invalid regular expression.
"""

from django.db import InterfaceError, OperationalError

#: SQLSTATE classes with which PostgreSQL reports that it, or its machine, cannot work now:
#: connection, transaction rollback, resources, object state, operator intervention, system.
_AWAY_SQLSTATES = ("08", "40", "53", "55", "57", "58")
#: SQLite's result code for a faulty statement. All others are about the file or its disk.
_SQLITE_ERROR = 1
#: The codes of a full disk: PostgreSQL's SQLSTATE disk_full, and SQLite's SQLITE_FULL.
_DISK_FULL_SQLSTATE = "53100"
_SQLITE_FULL = 13


def is_database_away(error: BaseException | None) -> bool:
    """Return True if an error means that the database is unavailable at the moment."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    cause: BaseException | None = error.__cause__
    if cause is None:
        return True  # raised by us or by Django: there is no connection
    if hasattr(cause, "sqlstate"):
        return cause.sqlstate is None or cause.sqlstate.startswith(_AWAY_SQLSTATES)
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF != _SQLITE_ERROR


def is_disk_full(error: BaseException | None) -> bool:
    """Return True if the database could not write because its disk is full."""
    cause = error.__cause__ if isinstance(error, OperationalError) else None
    if getattr(cause, "sqlstate", None) == _DISK_FULL_SQLSTATE:
        return True
    return (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF == _SQLITE_FULL
