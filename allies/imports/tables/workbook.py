"""Read tables from XLSX workbooks row by row, checking all sizes before anything is kept.

The parts of a workbook are read by ``XmlReader``; openpyxl knows which number formats are dates.
Importing openpyxl takes half a second, so it is imported only if there is a workbook.
"""

import datetime as dt
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from zipfile import BadZipFile

from django.conf import settings
from django.utils.translation import gettext as _

from allies.file_formats import Archive, DecompressedTooLarge, Readable
from allies.imports.tables.encoding_and_delimiter import FileFormat, UnreadableFile
from allies.imports.tables.xml_reader import Attributes, XmlReader, damaged_file_error, local_name

#: Maximum bytes of a workbook's shared texts, which are kept in memory while it is read. Each text
#: counts for TEXT_OVERHEAD more: Python's memory per text in addition to its characters.
MAX_TEXTS, TEXT_OVERHEAD = 128 << 20, 64

#: Maximum rows and columns of a sheet in Excel; our maximum of sheets and of formats in a workbook.
MAX_ROW, MAX_CELLS, MAX_SHEETS, MAX_FORMATS = 1 << 20, 1 << 14, 1_000, 100_000

#: Maximum elements in a row: its cells, their values and formulas, the runs of their texts.
MAX_CELLS_IN_ROW = 16 * MAX_CELLS

#: The day that serial numbers of dates count from, in Excel on Windows and on old Macs.
WINDOWS_EPOCH, MAC_EPOCH = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)

_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # of files saved as "Strict Open XML"
)
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?[0-9]+")


def _names(*names: str) -> dict[str, str]:
    """Return qualified name → local name, for both namespaces."""
    return {f"{space} {name}": name for space in _NAMESPACES for name in names}


# The parts other than the sheets.


class _Relations(XmlReader):
    """The relationships of a part of a workbook: id → (target, type)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        if local_name(name) == "Relationship" and len(self.found) <= 2 * MAX_SHEETS:
            self.found[attributes["Id"]] = (attributes["Target"], attributes["Type"])


class _Contents(XmlReader):
    """The sheets of a workbook (name, id, whether visible), and the epoch of its dates."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, bool]] = []
        self.epoch = WINDOWS_EPOCH

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        found = local_name(name)
        if found == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            self.epoch = MAC_EPOCH
        elif found == "sheet":
            if len(self.sheets) == MAX_SHEETS:
                raise UnreadableFile(
                    _(
                        "The workbook has more than %(limit)d sheets. "
                        "Save the sheet with the table as CSV."
                    )
                    % {"limit": MAX_SHEETS}
                )
            ids = [value for key, value in attributes.items() if key.endswith(" id")]
            shown = attributes.get("state", "visible") == "visible"
            if ids:
                self.sheets.append((attributes["name"], ids[0], shown))


class _Styles(XmlReader):
    """The cell formats that are dates, and which of these are durations."""

    def __init__(self) -> None:
        super().__init__()
        self._own: dict[int, str] = {}
        self._is_cells = False
        self._formats: list[int] = []

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        found = local_name(name)
        if found == "numFmt" and len(self._own) < MAX_FORMATS:
            self._own.setdefault(int(attributes["numFmtId"]), attributes["formatCode"][:1000])
        elif found == "cellXfs":
            self._is_cells = True
        elif found == "xf" and self._is_cells and len(self._formats) < MAX_FORMATS:
            self._formats.append(int(attributes.get("numFmtId", "0")))

    def end(self, name: str) -> None:
        super().end(name)
        if local_name(name) == "cellXfs":
            self._is_cells = False

    def dates(self) -> dict[int, bool]:
        """Return position of a cell format → whether it is a duration.

        Formats that are no dates are left out.
        """
        told = {number: self._told(number) for number in set(self._formats)}
        kinds = {place: told[number] for place, number in enumerate(self._formats)}
        return {place: kind for place, kind in kinds.items() if kind is not None}

    def _told(self, number: int) -> bool | None:
        from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

        code = self._own.get(number) or BUILTIN_FORMATS.get(number)
        return bool(is_timedelta_format(code)) if is_date_format(code) else None


class _SharedStrings(XmlReader):
    """The texts that cells share.

    A text over the limit of a cell is cut just above the limit, so that the cell is refused.
    """

    _KNOWN = _names("si", "t", "rPh")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._pieces: list[str] = []
        self._length = self._size = 0
        self._takes = self._is_sound = False

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        match self._KNOWN.get(name):
            case "t":
                self._takes = not self._is_sound
                self._keep(1)
            case "si":
                self._pieces, self._length = [], 0
                self._keep(TEXT_OVERHEAD)
            case "rPh":
                self._is_sound = True  # a phonetic guide for the text, not part of the cell
            case _:
                self._keep(1)  # runs of characters and their fonts: many, but none is kept

    def end(self, name: str) -> None:
        self.depth -= 1
        match self._KNOWN.get(name):
            case "t":
                self._takes = False
            case "si":
                self.found.append("".join(self._pieces).replace("x005F_", ""))
            case "rPh":
                self._is_sound = False

    def text(self, text: str) -> None:
        if self._takes:
            self._keep(len(text))
            if self._length <= settings.IMPORT_MAX_CELL_LENGTH:
                self._pieces.append(text)
            self._length += len(text)

    def _keep(self, size: int) -> None:
        self._size += size
        if self._size > MAX_TEXTS:
            raise UnreadableFile(
                _("The texts in the workbook are larger than %(limit)d MB. Save it as CSV.")
                % {"limit": MAX_TEXTS >> 20}
            )


# Cells.


class _WorkbookParts(NamedTuple):
    """Data that the cells of all sheets need."""

    texts: list[str]
    dates: dict[int, bool]
    epoch: dt.datetime


class _Sheet(XmlReader):
    """The rows of a sheet, each with its number and its cells as text."""

    _KNOWN = _names("row", "c", "v", "is", "t", "rPh")

    def __init__(self, shared: _WorkbookParts) -> None:
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

    def rows(self, stream: Readable) -> Iterator[tuple[int, list[str]]]:
        """Yield (row number, cells); rows that the file leaves out are empty.

        Raises UnreadableFile if the sheet is over a limit. If it is damaged, it raises errors that
        ``open_workbook`` converts.
        """
        number = 0
        for _block in self.parse(stream):
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
        self._column = _column(reference) if reference else self._column + 1
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
                    return _date(number, self._shared.epoch, is_length=kind)
                return _as_text(number)
            case "s":
                return self._shared.texts[int(text)]
            case "b":
                return "yes" if int(text) else "no"
            case "d":
                return _iso(text)
        return text

    def _too_wide(self, limit: int) -> UnreadableFile:
        said = _("Row %(row)d has more than %(limit)d columns.")
        return UnreadableFile(said % {"row": self._row, "limit": limit})

    def _too_long(self) -> UnreadableFile:
        said = _("Row %(row)d has a cell with more than %(limit)d characters.")
        return UnreadableFile(said % {"row": self._row, "limit": self._most_letters})


def _column(reference: str) -> int:
    """Return the number of a cell's column, counted from 1; raise ValueError if it has none."""
    if not (match := _REFERENCE.fullmatch(reference)):
        raise ValueError(reference)
    return _format_number(match[1])


@lru_cache(maxsize=MAX_CELLS)
def _format_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _iso(text: str) -> str:
    from openpyxl.utils.datetime import from_ISO8601

    return _as_text(from_ISO8601(text))


def _date(number: float, epoch: dt.datetime, *, is_length: bool) -> str:
    from openpyxl.utils.datetime import from_excel

    try:
        return _as_text(from_excel(number, epoch, timedelta=is_length))
    except (OverflowError, ValueError):
        return "#VALUE!"  # after the last valid day; spreadsheets show the same


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time()
        return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)


# The workbook.


class Workbook:
    """An open workbook: the names of its sheets, hidden ones last, and their rows.

    Of sheets with the same name, only the first can be read.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        root = self._relations("_rels/.rels", PurePosixPath())
        part = next(target for target, kind in root.values() if kind.endswith("/officeDocument"))
        home = PurePosixPath(part).parent
        related = self._relations(f"{home}/_rels/{PurePosixPath(part).name}.rels", home)
        contents = _Contents()
        self._read(part, contents)
        sheets = [
            (name, related[key][0], shown)
            for name, key, shown in contents.sheets
            if key in related and related[key][1].endswith("/worksheet")
        ]
        # Sheets of the same name cannot be distinguished: use the first.
        self._parts = {name: target for name, target, _shown in reversed(sheets)}
        self.names = list(dict.fromkeys(s[0] for s in sorted(sheets, key=lambda s: not s[2])))
        # Some programs omit the relationships of these two parts.
        found = {kind.rpartition("/")[2]: target for target, kind in related.values()}
        self._texts_part = found.get("sharedStrings", f"{home}/sharedStrings.xml")
        self._styles_part = found.get("styles", f"{home}/styles.xml")
        self._epoch = contents.epoch
        self._shared: _WorkbookParts | None = None

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows of a sheet with their numbers, cells as text.

        Raises UnreadableFile if there is no such sheet or a limit is exceeded. Errors of a damaged
        file are converted by ``open_workbook``.
        """
        if sheet not in self._parts:
            raise UnreadableFile(_("There is no sheet “%(name)s”.") % {"name": sheet})
        if self._shared is None:
            texts, styles = _SharedStrings(), _Styles()
            for part, reader in ((self._texts_part, texts), (self._styles_part, styles)):
                if part in self._archive.infos:
                    self._read(part, reader)
            self._shared = _WorkbookParts(texts.found, styles.dates(), self._epoch)
        with self._archive.open(self._parts[sheet]) as member:
            yield from _Sheet(self._shared).rows(member)

    def _read(self, part: str, reader: XmlReader) -> None:
        with self._archive.open(part) as member:
            reader.parse_all(member)

    def _relations(self, part: str, home: PurePosixPath) -> dict[str, tuple[str, str]]:
        """Return the relationships of a part, with targets as paths in the archive."""
        reader = _Relations()
        self._read(part, reader)
        return {key: (_within(home, target), kind) for key, (target, kind) in reader.found.items()}


def _within(home: PurePosixPath, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    parts: list[str] = []
    for part in (home / target).parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """Open a workbook; raise UnreadableFile, also for errors while it is read."""
    try:
        with Archive(path, most=settings.IMPORT_MAX_UNCOMPRESSED_BYTES) as archive:
            if archive.is_encrypted():
                raise damaged_file_error()
            _refuse_other_archive(set(archive.infos))
            yield Workbook(archive)
    except UnreadableFile:
        raise
    except DecompressedTooLarge as error:
        raise UnreadableFile(str(error)) from error
    except (
        *(BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error),
        *(ValueError, LookupError, TypeError, ArithmeticError, StopIteration),
    ) as error:
        raise damaged_file_error() from error


def _refuse_other_archive(names: set[str]) -> None:
    """Raise UnreadableFile if the archive is not an XLSX workbook."""
    if "[Content_Types].xml" in names:
        return
    kind = "ODS" if {"mimetype", "content.xml"} <= names else "ZIP"
    raise UnreadableFile(
        _("This is not a table but a %(kind)s file. Save it as CSV or XLSX.") % {"kind": kind}
    )


def sheet_names(path: Path) -> list[str]:
    """Return the names of a workbook's sheets, hidden ones last; raise UnreadableFile."""
    with open_workbook(path) as workbook:
        return workbook.names


def read_workbook(path: Path, layout: FileFormat) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet with their numbers, cells as text; raise UnreadableFile."""
    with open_workbook(path) as workbook:
        yield from workbook.rows(layout.sheet)
