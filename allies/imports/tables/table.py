"""A table: named columns, and rows of the same width that can be read repeatedly."""

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from allies.file_formats import column_letters, unescape_formula
from allies.imports.rows import Row
from allies.imports.tables.encoding_and_delimiter import FileFormat, UnreadableFile
from allies.imports.tables.sniffing import detect_format
from allies.imports.tables.text import MAX_LINE_CELLS, read_text
from allies.imports.tables.workbook import read_workbook

#: Rows searched for the words of a column; maximum number of words, and maximum length of one.
LOOKED_AT, WORDS, WORD = 5000, 40, 200
#: Maximum length of a column name; longer ones are cut.
MAX_NAME_LENGTH = 200


class Table:
    """The table in a file.

    ``columns`` are its names. They are unique, not empty and not too long.
    """

    def __init__(self, path: Path, layout: FileFormat) -> None:
        self.path = path
        self.layout = layout
        self.columns = self._name_columns()

    def rows(self) -> Iterator[Row[str]]:
        """Yield the rows below the header that are not empty; can be called repeatedly.

        Raises UnreadableFile at the row that cannot be read.
        """
        width, count = len(self.columns), 0
        most = MAX_LINE_CELLS * settings.IMPORT_MAX_CELL_LENGTH
        for number, cells in self._below_header():
            if not any(cells):
                continue
            count += 1
            if count > settings.IMPORT_MAX_ROWS:
                raise UnreadableFile(
                    _("The file has more than %(limit)d rows. Split it.")
                    % {"limit": settings.IMPORT_MAX_ROWS}
                )
            problem = ""
            if len(cells) != width:
                cells, problem = self._fit_width(cells, width)
            joined = "".join(cells)
            if len(joined) > most:
                raise UnreadableFile(
                    _("Row %(row)d has more than %(limit)d characters. Split it.")
                    % {"row": number, "limit": most}
                )
            if "'" in joined:
                cells = [unescape_formula(cell) if cell[:1] == "'" else cell for cell in cells]
            if "\0" in joined:
                raise UnreadableFile(
                    _("Row %(row)d contains a NUL character, so this is not a text file.")
                    % {"row": number}
                )
            yield Row(number, cells, problem)

    @cached_property
    def words(self) -> dict[str, list[str]]:
        """The first few distinct words of each column, from the beginning of the file."""
        found: dict[str, dict[str, None]] = {name: {} for name in self.columns}
        for row in islice(self.rows(), LOOKED_AT):
            for name, cell in zip(self.columns, row.cells, strict=False):
                word = cell.strip()
                if 0 < len(word) <= WORD and len(found[name]) < WORDS:
                    found[name][word] = None
        return {name: list(words) for name, words in found.items()}

    def about_rows(self) -> int:
        """Return the approximate number of rows of a text file; 0 if counting takes too long."""
        if self.layout.kind != "text" or self.layout.gzipped:
            return 0
        with self.path.open("rb") as file:
            blocks = iter(lambda: file.read(1 << 20), b"")
            return sum(max(block.count(b"\n"), block.count(b"\r")) for block in blocks)

    def _raw(self) -> Iterator[tuple[int, list[str]]]:
        read = read_text if self.layout.kind == "text" else read_workbook
        return read(self.path, self.layout)

    def _below_header(self) -> Iterator[tuple[int, list[str]]]:
        rows = self._raw()
        if self.layout.header_row:
            for number, _cells in rows:
                if number >= self.layout.header_row:
                    break
        return rows

    def _fit_width(self, cells: list[str], width: int) -> tuple[list[str], str]:
        """Return the cells cut or padded to the table's width, and an error if any were lost."""
        if len(cells) < width:
            return cells + [""] * (width - len(cells)), ""
        if not any(cells[width:]):
            return cells[:width], ""
        said = _(
            "The row has %(cells)d cells, the header %(columns)d. Put "
            "quotes around a cell that contains the separator."
        )
        return cells[:width], said % {"cells": len(cells), "columns": width}

    def _name_columns(self) -> list[str]:
        header = self._header()
        if len(header) > settings.IMPORT_MAX_COLUMNS:
            raise UnreadableFile(
                _("The file has %(columns)d columns; the limit is %(limit)d.")
                % {"columns": len(header), "limit": settings.IMPORT_MAX_COLUMNS}
            )
        names: list[str] = []
        for place, cell in enumerate(header):
            name = " ".join(unescape_formula(cell).split()) or _("Column %(letter)s") % {
                "letter": column_letters(place)
            }
            name = name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…"
            unique, number = name, 2
            while unique in names:
                unique, number = f"{name} ({number})", number + 1
            names.append(unique)
        return names

    def _header(self) -> list[str]:
        """Return the cells of the header row; empty ones if there is none."""
        rows = self._raw()
        if not self.layout.header_row:
            return [""] * max((_width(cells) for _n, cells in islice(rows, 1000)), default=1)
        for number, cells in rows:
            if number == self.layout.header_row:
                return cells[: _width(cells)] or [""]
        raise UnreadableFile(
            _("The file has no row %(row)d to take the column names from.")
            % {"row": self.layout.header_row}
        )


def _width(cells: list[str]) -> int:
    return max((n for n, cell in enumerate(cells, start=1) if cell), default=0)


def open_table(path: Path, layout: FileFormat | None = None, known: Collection[str] = ()) -> Table:
    """Open the table in a file, in this format or a detected one; raise UnreadableFile.

    ``known`` are names that a header may have, as for ``detect_format``.
    """
    return Table(path, layout or detect_format(path, known))
