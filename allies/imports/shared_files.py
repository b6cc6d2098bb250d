"""The files of a changeset's job that several servers share: upload, plan, progress notes.

A site on SQLite has one server, and everything is in the changeset's folder. With PostgreSQL there
may be several servers. Then the database holds everything, and each server's folder holds copies.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import get_random_string

from allies.models import Changeset, JobFile
from allies.models.changeset import RETENTION

#: Bytes of a file per database row.
BLOCK_BYTES = 1 << 20
#: An upload counts as broken if its file has not grown for this many seconds.
_UPLOAD_SILENCE_SECONDS = 3600


def has_other_servers() -> bool:
    """Return whether there may be other servers."""
    return connection.vendor == "postgresql"


# Files: written once, then read on any server.


def share_file(changeset: Changeset, path: Path) -> None:
    """Copy a file of a changeset's folder to the database for other servers, in constant memory."""
    if not has_other_servers():
        return
    stamp = get_random_string(16)
    with transaction.atomic(), path.open("rb") as file:
        JobFile.objects.filter(changeset=changeset, name=path.name).delete()
        number, block = 0, file.read(BLOCK_BYTES)
        while block or not number:
            JobFile.objects.create(
                changeset=changeset, name=path.name, number=number, stamp=stamp, content=block
            )
            number, block = number + 1, file.read(BLOCK_BYTES)
    _stamp(path).write_text(stamp)


def fetch_local(changeset: Changeset, path: Path) -> Path:
    """Return the path of a file in a changeset's folder; fetch it first if missing or outdated."""
    if path.exists() and not has_other_servers():
        return path
    blocks = JobFile.objects.filter(changeset=changeset, name=path.name).order_by("number")
    stamp = blocks.values_list("stamp", flat=True).first()
    if stamp is None or (path.exists() and _read(_stamp(path)) == stamp):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{get_random_string(8).lower()}")
    try:
        with partial.open("wb") as file:
            for number in blocks.filter(stamp=stamp).values_list("number", flat=True):
                file.write(blocks.get(number=number, stamp=stamp).content)
        partial.replace(path)
        _stamp(path).write_text(stamp)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _stamp(path: Path) -> Path:
    return path.with_name(f".{path.name}.stamp")


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""


def delete_folder(changeset: Changeset) -> None:
    """Delete a changeset's folder, here and in the database."""
    shutil.rmtree(changeset.folder, ignore_errors=True)
    JobFile.objects.filter(changeset=changeset).delete()


def delete_stale_copies() -> None:
    """Delete local folders that have not changed for as long as files are kept."""
    before = time.time() - RETENTION.total_seconds()
    for folder in (Path(settings.MEDIA_ROOT) / "imports").glob("*"):
        with suppress(OSError):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)


def delete_broken_uploads() -> None:
    """Delete the files of uploads whose web server was killed while it received them."""
    before = time.time() - _UPLOAD_SILENCE_SECONDS
    for file in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"):
        with suppress(OSError):
            if file.stat().st_mtime < before:
                file.unlink()


# Notes: short messages between a job and those who wait for it. In the database, its own clock
# gives their age. The job's transaction does not delay them, because they are written on a separate
# connection while it is open.


def write_note(changeset: Changeset, name: str, text: str) -> None:
    """Write a note, replacing the one of this name; raise OSError or DatabaseError."""
    if has_other_servers():
        JobFile.objects.update_or_create(
            changeset=changeset,
            name=name,
            number=0,
            defaults={"content": text.encode(), "written_at": Now(), "stamp": ""},
        )
        return
    new = changeset.folder / f"{name}.new"
    new.write_text(text)
    new.replace(changeset.folder / name)


def read_note(changeset: Changeset, name: str) -> tuple[str, float] | None:
    """Return (text, age in seconds) of a note; None if there is none."""
    if has_other_servers():
        found = JobFile.objects.filter(changeset=changeset, name=name)
        row = found.annotate(age=Now() - F("written_at")).values_list("content", "age").first()
        return (bytes(row[0]).decode(), row[1].total_seconds()) if row else None
    path: Path = changeset.folder / name
    try:
        return path.read_text(), time.time() - path.stat().st_mtime
    except OSError:
        return None


def delete_note(changeset: Changeset, name: str) -> None:
    if has_other_servers():
        JobFile.objects.filter(changeset=changeset, name=name).delete()
    else:
        (changeset.folder / name).unlink(missing_ok=True)
