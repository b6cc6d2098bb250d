"""What several servers need of a changeset at work: its file, its plan, what its job says.

A site on SQLite is on one server, and all of it lies in the changeset's folder. With PostgreSQL
there may be several: then the database has it all, and the folder of each server holds copies.
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

#: Bytes of a file in one row.
BLOCK_BYTES = 1 << 20
#: Seconds without a byte after which nobody receives an upload any more.
_UPLOAD_SILENCE_SECONDS = 3600


def has_other_servers() -> bool:
    """Say whether there may be other servers."""
    return connection.vendor == "postgresql"


# Files: written once, read wherever somebody looks or works.


def share_file(changeset: Changeset, path: Path) -> None:
    """Let other servers have a file of a changeset's folder as it is now; in constant memory."""
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
    """Return a file of a changeset's folder, fetched where it is not here as others have it."""
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
    """Remove what there is of a changeset's folder, here and for others."""
    shutil.rmtree(changeset.folder, ignore_errors=True)
    JobFile.objects.filter(changeset=changeset).delete()


def delete_stale_copies() -> None:
    """Remove folders here that nobody has looked into for as long as a file is kept."""
    before = time.time() - RETENTION.total_seconds()
    for folder in (Path(settings.MEDIA_ROOT) / "imports").glob("*"):
        with suppress(OSError):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)


def delete_broken_uploads() -> None:
    """Remove the files of uploads whose web server was killed while it received them."""
    before = time.time() - _UPLOAD_SILENCE_SECONDS
    for file in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"):
        with suppress(OSError):
            if file.stat().st_mtime < before:
                file.unlink()


# Notes: a few words between a job and those who wait for it. Where the database has them, its own
# clock says how old they are; a transaction of the job does not hold them back, for whoever
# writes them meanwhile does it on a connection of its own.


def write_note(changeset: Changeset, name: str, text: str) -> None:
    """Leave a note in place of the last one of this name; raise OSError or DatabaseError."""
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
    """Return a note and how many seconds old it is; None where there is none."""
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
    """Take a note away."""
    if has_other_servers():
        JobFile.objects.filter(changeset=changeset, name=name).delete()
    else:
        (changeset.folder / name).unlink(missing_ok=True)
