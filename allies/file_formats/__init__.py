"""Tables as files, written as their rows come: CSV, XLSX, and ZIP archives around them.

Nothing here knows what a record is.
"""

from allies.file_formats.csv import csv_lines, escape_formula, unescape_formula
from allies.file_formats.decompression import (
    Archive,
    DecompressedTooLarge,
    DecompressionCounter,
    Member,
    Readable,
)
from allies.file_formats.xlsx import SheetTooLarge, check_length, column_letters, xlsx_blocks
from allies.file_formats.zip import ZipStream

#: What the web calls a file of each form.
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}

__all__ = [
    "CONTENT_TYPES",
    "Archive",
    "DecompressedTooLarge",
    "DecompressionCounter",
    "Member",
    "Readable",
    "SheetTooLarge",
    "ZipStream",
    "check_length",
    "column_letters",
    "csv_lines",
    "escape_formula",
    "unescape_formula",
    "xlsx_blocks",
]
