"""Convert the values and references of a workbook's cells to text and column numbers."""

import datetime as dt
import re
from functools import lru_cache

#: Maximum columns of a sheet in Excel.
MAX_CELLS = 1 << 14

#: The day that serial numbers of dates count from, in Excel on Windows and on old Macs.
WINDOWS_EPOCH, MAC_EPOCH = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?[0-9]+")


def column_number(reference: str) -> int:
    """Return the number of a cell's column, counted from 1; raise ValueError if it has none."""
    if not (match := _REFERENCE.fullmatch(reference)):
        raise ValueError(reference)
    return _letters_number(match[1])


@lru_cache(maxsize=MAX_CELLS)
def _letters_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def iso_text(text: str) -> str:
    from openpyxl.utils.datetime import from_ISO8601

    return as_text(from_ISO8601(text))


def date_text(number: float, epoch: dt.datetime, *, is_length: bool) -> str:
    from openpyxl.utils.datetime import from_excel

    try:
        return as_text(from_excel(number, epoch, timedelta=is_length))
    except (OverflowError, ValueError):
        return "#VALUE!"  # after the last valid day; spreadsheets show the same


def as_text(value: object) -> str:
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
