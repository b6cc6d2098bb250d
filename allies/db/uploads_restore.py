"""Replace all uploads at once by renames, and resume or discard this after the process is killed.

The new files are written to a separate folder inside the uploads, so they are on the same disk.
The transaction that replaces the database also writes a marker row. If the marker exists, the
uploads still have to be swapped. If not, the database was not replaced, and the new files are
removed. So whenever the process is killed, ``resume_interrupted`` makes uploads and database match
again.
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

#: Prefix of the folders with the files of a restore.
FOLDER_PREFIX = ".restoring-"


class UploadsRestore:
    """The files that will replace the uploads.

    The folder ``new`` holds them until the old files are moved away to ``old``. Then it is renamed
    to ``ready``. While a restore runs, it locks the folder; after a kill the lock is free.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.root = Path(settings.MEDIA_ROOT)
        self.folder = self.root / f"{FOLDER_PREFIX}{number}"
        self._new, self._ready, self._old = (self.folder / n for n in ("new", "ready", "old"))
        self._lock: IO[str] | None = None

    @classmethod
    def begin(cls) -> "UploadsRestore":
        """Create the folder for the new files and lock it. Raises OSError."""
        swap = cls(secrets.randbits(62) + 1)
        swap.folder.mkdir(mode=0o700, parents=True)
        swap.acquire()
        swap._new.mkdir(mode=0o700)
        return swap

    def acquire(self) -> bool:
        """Lock the folder; return False if another process has the lock."""
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

    # The marker is a row in the table of the content version that adds 0 to it.

    def mark(self) -> None:
        """Write the marker, in the transaction that replaces the database."""
        ContentChange.objects.create(id=-self.number, n=0)

    def is_marked(self) -> bool:
        return ContentChange.objects.filter(id=-self.number).exists()

    def finish(self) -> None:
        """Swap the uploads, or continue an interrupted swap; then remove folder and marker."""
        if self._new.exists():
            self._old.mkdir(mode=0o700, exist_ok=True)
            for path in self.root.iterdir():
                if not path.name.startswith(FOLDER_PREFIX):
                    path.rename(self._old / path.name)
            self._new.rename(self._ready)
        if self._ready.exists():
            _move(self._ready, self.root)
            _sync(self.root)
        # The marker goes last. After a kill before that, the swap is finished, not discarded.
        self.drop()
        ContentChange.objects.filter(id=-self.number).delete()

    def drop(self) -> None:
        """Remove the folder and everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Release the lock, so that another process can work on the folder."""
        if self._lock is not None:
            self._lock.close()

    def sync(self) -> None:
        """Flush the new files and their folders to the disk."""
        for folder, _folders, names in os.walk(self._new):
            for name in names:
                _sync(Path(folder) / name)
            _sync(Path(folder))
        _sync(self.folder)


def _move(source: Path, target: Path) -> None:
    """Move the contents of a folder into another one; replace files of the same name."""
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
    """Yield the restores that no process works on any more, each of them locked."""
    for folder in sorted(Path(settings.MEDIA_ROOT).glob(f"{FOLDER_PREFIX}*")):
        swap = UploadsRestore(int(folder.name.removeprefix(FOLDER_PREFIX)))
        if swap.acquire():
            yield swap


def resume_interrupted() -> list[str]:
    """Finish or discard every interrupted restore; return a sentence about each.

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
    """Return True if there is an interrupted restore, which must be resumed."""
    for swap in _interrupted_restores():
        swap.release()
        return True
    return False


def is_restore_path(path: Any) -> bool:
    """Return True if a path in the upload folder belongs to an unfinished restore."""
    with suppress(ValueError):
        return Path(path).relative_to(settings.MEDIA_ROOT).parts[0].startswith(FOLDER_PREFIX)
    return False
