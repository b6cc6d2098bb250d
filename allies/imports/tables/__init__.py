"""Read tables from files: detect the format, then read the rows."""

from allies.imports.tables.encoding_and_delimiter import FileFormat, UnreadableFile
from allies.imports.tables.sample import Sample
from allies.imports.tables.sandboxed import SandboxedTable, read_sample
from allies.imports.tables.sniffing import detect_format, first_rows, sheet_names_of
from allies.imports.tables.table import Table, open_table

__all__ = [
    "FileFormat",
    "Sample",
    "SandboxedTable",
    "Table",
    "UnreadableFile",
    "detect_format",
    "first_rows",
    "open_table",
    "read_sample",
    "sheet_names_of",
]
