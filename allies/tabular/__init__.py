"""Tables as files, written as their rows come: CSV, XLSX, and ZIP archives around them.

Nothing here knows what a record is.
"""

from allies.tabular.csv import csv_lines, shield, unshield
from allies.tabular.unpacking import Archive, Member, Readable, TooLarge, Unpacked
from allies.tabular.xlsx import TooMuch, check_length, letters, xlsx_blocks
from allies.tabular.zip import ZipStream

#: What the web calls a file of each form.
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}

__all__ = [
    "CONTENT_TYPES",
    "Archive",
    "Member",
    "Readable",
    "TooLarge",
    "TooMuch",
    "Unpacked",
    "ZipStream",
    "check_length",
    "csv_lines",
    "letters",
    "shield",
    "unshield",
    "xlsx_blocks",
]
