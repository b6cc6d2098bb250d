"""Write CSV files safe from formula injection, a few thousand rows at a time.

A spreadsheet may run a cell as a formula if it begins with ``= + - @``, with one of these in full
width, with a tab or with a line break. When written, such a cell gets an apostrophe in front, which
is removed when it is read. A cell with apostrophes in front of such a beginning gets one more too,
so that reading can tell the two apart.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

#: Rows written at a time.
ROWS_PER_CHUNK = 5_000

_FORMULA_CHARACTERS = r"=+\-@\t\r\uff1d\uff0b\uff0d\uff20"
_RISKY = re.compile(rf"'*[{_FORMULA_CHARACTERS}\n]")

# A risky beginning of a cell in a CSV text, with what comes before the cell. It finds every risky
# cell. It also matches some places inside long texts, which costs time but adds no apostrophes.
_MAY_BE_RISKY = re.compile(rf"""(?:\A|[,\n"])'*[{_FORMULA_CHARACTERS}]|(?:\A|[,\n])"'*\n""")


def escape_formula(cell: str) -> str:
    """Return the cell with an apostrophe in front if a spreadsheet could run it as a formula."""
    return f"'{cell}" if _RISKY.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the cell as it was before ``escape_formula``."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a CSV file: the header first, then many lines at a time.

    The text has commas, LF line ends and escaped formulas. A cell is a text, a number, a day or
    None, which is written as an empty cell.
    """
    yield _lines([header])
    iterator = iter(rows)
    while chunk := list(islice(iterator, ROWS_PER_CHUNK)):
        yield _lines(chunk)


def _lines(rows: Sequence[Sequence[object]]) -> str:
    text = _plain(rows)
    # Most rows need no escaping, and one search over the text shows that.
    return _escape_row(rows) if "\r" in text or _MAY_BE_RISKY.search(text) else text


def _plain(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


class _PassThroughWriter:
    """A file whose ``write`` returns the text."""

    def write(self, text: str) -> str:
        return text


def _escape_row(rows: Iterable[Sequence[object]]) -> str:
    # With CRLF as line end the writer also quotes a lone CR, which readers need.
    write = csv.writer(_PassThroughWriter(), lineterminator="\r\n").writerow
    texts = (["" if cell is None else escape_formula(str(cell)) for cell in row] for row in rows)
    return "".join(f"{write(row)[:-2]}\n" for row in texts)
