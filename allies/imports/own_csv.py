"""Read files that use our own column names, such as our exports."""

import hashlib
from pathlib import Path

from django.utils.translation import gettext as _

from allies.imports.rows import Rows
from allies.imports.tables import Table, UnreadableFile, open_table

#: The column of reasons in a file of refused rows. It is ignored when the file is read again.
REASON_COLUMN = "reason"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_csv(path: Path, columns: list[str]) -> Rows:
    """Return the rows of a file whose header names some of these columns.

    Raises UnreadableFile, also later while the rows are read.
    """
    table = open_table(path, known=[*columns, REASON_COLUMN])
    _check_header(table, columns)
    wanted = [n for n, name in enumerate(table.columns) if name != REASON_COLUMN]
    names = [table.columns[n] for n in wanted]
    if len(names) == len(table.columns):
        return Rows(names, table.rows)
    return Rows(
        names,
        lambda: (row._replace(cells=[row.cells[n] for n in wanted]) for row in table.rows()),
    )


def _check_header(table: Table, columns: list[str]) -> None:
    unknown = [name for name in table.columns if name not in columns and name != REASON_COLUMN]
    if unknown:
        raise UnreadableFile(
            _("Unknown column: %(names)s. Allowed: %(columns)s. Separate cells with commas.")
            % {"names": ", ".join(unknown), "columns": ", ".join(columns)}
        )


__all__ = ["UnreadableFile", "read_csv", "sha256_of"]
