"""The ``-wal`` and ``-shm`` files of an SQLite database, which all its processes must share.

SQLite removes both files when its last connection closes, and creates them for the next one. So a
process cannot tell from the files alone whether somebody else removed them. Two measures help:

- Each process keeps one connection open, the *anchor*. So SQLite does not remove the files while a
  process uses the database.
- Each process holds a shared lock (flock) on a lock file, which names the two files. Only a process
  that gets the lock exclusively may start with other files, because then no other is running.
  Processes open and close their anchors one at a time, under a second lock (lockf).

If the files are removed nevertheless, the anchor still has them, and writes the last edits from
``-wal`` to the database.
"""

import atexit
import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

SUFFIXES = ("-wal", "-shm")
#: Suffix of the lock file.
LOCK_SUFFIX = "-lock"
#: Advice in messages about lost side files.
RESTART_ADVICE = (
    "Stop the site normally, so that it writes its pending changes, then start it again."
)
RESTORE_ADVICE = (
    "Stop the site, repair the database or restore a backup, then start the site again."
)


def stat_of(path: str) -> os.stat_result | None:
    """Return the ``os.stat`` result of a file; None if there is none."""
    try:
        return os.stat(path)  # noqa: PTH116  # runs before every query; faster than Path.stat
    except OSError:
        return None


class SideFiles:
    """The side files as this process found them when it started.

    ``is_first`` says that no other process used the database at that time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = {suffix: f"{path}{suffix}" for suffix in SUFFIXES}
        self._seen: dict[str, os.stat_result] = {}
        self._expected: dict[str, tuple[int, int]] = {}
        self._anchor: sqlite3.Connection | None = None
        self._anchor_lock = threading.Lock()
        self._process = os.getpid()
        self._lock = os.open(f"{path}{LOCK_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with self._mutex():
            self.is_first = self._lock_alone()
            if self.is_first:
                os.ftruncate(self._lock, 0)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            self._expected = self._read_expected()
            # Without names, the processes that it may have waited for have ended.
            self.is_first = self.is_first or not self._expected
            if not (self._expected and self.find_loss()):
                self._open_anchor()
                self.find_loss()
                if not self._expected:
                    self._write_expected()

    def find_loss(self) -> tuple[str, str] | None:
        """Return (problem, advice) if a side file was removed, replaced or truncated."""
        for suffix, name in self._names.items():
            before = self._seen.get(suffix)
            found = stat_of(name)
            if before is None and suffix not in self._expected:
                if found is not None:
                    self._seen[suffix] = found
                continue
            expected = (before.st_dev, before.st_ino) if before else self._expected[suffix]
            if found is None or (found.st_dev, found.st_ino) != expected:
                # Open connections still use the old file, so writes to a new one would be lost.
                return f"has lost its {suffix} file", RESTART_ADVICE
            if before is not None and found.st_size < before.st_size:
                # SQLite overwrites its -wal file from the start, but never truncates it in use.
                return f"has lost a part of its {suffix} file", RESTORE_ADVICE
            self._seen[suffix] = found
        return None

    def write_pending(self) -> None:
        """If a side file was removed, write the edits in ``-wal`` to the database.

        Writes nothing if ``-wal`` was truncated, or if only the database itself is damaged.
        """
        loss = self.find_loss()
        with self._anchor_lock:
            if self._anchor is None or loss is None or loss[1] != RESTART_ADVICE:
                return
            try:
                self._anchor.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
            except sqlite3.Error:
                log.exception("Edits in the -wal file could not be written to %s", self._path)

    def _open_anchor(self) -> None:
        uri = f"{self._path.as_uri()}?mode=rw"
        with suppress(sqlite3.Error):  # the check of the file's header says what is wrong
            anchor = sqlite3.connect(
                uri, uri=True, timeout=5, isolation_level=None, check_same_thread=False
            )
            # Reading locks the file as long as the connection is open.
            anchor.execute("PRAGMA journal_mode=WAL").fetchall()
            anchor.execute("SELECT count(*) FROM sqlite_master").fetchall()
            self._anchor = anchor
            atexit.register(self._close_anchor)

    def _close_anchor(self) -> None:
        """Close the anchor as the process ends. SQLite removes the files if it was the last."""
        if os.getpid() != self._process:
            return  # a forked process, which has inherited the anchor and the lock
        with self._anchor_lock, self._mutex():
            if self._lock_alone():
                os.ftruncate(self._lock, 0)  # the next process starts with other files
            if self._anchor is not None:
                self._anchor.close()
                self._anchor = None

    @contextmanager
    def _mutex(self) -> Iterator[None]:
        """Let no other process open or close its anchor meanwhile."""
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def _lock_alone(self) -> bool:
        """Lock exclusively if no other process uses the database; return whether it did."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _read_expected(self) -> dict[str, tuple[int, int]]:
        """Return (device, inode) for each suffix in the lock file."""
        found = {}
        for line in os.pread(self._lock, 200, 0).decode().splitlines():
            suffix, device, inode = line.split()
            found[suffix] = int(device), int(inode)
        return found

    def _write_expected(self) -> None:
        """Write the files of this process to the lock file."""
        text = "".join(
            f"{suffix} {seen.st_dev} {seen.st_ino}\n" for suffix, seen in self._seen.items()
        )
        os.pwrite(self._lock, text.encode(), 0)
