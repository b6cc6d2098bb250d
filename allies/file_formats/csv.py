"""CSV whose cells no spreadsheet will run, written some thousand rows at a time.

A cell that begins with ``= + - @``, be they of full width, a tab or the end of a line may be run
as a formula by a spreadsheet. Written out, it gets an apostrophe in front; read back, it loses it
again. A cell that itself begins with apostrophes before such a sign gets one more, so nothing is
ambiguous.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

#: Rows written in one go.
ROWS_PER_CHUNK = 5_000

_FORMULA_CHARACTERS = r"=+\-@\t\r\uff1d\uff0b\uff0d\uff20"
_RISKY = re.compile(rf"'*[{_FORMULA_CHARACTERS}\n]")

# What comes before a cell in a CSV text, and such a beginning. It finds every risky cell and, in
# long texts, some places that are no beginning of a cell: that costs time, never an apostrophe.
_MAY_BE_RISKY = re.compile(rf"""(?:\A|[,\n"])'*[{_FORMULA_CHARACTERS}]|(?:\A|[,\n])"'*\n""")


def escape_formula(cell: str) -> str:
    """Return the cell as a spreadsheet may safely open it."""
    return f"'{cell}" if _RISKY.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the cell as it was before ``escape_formula``."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a CSV file, the header first and then many lines at a time.

    UTF-8 text, commas, LF line ends, cells shielded. A cell is a text, a number, a day or None,
    which is written as nothing.
    """
    yield _lines([header])
    iterator = iter(rows)
    while chunk := list(islice(iterator, ROWS_PER_CHUNK)):
        yield _lines(chunk)


def _lines(rows: Sequence[Sequence[object]]) -> str:
    text = _plain(rows)
    # Most rows hold nothing that needs care, and one search tells.
    return _escape_row(rows) if "\r" in text or _MAY_BE_RISKY.search(text) else text


def _plain(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


class _PassThroughWriter:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _escape_row(rows: Iterable[Sequence[object]]) -> str:
    # Ending lines with CRLF makes the writer quote a lone CR too, as a reader needs it.
    write = csv.writer(_PassThroughWriter(), lineterminator="\r\n").writerow
    texts = (["" if cell is None else escape_formula(str(cell)) for cell in row] for row in rows)
    return "".join(f"{write(row)[:-2]}\n" for row in texts)
