"""Read the rows of a sheet in a workbook, checking sizes before anything is kept."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from allies.file_formats import Readable
from allies.imports.tables.cell_values import (
    MAX_CELLS,
    as_text,
    column_number,
    date_text,
    iso_text,
)
from allies.imports.tables.encoding_and_delimiter import UnreadableFile
from allies.imports.tables.xml_reader import (
    Attributes,
    TagCounter,
    XmlReader,
    damaged_file_error,
    qualified_names,
)

#: Maximum rows of a sheet in Excel.
MAX_ROW = 1 << 20

#: Maximum elements in a row: its cells, their values and formulas, the runs of their texts.
MAX_CELLS_IN_ROW = 16 * MAX_CELLS


class WorkbookParts(NamedTuple):
    """Data that the cells of all sheets need."""

    texts: list[str]
    dates: dict[int, bool]
    epoch: dt.datetime


class Worksheet(XmlReader):
    """The rows of a sheet, each with its number and its cells as text."""

    _KNOWN = qualified_names("row", "c", "v", "is", "t", "rPh")

    def __init__(self, shared: WorkbookParts) -> None:
        super().__init__()
        self._shared = shared
        self._ready: list[tuple[int, list[str]]] = []
        self._most_columns: int = settings.IMPORT_MAX_COLUMNS
        self._most_letters: int = settings.IMPORT_MAX_CELL_LENGTH
        self._row = self._column = self._cells_seen = self._in_row = 0
        self._cells: list[str] | None = None
        self._kind, self._style = "n", "0"
        self._pieces: list[str] = []
        self._length = 0
        self._takes = self._is_inline = self._is_sound = False

    def rows(self, stream: Readable, tags: TagCounter) -> Iterator[tuple[int, list[str]]]:
        """Yield (row number, cells); rows that the file leaves out are empty.

        Raises UnreadableFile if the sheet is over a limit. If it is damaged, it raises errors that
        ``open_workbook`` converts.
        """
        number = 0
        for _block in self.parse(stream, tags):
            for place, cells in self._ready:
                while (number := number + 1) < place:
                    yield number, []
                yield number, cells
            self._ready.clear()

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        known = self._KNOWN.get(name)
        if known == "row":
            self._start_row(attributes)
            return
        if self._cells is None:
            self.count()
            return
        self._in_row += 1
        if self._in_row > MAX_CELLS_IN_ROW:
            raise self._too_wide(MAX_CELLS)
        match known:
            case "c":
                self._start_cell(attributes)
            case "v":
                self._takes = not self._is_inline
            case "is":
                self._is_inline = True
            case "t":
                self._takes = self._is_inline and not self._is_sound
            case "rPh":
                self._is_sound = True

    def end(self, name: str) -> None:
        self.depth -= 1
        if self._cells is None:
            return
        match self._KNOWN.get(name):
            case "c":
                self._end_cell()
            case "v" | "t":
                self._takes = False
            case "row":
                while self._cells and not self._cells[-1]:
                    self._cells.pop()
                self._ready.append((self._row, self._cells))
                self._cells = None
            case "is":
                self._is_inline = False
            case "rPh":
                self._is_sound = False

    def text(self, text: str) -> None:
        if self._takes:
            self._length += len(text)
            if self._length > self._most_letters:
                raise self._too_long()
            self._pieces.append(text)

    def _start_row(self, attributes: Attributes) -> None:
        number = self._row + 1
        if said := attributes.get("r"):
            number = int(said) if said.isdecimal() else int(float(said))
        if number > MAX_ROW:
            raise UnreadableFile(
                _("The sheet has more than %(limit)d rows. Split it.") % {"limit": MAX_ROW}
            )
        if number <= self._row or self._cells is not None:
            raise damaged_file_error()  # a nested row or a repeated number: ambiguous
        self._row, self._cells = number, []
        self._column = self._cells_seen = self._in_row = 0

    def _start_cell(self, attributes: Attributes) -> None:
        self._cells_seen += 1
        if self._cells_seen > MAX_CELLS:
            raise self._too_wide(MAX_CELLS)
        reference = attributes.get("r")
        self._column = column_number(reference) if reference else self._column + 1
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._pieces, self._length = [], 0

    def _end_cell(self) -> None:
        assert self._cells is not None
        if not self._pieces:
            return
        text = self._value("".join(self._pieces))
        self._pieces = []
        if not text:
            return
        if self._column > self._most_columns:
            raise self._too_wide(self._most_columns)
        if len(text) > self._most_letters:
            raise self._too_long()
        cells = self._cells
        if len(cells) >= self._column:
            cells[self._column - 1] = text
            return
        while len(cells) < self._column - 1:
            cells.append("")
        cells.append(text)

    def _value(self, text: str) -> str:
        """Return a cell's value as an editor would type it.

        If the cell is damaged, it raises errors that ``open_workbook`` converts.
        """
        match self._kind:
            case "n":
                number = float(text) if "." in text or "E" in text or "e" in text else int(text)
                if (kind := self._shared.dates.get(int(self._style))) is not None:
                    return date_text(number, self._shared.epoch, is_length=kind)
                return as_text(number)
            case "s":
                return self._shared.texts[int(text)]
            case "b":
                return "yes" if int(text) else "no"
            case "d":
                return iso_text(text)
        return text

    def _too_wide(self, limit: int) -> UnreadableFile:
        said = _("Row %(row)d has more than %(limit)d columns.")
        return UnreadableFile(said % {"row": self._row, "limit": limit})

    def _too_long(self) -> UnreadableFile:
        said = _("Row %(row)d has a cell with more than %(limit)d characters.")
        return UnreadableFile(said % {"row": self._row, "limit": self._most_letters})
