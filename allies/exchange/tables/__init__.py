"""Tables in files as they come: which kind of file it is, how it is written, and its rows."""

from allies.exchange.tables.detection import detect, first_rows, sheets
from allies.exchange.tables.layout import Layout, UnreadableFile
from allies.exchange.tables.limited import LimitedTable, read_sample
from allies.exchange.tables.sample import Sample
from allies.exchange.tables.table import Table, open_table

__all__ = [
    "Layout",
    "LimitedTable",
    "Sample",
    "Table",
    "UnreadableFile",
    "detect",
    "first_rows",
    "open_table",
    "read_sample",
    "sheets",
]
