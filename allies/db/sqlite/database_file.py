"""Watch the file of an SQLite database while the site runs.

A process that has a file open can still write to it after the file was removed or replaced. These
writes are lost when the process ends. So before queries and commits, the file at the path is
compared with the file that was opened. This takes a few microseconds.

A process that finds damage notes it in a file next to the database. Then all processes that are
running stop using the database. A process that starts later checks for itself.

The file is opened here once and never closed, because closing it would drop SQLite's own locks
(https://www.sqlite.org/howtocorrupt.html, 2.2).
"""

import logging
import os
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

from django.db.utils import OperationalError

from allies.db.sqlite.side_files import RESTORE_ADVICE, SideFiles, stat_of

log = logging.getLogger(__name__)

MAGIC = b"SQLite format 3\0"
#: Suffix of the file in which a process notes damage for the others.
DAMAGE_NOTE = "-damaged"
#: SQLite's codes for damage. A damaged search index has its own code, and can be rebuilt.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CORRUPT_VTAB = sqlite3.SQLITE_CORRUPT_VTAB
#: Seconds that one check of the file's pages takes at most, and seconds between two checks.
EXAMINE_SECONDS, PAUSE_SECONDS = 0.2, 10


class DatabaseFileError(OperationalError):
    """The database file is damaged, or not the one that was opened. Nothing was saved."""


def is_damage(error: BaseException | None) -> bool:
    """Return True if an error of SQLite means that the file is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return _code_of(error) in _DAMAGED and code != _CORRUPT_VTAB


def _code_of(error: BaseException | None) -> int:
    """Return the primary SQLite result code of an error, 0 if it has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


class DatabaseFile:
    """The file that this process opened, and whether it can still be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        try:
            self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise DatabaseFileError(
                f"The database {path} does not exist. `manage.py migrate` creates an empty one."
            ) from None
        except OSError as error:
            raise _cannot_open(error) from None
        try:
            self._side_files = SideFiles(path)
        except OSError as error:
            os.close(self._number)  # there is no connection yet whose locks this would drop
            raise _cannot_open(error) from None
        opened = os.fstat(self._number)
        self._identity = opened.st_dev, opened.st_ino
        self._size = opened.st_size
        self._failure = ""
        self._note = f"{path}{DAMAGE_NOTE}"
        if self._side_files.is_first:
            with suppress(OSError):
                Path(self._note).unlink()
        self._lock = threading.Lock()
        self._next_table = 0
        self._examine_after = 0.0
        self._unreadable = ""

    def problem(self, *, read_header: bool = True) -> str:
        """Return a description of the first problem that a quick check finds, "" if none."""
        if self._failure:
            return self._failure
        if stat_of(self._note):
            return self._read_note()
        try:
            found = os.stat(self._name)  # noqa: PTH116  # runs before every query
        except OSError:
            return f"{self.path} no longer exists. Put it back, or restart the site."
        if (found.st_dev, found.st_ino) != self._identity:
            return (
                f"{self.path} was replaced by another file. Put the original back, or "
                "restart the site to use the new one."
            )
        if not read_header and found.st_size >= self._size:
            return ""
        header = os.pread(self._number, 100, 0)
        if found.st_size and not header.startswith(MAGIC):
            return self.fail("is not an SQLite database")
        if found.st_size < self._size and found.st_size < max(_size_in(header), 1):
            return self.fail("was truncated")
        self._size = found.st_size
        return ""

    def require(self, *, read_header: bool = True) -> None:
        """Raise DatabaseFileError if there is a problem with the file."""
        if said := self.problem(read_header=read_header):
            raise DatabaseFileError(said)

    def require_side_files(self) -> None:
        """Raise DatabaseFileError if a side file was removed, replaced or truncated."""
        if loss := self._side_files.find_loss():
            raise DatabaseFileError(self.fail(*loss))

    def fail(self, what: str, remedy: str = RESTORE_ADVICE) -> str:
        """Remember damage and tell the other processes, so that all stop; return the message."""
        if not self._failure:
            self._failure = f"{self.path} {what}. {remedy}"
            log.error("Changes can no longer be saved: %s", self._failure)
            self._write_note(self._failure)
            self._side_files.write_pending()
        return self._failure

    def _write_note(self, text: str) -> None:
        """Note damage for the other processes. If that fails, each of them finds it itself."""
        try:
            with os.fdopen(
                os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as file:
                file.write(text)
        except OSError:
            log.exception("Damage cannot be noted for other processes: %s", self._note)

    def _read_note(self) -> str:
        """Remember the damage that another process noted; return its message."""
        with suppress(OSError):
            self._failure = Path(self._note).read_text()
        self._failure = self._failure or f"{self.path} is damaged. {RESTORE_ADVICE}"
        log.error("Changes can no longer be saved, as another process found: %s", self._failure)
        self._side_files.write_pending()
        return self._failure

    def examine(self) -> str:
        """Check the pages of some tables; return a description of the problem, "" if none.

        Each check continues with the next table and takes at most 0.2 seconds. A call less than
        10 seconds after the last check only returns whether that could read the file.
        """
        if said := self.problem():
            return said
        with self._lock:
            if time.monotonic() < self._examine_after:
                return self._unreadable
            self._examine_after = time.monotonic() + PAUSE_SECONDS
            found = self._unreadable = ""
            try:
                found = self._look_at_tables(time.monotonic() + EXAMINE_SECONDS)
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    found = str(error)
                elif _code_of(error) == sqlite3.SQLITE_IOERR:
                    # The disk may work again at the next check, or the -wal file is damaged.
                    self._unreadable = (
                        f"{self.path} or its -wal file cannot be read ({error}). Check "
                        "the disk, or restart the site."
                    )
        return self.fail(f"is damaged ({found})") if found else self._unreadable

    def _look_at_tables(self, end: float) -> str:
        uri = f"{self.path.as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.set_progress_handler(lambda: time.monotonic() > end, 1000)
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY 1"
            ).fetchall()
            for _count in tables:
                (name,) = tables[self._next_table % len(tables)]
                self._next_table += 1  # even if this table takes longer than the time limit
                quoted = name.replace('"', '""')
                (found,) = connection.execute(f'PRAGMA quick_check("{quoted}")').fetchone()
                if found != "ok":
                    return str(found)
                if time.monotonic() > end:
                    break
        return ""


def _cannot_open(error: OSError) -> DatabaseFileError:
    """Return the error to raise; without a cause, which would make it that of a statement."""
    return DatabaseFileError(f"{error.filename} cannot be opened: {error.strerror}.")


def _size_in(header: bytes) -> int:
    """Return the database size in bytes from its header (https://sqlite.org/fileformat.html)."""
    page = int.from_bytes(header[16:18], "big")
    return (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")


#: By process, because a forked process must not use the connections of its parent.
_files: dict[tuple[int, Path], DatabaseFile] = {}
_opening = threading.Lock()


def database_file(path: Path) -> DatabaseFile:
    """Return the file at a path as this process opened it first. Raises DatabaseFileError."""
    key = os.getpid(), path
    with _opening:
        if key not in _files:
            _files[key] = DatabaseFile(path)
        return _files[key]
