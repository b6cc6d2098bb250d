"""The sample of a file before it is imported: enough to choose its columns."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from allies.imports.tables.encoding_and_delimiter import FileFormat, UnreadableFile
from allies.imports.tables.sniffing import detect_format, first_rows, sheet_names_of
from allies.imports.tables.table import Table

#: Rows shown below the header, characters shown per cell, and characters shown in total.
BELOW_HEADER, SHOWN, ALL_SHOWN = 8, 80, 1 << 20


@dataclass(frozen=True)
class Sample:
    """The format of a file, its sheets and columns, the words in them, and its first rows.

    ``problem`` says why the file cannot be read in a format that an editor chose.
    """

    layout: FileFormat
    sheets: list[str]
    columns: list[str] = field(default_factory=list)
    words: dict[str, list[str]] = field(default_factory=dict)
    shown: list[list[str]] = field(default_factory=list)
    problem: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "layout": FileFormat.from_json(data["layout"])})


def take_sample(path: Path, layout: FileFormat | None, known: Collection[str] = ()) -> Sample:
    """Read the beginning of a file; raise UnreadableFile if its format cannot be detected."""
    is_chosen = layout is not None
    layout = layout or detect_format(path, known)
    names = sheet_names_of(path)
    try:
        table = Table(path, layout)
        return Sample(layout, names, table.columns, table.words, _display_cell(path, layout))
    except UnreadableFile as error:
        if not is_chosen:
            raise
        return Sample(layout, names, problem=str(error))


def _display_cell(path: Path, layout: FileFormat) -> list[list[str]]:
    rows, left = [], ALL_SHOWN
    for cells in first_rows(path, layout, layout.header_row + BELOW_HEADER):
        row = [cell[:SHOWN] for cell in cells]
        left -= sum(map(len, row)) + len(row)
        if left < 0:
            break
        rows.append(row)
    return rows
