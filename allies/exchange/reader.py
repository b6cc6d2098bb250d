"""Reading a CSV file row by row, and refusing what is none, in constant memory."""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from allies.exchange.rows import Row, Rows
from allies.tabular import unshield

#: Longest cell accepted, in characters; a document goes in as a source, not as a cell.
MAX_CELL = 100_000
MAX_COLUMNS = 200


class UnreadableFile(ValueError):
    """A file that is not a table of this noun; its text says why and what to do."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_csv(path: Path, columns: list[str]) -> Rows:
    """Return the rows of a UTF-8 CSV file whose header names some of these columns.

    Cells come out as they were before ``tabular.shield``. Empty rows are passed over; a row's
    missing last cells are empty. Raises UnreadableFile, also while the rows are taken.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            names = _checked_header(next(csv.reader(file), []), columns)
        except (UnicodeDecodeError, csv.Error) as error:
            raise UnreadableFile(_("This is no CSV file.")) from error
    return Rows(names, lambda: _rows(path, len(names)))


def _rows(path: Path, width: int) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    number = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            next(rows)
            for number, cells in enumerate(rows, start=2):
                if not any(cells):
                    continue
                if len(cells) > width:
                    raise UnreadableFile(
                        _(
                            "Row %(row)d has %(cells)d cells, the header %(columns)d. "
                            "A cell with a comma needs quotes around it."
                        )
                        % {"row": number, "cells": len(cells), "columns": width}
                    )
                padded = cells + [""] * (width - len(cells))
                if any("\0" in cell for cell in padded):
                    raise UnreadableFile(
                        _("Row %(row)d holds a NUL character: this is no text file.")
                        % {"row": number}
                    )
                yield Row(number, [unshield(c) if c[:1] == "'" else c for c in padded])
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            _("This is not UTF-8 text (after row %(row)d). Save the file as CSV UTF-8.")
            % {"row": number}
        ) from error
    except csv.Error as error:
        raise UnreadableFile(
            _("Row %(row)d is not readable as CSV: %(error)s.")
            % {"row": number + 1, "error": error}
        ) from error


def _checked_header(header: list[str], columns: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    accepted = ", ".join(columns)
    if not any(names):
        raise UnreadableFile(
            _("The file is empty. Its first row names the columns: %(columns)s.")
            % {"columns": accepted}
        )
    if "\0" in "".join(names) or len(names) > MAX_COLUMNS:
        raise UnreadableFile(_("This is no CSV file."))
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise UnreadableFile(
            _("Unknown column: %(names)s. Accepted are: %(columns)s. Cells are parted by commas.")
            % {"names": ", ".join(name or "“”" for name in unknown), "columns": accepted}
        )
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UnreadableFile(_("Column named twice: %(names)s.") % {"names": ", ".join(doubled)})
    return names
