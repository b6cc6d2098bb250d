"""Tell a database that is away from a statement that it cannot execute.

Both drivers raise OperationalError for both: psycopg for a statement that is too complex, sqlite3
for a pattern that is not a regular expression.
"""

from django.db import InterfaceError, OperationalError

#: Classes of SQLSTATE by which PostgreSQL says that it, or its machine, cannot work now:
#: connection, transaction rollback, resources, state of an object, operator, system.
_AWAY_SQLSTATES = ("08", "40", "53", "55", "57", "58")
#: The one result of SQLite that is about the statement: everything else is the file or its disk.
_SQLITE_ERROR = 1


def is_database_away(error: BaseException | None) -> bool:
    """Say whether an error means that the database does not answer, or not now."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    cause: BaseException | None = error.__cause__
    if cause is None:
        return True  # our own, or Django's: there is no connection
    if hasattr(cause, "sqlstate"):
        return cause.sqlstate is None or cause.sqlstate.startswith(_AWAY_SQLSTATES)
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF != _SQLITE_ERROR
