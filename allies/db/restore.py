"""Verify a backup, and restore the whole site from it, all or nothing.

``backup.py`` describes the format. A backup is read in constant memory.
"""

import datetime as dt
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from shutil import disk_usage
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models, transaction

from allies.db.backup import (
    BYTES,
    CHUNK,
    CHUNK_BYTES,
    EXCLUDED_TABLES,
    FORMAT,
    MANIFEST,
    TABLES,
    TABLES_LEFT_EMPTY,
    UPLOADS,
    Manifest,
    backup_models,
    migration_names,
    model_columns,
)
from allies.db.content_version import reset_version
from allies.db.uploads_restore import FOLDER_PREFIX, UploadsRestore, resume_interrupted
from allies.file_formats import Archive

#: Maximum bytes of a backup's ZIP directory, of its manifest, and of one row.
MAX_CONTENTS, MAX_MANIFEST, MAX_LINE = 64 << 20, 64 << 20, 64 << 20
#: Exceptions from reading a damaged or a forged file.
_UNREADABLE = (
    *(KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error),
    *(NotImplementedError, RuntimeError, ArithmeticError, ValidationError),
)


class RestoreFailed(Exception):
    """A backup cannot be restored; the message says why. Nothing was changed."""


class RestoreIncomplete(Exception):
    """The database was or may have been replaced, but not the uploads.

    The message says what to do.
    """


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
        if manifest["migrations"] != (here := migration_names()):
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
    for model in backup_models():
        name = f"{TABLES}{model._meta.db_table}.jsonl"
        if name not in manifest["members"]:
            raise RestoreFailed(f"The table {model._meta.db_table} is missing.")
        with archive.open(name) as member:
            try:
                columns = json.loads(next(member.lines(MAX_LINE), b""))
            except ValueError:
                columns = None
        if columns != [field.attname for field in model_columns(model)]:
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


def _first_full_table() -> str:
    """Return the name of a table with rows of users or of the app; "" if the site is empty."""
    own = apps.get_app_config("allies").get_models()
    people = apps.get_model(settings.AUTH_USER_MODEL)
    for model in (people, *own):
        if model not in EXCLUDED_TABLES and model._base_manager.exists():
            return str(model._meta.db_table)
    return ""


def _replace_rows(archive: Archive, manifest: Manifest) -> None:
    """Replace the rows of every table, then check all foreign keys.

    Raises RestoreFailed if a table has another number of rows than in the manifest.
    """
    kept = backup_models()
    with connection.cursor() as cursor:
        for model in (*kept, *TABLES_LEFT_EMPTY):
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
    fields = model_columns(model)
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
    fields = model_columns(model)
    size = max(connection.ops.bulk_batch_size(fields, rows), 1) if rows else 1
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        model._base_manager._insert(part, fields=fields, using=DEFAULT_DB_ALIAS, raw=True)
    return len(rows)
