"""Write tables as a stream: CSV, XLSX, and ZIP archives.

This package does not depend on the models.
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

#: The content type of each format.
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
