"""Tables as text: cells no spreadsheet will run, and rows written as they come.

A cell that begins with ``= + - @``, a tab or a carriage return may be run as a formula by a
spreadsheet. Written out, it gets an apostrophe in front; read back, it loses it again. A cell
that itself begins with apostrophes before such a sign gets one more, so nothing is ambiguous.
"""

import csv
import re
from collections.abc import Iterable, Iterator

_RISKY = re.compile(r"'*[=+\-@\t\r]")


def shield(cell: str) -> str:
    """Return the cell as a spreadsheet may safely open it."""
    return f"'{cell}" if _RISKY.match(cell) else cell


def unshield(cell: str) -> str:
    """Return the cell as it was before ``shield``."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a CSV file line by line: UTF-8 text, commas, LF line ends, cells shielded."""
    # Ending lines with CRLF makes the writer quote a lone CR too, as a reader needs it.
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield writer.writerow(header)[:-2] + "\n"
    for row in rows:
        yield writer.writerow([shield(cell) for cell in row])[:-2] + "\n"
