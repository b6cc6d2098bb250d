"""Back up the whole site to one file: a snapshot of every table, and the uploads.

The format is the same for every database, so a backup can also move a site to another database.
It is a ZIP file with these members:

- ``tables/<table>.jsonl``: the column names in the first line, then one row per line.
- ``uploads/…``: the uploaded files.
- ``manifest.json``: the format, when and from which database the backup was made, its migrations,
  and for each other member its SHA-256 and, for a table, its number of rows.

It is written in constant memory. ``restore.py`` verifies and restores it.
"""

import datetime as dt
import json
import os
import zipfile
from base64 import b64encode
from contextlib import suppress
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, TypedDict
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from allies.db.snapshot_transaction import snapshot_transaction
from allies.db.uploads_restore import (
    is_restore_path,
)
from allies.models import ContentChange, KeptForm, SentForm

FORMAT = "allies-backup/1"
MANIFEST = "manifest.json"
TABLES, UPLOADS = "tables/", "uploads/"
#: Rows per batch, bytes per batch of rows, and bytes per block of an upload.
CHUNK, CHUNK_BYTES, BYTES = 2000, 16 << 20, 1 << 20
#: Sessions and submitted forms are not backed up. A restore empties their tables.
TABLES_LEFT_EMPTY = (Session, SentForm, KeptForm)
#: Restored content gets a new content version, so the old one is not backed up.
EXCLUDED_TABLES = (*TABLES_LEFT_EMPTY, ContentChange)


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
                for model in backup_models():
                    name = f"{TABLES}{model._meta.db_table}.jsonl"
                    members[name] = _write_table(archive, name, model)
                migrations = migration_names()
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


def backup_models() -> list[Any]:
    """Return the models of all tables in a backup, in the order of the table names."""
    found = {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model not in EXCLUDED_TABLES
    }
    return [found[name] for name in sorted(found)]


def migration_names() -> list[str]:
    done = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in done)


def model_columns(model: type[models.Model]) -> "list[models.Field[object, object]]":
    return list(model._meta.concrete_fields)


def _write_table(archive: zipfile.ZipFile, name: str, model: type[models.Model]) -> Described:
    seen, rows = sha256(), 0
    columns = [field.attname for field in model_columns(model)]
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


def count_rows(manifest: Manifest) -> int:
    """Return the total number of rows in a backup."""
    members: dict[str, Described] = manifest["members"]
    return sum(described["rows"] for name, described in members.items() if name.startswith(TABLES))
