"""The format of a file: kind, encoding, delimiter, header; as detected, or as an editor set it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman")
DELIMITERS = (",", ";", "\t", "|")


class UnreadableFile(ValueError):
    """A file that is not a table or may not be read; the text says why and what to do."""


@dataclass(frozen=True)
class FileFormat:
    """The format of a file.

    ``kind`` is "text" or "xlsx". ``header_row`` is the row of column names, counted from 1 as in a
    spreadsheet; 0 means none. ``sheet`` is the name of the sheet in an XLSX file.
    """

    kind: str = "text"
    encoding: str = ""
    delimiter: str = ""
    header_row: int = 1
    sheet: str = ""
    gzipped: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the format from ``as_json``; raise ValueError if it is not one."""
        known = {field.name for field in fields(cls)}
        if unknown := set(data) - known:
            raise ValueError(f"Unknown in a layout: {', '.join(sorted(unknown))}")
        layout = cls(**data)
        is_text = layout.kind == "text"
        if (
            not all(type(data[f.name]) is f.type for f in fields(cls) if f.name in data)
            or layout.kind not in ("text", "xlsx")
            or (is_text and layout.encoding not in ENCODINGS)
            or (is_text and layout.delimiter not in DELIMITERS)
            or layout.header_row < 0
        ):
            raise ValueError(f"No layout: {data}")
        return layout
