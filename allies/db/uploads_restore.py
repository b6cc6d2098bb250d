"""Replaces all uploads at once, by renames that are finished or dropped after a kill.

The new files are written into a folder of their own inside the uploads, so on the same disk. The
transaction that replaces the database also writes a marker row. If the marker is there, the
uploads still have to be swapped; if it is not, the database was not replaced and the new files
are dropped. So whenever the process is killed, ``resume_interrupted`` makes database and uploads
fit.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from allies.models import ContentChange

#: How the folders are called that hold files of a restore.
FOLDER_PREFIX = ".restoring-"


class UploadsRestore:
    """The files that are to replace the uploads.

    ``new`` holds them until the old ones are out of the way, ``ready`` after that, ``old`` what
    they replaced. A lock on the folder tells a restore at work from one that was killed.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.root = Path(settings.MEDIA_ROOT)
        self.folder = self.root / f"{FOLDER_PREFIX}{number}"
        self._new, self._ready, self._old = (self.folder / n for n in ("new", "ready", "old"))
        self._lock: IO[str] | None = None

    @classmethod
    def begin(cls) -> "UploadsRestore":
        """Make the folder for the new files and lock it. Raises OSError."""
        swap = cls(secrets.randbits(62) + 1)
        swap.folder.mkdir(mode=0o700, parents=True)
        swap.acquire()
        swap._new.mkdir(mode=0o700)
        return swap

    def acquire(self) -> bool:
        """Lock the folder; return False if another process works on it."""
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            return False
        return True

    def open_new(self, name: str) -> IO[bytes]:
        """Open a new file for writing; ``name`` is its path below the uploads."""
        path = self._new / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    # The marker: a row of the content's version that counts nothing.

    def mark(self) -> None:
        """Note in the transaction under way that the uploads have to be swapped after it."""
        ContentChange.objects.create(id=-self.number, n=0)

    def is_marked(self) -> bool:
        return ContentChange.objects.filter(id=-self.number).exists()

    def finish(self) -> None:
        """Swap the uploads and forget the swap; continues one that was interrupted."""
        if self._new.exists():
            self._old.mkdir(mode=0o700, exist_ok=True)
            for path in self.root.iterdir():
                if not path.name.startswith(FOLDER_PREFIX):
                    path.rename(self._old / path.name)
            self._new.rename(self._ready)
        if self._ready.exists():
            _move(self._ready, self.root)
            _sync(self.root)
        # The marker goes last: a kill before that finds a swap to finish, and none to drop.
        self.drop()
        ContentChange.objects.filter(id=-self.number).delete()

    def drop(self) -> None:
        """Remove the folder and everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let another process work on the folder."""
        if self._lock is not None:
            self._lock.close()

    def sync(self) -> None:
        """Make sure that the new files are on the disk."""
        for folder, _folders, names in os.walk(self._new):
            for name in names:
                _sync(Path(folder) / name)
            _sync(Path(folder))
        _sync(self.folder)


def _move(source: Path, target: Path) -> None:
    """Move the contents of a folder into another one; a file there is replaced."""
    for path in source.iterdir():
        there = target / path.name
        if path.is_dir() and there.is_dir():
            _move(path, there)
        else:
            path.replace(there)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _interrupted_restores() -> Iterator[UploadsRestore]:
    """Yield the swaps that no process works on any more, locked."""
    for folder in sorted(Path(settings.MEDIA_ROOT).glob(f"{FOLDER_PREFIX}*")):
        swap = UploadsRestore(int(folder.name.removeprefix(FOLDER_PREFIX)))
        if swap.acquire():
            yield swap


def resume_interrupted() -> list[str]:
    """Finish or drop every restore that was interrupted; return what was done, in sentences.

    Raises OSError if the uploads still cannot be swapped.
    """
    done = []
    for swap in _interrupted_restores():
        try:
            if swap.is_marked():
                swap.finish()
                done.append(
                    "A restore was interrupted after it replaced the database. It is now finished."
                )
            else:
                swap.drop()
                done.append("A restore was interrupted before it changed anything. Cleaned up.")
        finally:
            swap.release()
    return done


def is_interrupted() -> bool:
    """Return True if a restore was interrupted and has to be resumed."""
    for swap in _interrupted_restores():
        swap.release()
        return True
    return False


def is_restore_path(path: Any) -> bool:
    """Return True for a path below the uploads that belongs to a restore under way."""
    with suppress(ValueError):
        return Path(path).relative_to(settings.MEDIA_ROOT).parts[0].startswith(FOLDER_PREFIX)
    return False
