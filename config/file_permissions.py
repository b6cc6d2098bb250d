"""Make the files of the site readable by its own user only.

Static files and compiled messages are exceptions. They are created when an image is built or a
release is installed, often by another user, and a proxy may serve them.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: All permissions of the group and of others.
_GROUP_AND_OTHERS = 0o077
#: Names by which a data folder is recognised. Others may be shared folders, like /tmp.
_DATA_FOLDER_NAMES = ("secret_key", "db.sqlite3", "uploads", "incoming", "limits.sqlite3")
#: Private files and folders in a data folder. The permissions of the folder protect the rest.
_PRIVATE_FILES = ("secret_key", "*.sqlite3", "*.sqlite3-*")
_PRIVATE_FOLDERS = ("uploads", "incoming", "slots", "metrics")


def set_private_umask() -> None:
    """Make all files that this process creates from now on private."""
    os.umask(_GROUP_AND_OTHERS)


@contextmanager
def public_umask() -> Iterator[None]:
    """Make files that are created in this context readable by everyone."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def private_paths(folder: Path, database: Path | None = None) -> Iterator[Path]:
    """Yield the data folder, the paths in it that must be private, and the database files."""
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
    """Yield the private paths that other users of the machine can access."""
    for path in private_paths(folder, database):
        with suppress(OSError):
            if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & _GROUP_AND_OTHERS:
                yield path


def make_private(folder: Path, database: Path | None = None) -> None:
    """Remove the permissions of other users from the private paths, as far as this user may.

    Nothing is done if the folder is not recognised as a data folder. The system check
    ``allies.W003`` reports the paths that others can still access.
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
        and (not names or bool(names & {*_DATA_FOLDER_NAMES}))
    )
