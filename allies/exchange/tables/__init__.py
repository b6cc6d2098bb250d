"""Tables in files as they come: which kind of file it is, how it is written, and its rows."""

from allies.exchange.tables.detection import detect, first_rows, sheets
from allies.exchange.tables.layout import Layout, UnreadableFile
from allies.exchange.tables.table import Table, open_table

__all__ = [
    "Layout",
    "Table",
    "UnreadableFile",
    "detect",
    "first_rows",
    "open_table",
    "sheets",
]
