"""Back up the whole site to one file, and restore it: a snapshot of every table, and the uploads.

The format is the same for every database, so a backup can also move a site to another database.
It is a ZIP file with these members:

- ``tables/<table>.jsonl``: the column names in the first line, then one row per line.
- ``uploads/…``: the uploaded files.
- ``manifest.json``: the format, when and from which database the backup was made, its migrations,
  and for each other member its SHA-256 and, for a table, its number of rows.

It is written and read in constant memory.
"""

import datetime as dt
import json
import os
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from hashlib import sha256
from pathlib import Path, PurePosixPath
from shutil import disk_usage
from typing import Any, TypedDict
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from allies.db.content_version import reset_version
from allies.db.snapshot import snapshot_transaction
from allies.db.uploads_restore import (
    FOLDER_PREFIX,
    UploadsRestore,
    is_restore_path,
    resume_interrupted,
)
from allies.file_formats import Archive
from allies.models import ContentChange, KeptForm, SentForm

FORMAT = "allies-backup/1"
MANIFEST = "manifest.json"
TABLES, UPLOADS = "tables/", "uploads/"
#: Rows per batch, bytes per batch of rows, and bytes per block of an upload.
CHUNK, CHUNK_BYTES, BYTES = 2000, 16 << 20, 1 << 20
#: Maximum bytes of a backup's ZIP directory, of its manifest, and of one row.
MAX_CONTENTS, MAX_MANIFEST, MAX_LINE = 64 << 20, 64 << 20, 64 << 20
#: Sessions and submitted forms are not backed up. A restore empties their tables.
_TABLES_LEFT_EMPTY = (Session, SentForm, KeptForm)
#: Restored content gets a new content version, so the old one is not backed up.
_EXCLUDED_TABLES = (*_TABLES_LEFT_EMPTY, ContentChange)

#: Exceptions from reading a damaged or a forged file.
_UNREADABLE = (
    *(KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error),
    *(NotImplementedError, RuntimeError, ArithmeticError, ValidationError),
)


class RestoreFailed(Exception):
    """A backup cannot be restored; the message says why. Nothing was changed."""


class Described(TypedDict, total=False):
    """A file in a backup: the SHA-256 of its content and, for a table, the number of rows."""

    sha256: str
    rows: int


class Manifest(TypedDict):
    """The description of a backup. ``members`` describes each file in it, by name."""

    form: str
    made: str
    database: str
    migrations: list[str]
    members: dict[str, Described]


class RestoreIncomplete(Exception):
    """The database was or may have been replaced, but not the uploads.

    The message says what to do.
    """


def write_backup(path: Path) -> Manifest:
    """Write a backup to a file that only its owner can read; return its manifest.

    The file is renamed into place when it is complete. Readers and editors do not have to wait.
    Raises OSError.
    """
    partial = path.with_name(f".{path.name}.partial")
    members: dict[str, Described] = {}
    try:
        with (
            os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        ):
            with snapshot_transaction(connection):
                for model in _models():
                    name = f"{TABLES}{model._meta.db_table}.jsonl"
                    members[name] = _write_table(archive, name, model)
                migrations = _migrations()
            for upload in _uploads():
                name = f"{UPLOADS}{upload.relative_to(settings.MEDIA_ROOT).as_posix()}"
                with suppress(FileNotFoundError):  # deleted in the meantime
                    members[name] = _write_upload(archive, name, upload)
            manifest: Manifest = {
                "form": FORMAT,
                "made": timezone.now().isoformat(),
                "database": connection.vendor,
                "migrations": migrations,
                "members": members,
            }
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def open_backup(path: Path) -> Archive:
    """Open a backup for reading.

    Its total size is not limited, only the size of its parts. Raises RestoreFailed if it is not an
    intact ZIP file, OSError if it cannot be read.
    """
    try:
        return Archive(path, most=None, contents=MAX_CONTENTS)
    except _UNREADABLE as error:
        raise RestoreFailed(f"It is not a complete backup ({error}).") from error


def verify_backup(archive: Archive) -> Manifest:
    """Compare every member of a backup with its manifest; return the manifest.

    Raises RestoreFailed if a member is damaged, or if no site could restore it.
    """
    try:
        manifest: Manifest = json.loads(archive.read(MANIFEST, MAX_MANIFEST))
        if manifest["form"] != FORMAT:
            raise RestoreFailed(
                f"It has format {manifest['form']}; this version reads format {FORMAT}."
            )
        members = manifest["members"]
        sorted(manifest["migrations"])
        dt.datetime.fromisoformat(manifest["made"])
        _require_names(members)
        for name, described in members.items():
            seen, lines = sha256(), 0
            with archive.open(name) as member:
                while part := member.read(BYTES):
                    seen.update(part)
                    lines += part.count(b"\n")
            if seen.hexdigest() != described["sha256"]:
                raise RestoreFailed(f"{name} does not match its checksum: the file is damaged.")
            if name.startswith(TABLES) and described["rows"] != lines - 1:
                raise RestoreFailed(
                    f"{name} has {lines - 1} rows, which does not match the manifest."
                )
    except _UNREADABLE as error:
        raise RestoreFailed(f"It is not a complete backup ({error}).") from error
    return manifest


def _require_names(names: Iterable[str]) -> None:
    """Raise RestoreFailed if a member is neither a table nor a file in the upload folder."""
    files = {name for name in names if name.startswith(UPLOADS)}
    for name in names:
        parts = name.split("/")[1:]
        if name in files:
            is_path = all(
                part not in ("", ".", "..") and "\0" not in part and len(os.fsencode(part)) < 256
                for part in parts
            )
            if not is_path or parts[0].startswith(FOLDER_PREFIX):
                raise RestoreFailed(f"{name!r} is outside the upload folder.")
            if any(str(folder) in files for folder in PurePosixPath(name).parents):
                raise RestoreFailed(f"{name!r} is a file inside a file.")
        elif not (name.startswith(TABLES) and name.endswith(".jsonl") and len(parts) == 1):
            raise RestoreFailed(f"{name!r} is neither a table nor an upload.")


def restore(path: Path, *, replace: bool = False) -> Manifest:
    """Replace the site's content with that of a backup, all or nothing; return the manifest.

    All checks come before the first write. The new uploads are written next to the current ones.
    The database is replaced in one transaction, and then the uploads are swapped by renames.

    Raises RestoreFailed if nothing was changed: the backup is damaged or of another version, the
    site is not empty and ``replace`` is not set, or something could not be written. Raises
    RestoreIncomplete if the database was or may have been replaced, but not the uploads. Raises
    OSError if the backup cannot be read.
    """
    try:
        resume_interrupted()
    except OSError as error:
        raise RestoreIncomplete(
            "An earlier restore replaced the database, but the uploads still cannot be "
            f"replaced ({error}). Fix that first. This backup was not restored."
        ) from error
    with open_backup(path) as archive:
        manifest = verify_backup(archive)
        if manifest["migrations"] != (here := _migrations()):
            differ = sorted({*manifest["migrations"]} ^ {*here})
            raise RestoreFailed(
                f"It was made by another version ({', '.join(differ[:5])}). Install that "
                "version, migrate, restore the backup, then upgrade the site."
            )
        _require_tables(archive, manifest)
        if not replace and (full := _first_full_table()):
            raise RestoreFailed(
                f"The site is not empty ({full}). Use --replace to replace its data."
            )
        _require_disk_space(archive, manifest)
        swap = _write_uploads(archive, manifest)
        try:
            _replace_database(archive, manifest, swap)
        except BaseException:
            swap.release()
            raise
    try:
        swap.finish()
    except (OSError, DatabaseError) as error:
        swap.release()
        raise RestoreIncomplete(
            f"The database was replaced, but not all uploads were ({error}). Fix that, "
            "then run `manage.py restore --resume` to finish. Do not start the site "
            "before that."
        ) from error
    return manifest


def _require_tables(archive: Archive, manifest: Manifest) -> None:
    """Raise RestoreFailed unless the backup has every table with the same columns as here."""
    for model in _models():
        name = f"{TABLES}{model._meta.db_table}.jsonl"
        if name not in manifest["members"]:
            raise RestoreFailed(f"The table {model._meta.db_table} is missing.")
        with archive.open(name) as member:
            try:
                columns = json.loads(next(member.lines(MAX_LINE), b""))
            except ValueError:
                columns = None
        if columns != [field.attname for field in _columns(model)]:
            raise RestoreFailed(f"{name} has different columns from the table of this site.")


def _require_disk_space(archive: Archive, manifest: Manifest) -> None:
    """Raise RestoreFailed if the disk has too little free space for the backup.

    This is an estimate. The tables of PostgreSQL are not counted, as it may use another disk.
    """
    written = UPLOADS if connection.vendor == "postgresql" else (UPLOADS, TABLES)
    needed = sum(archive.infos[n].file_size for n in manifest["members"] if n.startswith(written))
    free = disk_usage(settings.DATA_DIR).free
    if free < needed:
        raise RestoreFailed(
            f"It needs about {needed // 10**6 + 1} MB in {settings.DATA_DIR}; only "
            f"{free // 10**6} MB are free."
        )


def _write_uploads(archive: Archive, manifest: Manifest) -> UploadsRestore:
    """Write the uploads next to the current ones; raise RestoreFailed if that fails."""
    swap = None
    try:
        swap = UploadsRestore.begin()
        for name in manifest["members"]:
            if name.startswith(UPLOADS):
                file = swap.open_new(name.removeprefix(UPLOADS))
                with file, archive.open(name) as member:
                    while part := member.read(BYTES):
                        file.write(part)
        swap.sync()
    except (*_UNREADABLE, OSError) as error:
        if swap:
            swap.drop()
        raise RestoreFailed(f"The uploads cannot be written ({error}).") from error
    return swap


def _replace_database(archive: Archive, manifest: Manifest, swap: UploadsRestore) -> None:
    """Replace all rows in one transaction.

    Raises RestoreFailed if it was rolled back, RestoreIncomplete if that cannot be known.
    """
    try:
        with transaction.atomic():
            _replace_rows(archive, manifest)
            reset_version()
            swap.mark()
    except RestoreFailed:
        swap.drop()
        raise
    except (*_UNREADABLE, OSError, DatabaseError) as error:
        # If the connection is lost during the commit, only the database knows the result.
        connection.close()
        try:
            is_replaced = swap.is_marked()
        except DatabaseError:
            raise RestoreIncomplete(
                f"The connection to the database was lost ({error}), and it is not known "
                "whether the database was replaced. When it is back, run `manage.py "
                "restore --resume`: it finishes the restore or says that nothing was "
                "changed. Do not start the site before that."
            ) from error
        if not is_replaced:
            swap.drop()
            raise RestoreFailed(f"The rows cannot be written ({error}).") from error


def _models() -> list[Any]:
    """Return the models of all tables in a backup, in the order of the table names."""
    found = {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model not in _EXCLUDED_TABLES
    }
    return [found[name] for name in sorted(found)]


def _migrations() -> list[str]:
    done = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in done)


def _columns(model: type[models.Model]) -> "list[models.Field[object, object]]":
    return list(model._meta.concrete_fields)


def _write_table(archive: zipfile.ZipFile, name: str, model: type[models.Model]) -> Described:
    seen, rows = sha256(), 0
    columns = [field.attname for field in _columns(model)]
    found = model._base_manager.order_by("pk").values_list(*columns)
    with archive.open(name, "w", force_zip64=True) as member:
        for row in [columns], found.iterator(CHUNK):
            for values in row:
                line = json.dumps(list(values), default=_as_text, ensure_ascii=False).encode()
                seen.update(line + b"\n")
                member.write(line + b"\n")
                rows += 1
    return {"sha256": seen.hexdigest(), "rows": rows - 1}


def _as_text(value: object) -> str:
    match value:
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case Decimal() | UUID() | dt.timedelta():
            return str(value)
        case bytes() | memoryview():
            return b64encode(value).decode()  # the format that Django's BinaryField reads
    raise TypeError(f"A {type(value).__name__} has no place in a backup")


def _write_upload(archive: zipfile.ZipFile, name: str, upload: Path) -> Described:
    seen = sha256()
    with upload.open("rb") as file, archive.open(name, "w", force_zip64=True) as member:
        while part := file.read(BYTES):
            seen.update(part)
            member.write(part)
    return {"sha256": seen.hexdigest()}


def _uploads() -> list[Path]:
    root = Path(settings.MEDIA_ROOT)
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and not is_restore_path(path)
    )


def _first_full_table() -> str:
    """Return the name of a table with rows of users or of the app; "" if the site is empty."""
    own = apps.get_app_config("allies").get_models()
    people = apps.get_model(settings.AUTH_USER_MODEL)
    for model in (people, *own):
        if model not in _EXCLUDED_TABLES and model._base_manager.exists():
            return str(model._meta.db_table)
    return ""


def _replace_rows(archive: Archive, manifest: Manifest) -> None:
    """Replace the rows of every table, then check all foreign keys.

    Raises RestoreFailed if a table has another number of rows than in the manifest.
    """
    kept = _models()
    with connection.cursor() as cursor:
        for model in (*kept, *_TABLES_LEFT_EMPTY):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
    for model in kept:
        name = f"{TABLES}{model._meta.db_table}.jsonl"
        number = sum(_insert(model, rows) for rows in _batches(archive, name, model))
        if number != manifest["members"][name]["rows"]:
            raise RestoreFailed(f"{name} has {number} rows, which does not match the manifest.")
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), kept):
            cursor.execute(statement)
    connection.check_constraints()


def _batches(
    archive: Archive, name: str, model: type[models.Model]
) -> Iterator[list[models.Model]]:
    fields = _columns(model)
    with archive.open(name) as member:
        lines = member.lines(MAX_LINE)
        next(lines)  # the columns, which _require_tables has checked
        batch: list[models.Model] = []
        size = 0
        for line in lines:
            values = json.loads(line)
            made = model()
            for field, value in zip(fields, values, strict=True):
                setattr(made, field.attname, _value(field, value))
            batch.append(made)
            size += len(line)
            if len(batch) == CHUNK or size > CHUNK_BYTES:
                yield batch
                batch, size = [], 0
        yield batch


def _value(field: Any, value: object) -> Any:
    if value is None or isinstance(field, models.JSONField):
        return value
    target = field.target_field if field.is_relation else field
    return target.to_python(value)


def _insert(model: Any, rows: list[models.Model]) -> int:
    """Insert rows unchanged, without signals or automatic field values; return their number."""
    fields = _columns(model)
    size = max(connection.ops.bulk_batch_size(fields, rows), 1) if rows else 1
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        model._base_manager._insert(part, fields=fields, using=DEFAULT_DB_ALIAS, raw=True)
    return len(rows)


def count_rows(manifest: Manifest) -> int:
    """Return the total number of rows in a backup."""
    members: dict[str, Described] = manifest["members"]
    return sum(described["rows"] for name, described in members.items() if name.startswith(TABLES))
