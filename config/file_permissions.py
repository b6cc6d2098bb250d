"""Who may read what the site writes: its own user, and nobody else on the machine.

Static files and compiled messages are the exception: they are made when an image is built or a
release is installed, often by another user, and a proxy may serve them.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Rights that the group and others have none of.
_GROUP_AND_OTHERS = 0o077
#: What a data folder holds; a folder with something else may be anybody's, like /tmp.
_PRIVATE_NAMES = ("secret_key", "db.sqlite3", "uploads", "incoming", "limits.sqlite3")
#: What is private in a data folder, besides the folder itself. The rest is behind its door.
_PRIVATE_FILES = ("secret_key", "*.sqlite3", "*.sqlite3-*")
_PRIVATE_FOLDERS = ("uploads", "incoming", "slots", "metrics")


def set_private_umask() -> None:
    """Let nobody else read the files that this process makes from now on."""
    os.umask(_GROUP_AND_OTHERS)


@contextmanager
def public_umask() -> Iterator[None]:
    """Let everybody read the files that are made inside."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def private_paths(folder: Path, database: Path | None = None) -> Iterator[Path]:
    """Yield the data folder and what has to be private in it, and the database's files."""
    yield folder
    for pattern in _PRIVATE_FILES:
        yield from folder.glob(pattern)
    for name in _PRIVATE_FOLDERS:
        if (folder / name).is_dir():
            yield folder / name
            yield from (folder / name).rglob("*")
    if database is not None and not database.is_relative_to(folder):
        yield from database.parent.glob(f"{database.name}*")


def find_readable_by_others(folder: Path, database: Path | None = None) -> Iterator[Path]:
    """Yield the private paths that somebody else on the machine can read or write."""
    for path in private_paths(folder, database):
        with suppress(OSError):
            if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & _GROUP_AND_OTHERS:
                yield path


def make_private(folder: Path, database: Path | None = None) -> None:
    """Take the rights of others away from the private paths, as far as this user may.

    A folder that is not recognised as a data folder is left alone. The check ``allies.W003``
    names what is still open.
    """
    if not _is_data_folder(folder):
        return
    for path in [*find_readable_by_others(folder, database)]:
        with suppress(OSError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_GROUP_AND_OTHERS)


def _is_data_folder(folder: Path) -> bool:
    try:
        found = folder.stat()
        names = {path.name for path in folder.iterdir()}
    except OSError:
        return False
    is_shared = bool(found.st_mode & stat.S_ISVTX)
    return (
        found.st_uid == os.geteuid()
        and not is_shared
        and (not names or bool(names & {*_PRIVATE_NAMES}))
    )
