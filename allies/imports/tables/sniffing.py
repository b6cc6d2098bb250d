"""Detect the format of a file: kind, encoding, delimiter and header row."""

import codecs
import csv
import io
import mmap
import re
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import charset_normalizer
from django.conf import settings
from django.utils.translation import gettext as _

from allies.imports.tables.encoding_and_delimiter import DELIMITERS, FileFormat, UnreadableFile
from allies.imports.tables.text import open_decompressed, read_text
from allies.imports.tables.workbook import open_workbook, read_workbook, sheet_names

#: Bytes examined for encoding and delimiter, and rows examined for the header.
SAMPLE, ROWS = 64 << 10, 200

#: First bytes of files that are not tables, and what they are.
_SIGNATURES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"RIFF", "WebP or other RIFF"),
    (b"%PDF", "PDF"),
    (b"\xd0\xcf\x11\xe0", "XLS"),
    (b"PK\x05\x06", "ZIP"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"SQLite format 3", "SQLite"),
)

_YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")
_DIGITS = re.compile(r"[-+]?[\d.,:/\- ]*\d[\d.,:/\- %]*")


def detect_format(path: Path, known: Collection[str] = ()) -> FileFormat:
    """Return the detected format of a file; raise UnreadableFile if it is not a table.

    A row that consists of ``known`` names only is the header, whatever the rows below contain.
    """
    size = path.stat().st_size
    if not size:
        raise UnreadableFile(_("The file is empty."))
    if size > settings.IMPORT_MAX_BYTES:
        raise UnreadableFile(
            _("The file is %(size)d MB; the limit is %(limit)d MB.")
            % {"size": size >> 20, "limit": settings.IMPORT_MAX_BYTES >> 20}
        )
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PK\x03\x04"):
        return _workbook(path, known)
    if head.startswith(b"\xd0\xcf\x11\xe0") and _has_password(path):
        raise UnreadableFile(
            _("The workbook is protected by a password. Save it without one, as XLSX or CSV.")
        )
    gzipped = head.startswith(b"\x1f\x8b")
    with open_decompressed(path, gzipped=gzipped) as raw:
        sample = raw.read(SAMPLE)
    _refuse_signature(sample)
    encoding = _encoding(path, sample, gzipped=gzipped)
    text = _whole_lines(codecs.getincrementaldecoder(encoding)("replace").decode(sample))
    layout = FileFormat("text", encoding, _delimiter(text), 1, "", gzipped)
    return _with_header(layout, read_text(path, layout), known)


def first_rows(path: Path, layout: FileFormat, number: int = 10) -> list[list[str]]:
    """Return the first rows of a file, including those above the header."""
    return [cells for _number, cells in islice(_read(path, layout), number)]


def sheet_names_of(path: Path) -> list[str]:
    """Return the names of a workbook's sheets; [] for a text file."""
    with path.open("rb") as file:
        is_workbook = file.read(4) == b"PK\x03\x04"
    return sheet_names(path) if is_workbook else []


def _read(path: Path, layout: FileFormat) -> Iterator[tuple[int, list[str]]]:
    return (read_text if layout.kind == "text" else read_workbook)(path, layout)


def _workbook(path: Path, known: Collection[str]) -> FileFormat:
    with open_workbook(path) as workbook:
        for name in workbook.names:
            rows = list(islice(workbook.rows(name), ROWS))
            if any(any(cells) for _number, cells in rows):
                return _with_header(FileFormat("xlsx", sheet=name), iter(rows), known)
    raise UnreadableFile(_("The workbook is empty."))


def _refuse_signature(sample: bytes) -> None:
    kind = next((kind for start, kind in _SIGNATURES if sample.startswith(start)), "")
    if sample.startswith(b"PK\x03\x04"):
        kind = "ZIP"
    if kind:
        raise UnreadableFile(
            _("This is not a table but a %(kind)s file. Save it as CSV or XLSX.") % {"kind": kind}
        )


def _has_password(path: Path) -> bool:
    """Return whether a file that looks like an XLS workbook is an encrypted XLSX workbook."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find("EncryptedPackage".encode("utf-16-le")) >= 0


def _encoding(path: Path, sample: bytes, *, gzipped: bool) -> str:
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample:
        return _utf_16(sample)
    if _is_utf_8(path, gzipped=gzipped):
        return "utf-8-sig"
    return _one_byte(
        sample if any(byte > 127 for byte in sample) else _non_ascii_passage(path, gzipped=gzipped)
    )


def _utf_16(sample: bytes) -> str:
    """Return the variant of UTF-16 of a text with NULs.

    Every second byte of Western characters is NUL; whether it is the first or the second tells
    which.
    """
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 0.4 * len(sample) / 2 and even < 0.1 * odd:
        return "utf-16-le"
    if even > 0.4 * len(sample) / 2 and odd < 0.1 * even:
        return "utf-16-be"
    raise UnreadableFile(
        _("The file contains NUL characters, so it is not text. Save it as CSV or XLSX.")
    )


def _is_utf_8(path: Path, *, gzipped: bool) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_decompressed(path, gzipped=gzipped) as raw:
        try:
            while block := raw.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _non_ascii_passage(path: Path, *, gzipped: bool) -> bytes:
    """Return the first block with non-ASCII bytes, for files whose beginning has none."""
    with open_decompressed(path, gzipped=gzipped) as raw:
        while block := raw.read(SAMPLE):
            if any(byte > 127 for byte in block):
                return block
    return b""


def _one_byte(sample: bytes) -> str:
    """Return the single-byte encoding of a text."""
    found = charset_normalizer.from_bytes(sample, cp_isolation=["cp1252", "mac_roman"]).best()
    likely = found.encoding if found else "cp1252"
    # In texts with few non-ASCII characters the library only guesses; then odd characters decide.
    oddities = {
        name: _count_unlikely_characters(sample.decode(name, "replace"))
        for name in ("cp1252", "mac_roman")
    }
    fewest = min(oddities.values())
    return likely if oddities.get(likely) == fewest else min(oddities, key=oddities.__getitem__)


def _count_unlikely_characters(text: str) -> int:
    """Count characters that are implausible at their position in a Western text."""
    odd = 0
    for before, char, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if char < "\x80" or char in "’‘“”–—«»…°§":
            continue
        if char.isalpha():
            odd += char in "ŸŽžŒœƒªºˆŠš" or (char.isupper() and before.islower())
        else:
            odd += before.isalpha() or after.isalpha()
    return odd


def _whole_lines(text: str) -> str:
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[: end + 1] if end > 0 else text


def _delimiter(text: str) -> str:
    """Return the delimiter of a text; a comma if there is none."""
    present = [sign for sign in DELIMITERS if sign in text and not _is_punctuation(text, sign)]
    if len(present) <= 1:
        return present[0] if present else ","
    even = [sign for sign in present if _column_consistency(text, sign)[0] == 1]
    if len(even) == 1:
        return even[0]
    # Importing it takes a quarter of a second, and few files need it.
    import clevercsv
    from clevercsv.exceptions import Error, NoDetectionResult

    try:
        dialect = clevercsv.Detector().detect(text[: SAMPLE // 4], delimiters=present)
    except (Error, NoDetectionResult, UnicodeError, ValueError):
        dialect = None
    if dialect is not None and dialect.delimiter in present:
        return str(dialect.delimiter)
    return max(present, key=lambda sign: _column_consistency(text, sign))


def _is_punctuation(text: str, sign: str) -> bool:
    """Return whether a character is no delimiter: it splits neither the first nor most rows."""
    try:
        widths = [len(row) for row in islice(_split_rows(text, sign), ROWS) if row]
    except csv.Error:
        return False
    return bool(widths) and widths[0] == 1 and widths.count(1) * 2 > len(widths)


def _split_rows(text: str, sign: str) -> Iterator[list[str]]:
    # Not splitlines, which also ends lines at characters such as U+2028.
    return csv.reader(io.StringIO(text, newline=""), delimiter=sign)


def _column_consistency(text: str, sign: str) -> tuple[float, int]:
    """Return the share of rows with the most frequent number of cells, and that number."""
    try:
        rows = list(islice(_split_rows(text, sign), ROWS))
    except csv.Error:
        return (0, 0)
    rows = rows[:-1] if len(rows) > 2 else rows  # the last may be cut off
    widths = Counter(len(row) for row in rows if row)
    if not widths:
        return (0, 0)
    width, often = widths.most_common(1)[0]
    return (often / sum(widths.values()) if width > 1 else 0, width)


# Detecting the header.


def _with_header(
    layout: FileFormat, rows: Iterator[tuple[int, list[str]]], known: Collection[str]
) -> FileFormat:
    sample = [
        (number, cells) for number, cells in islice(rows, ROWS) if any(c.strip() for c in cells)
    ]
    if not sample:
        raise UnreadableFile(_("The file is empty."))
    number, cells = sample[0]
    header = number if _all_known(cells, known) else _header_row(sample)
    return FileFormat(**{**layout.as_json(), "header_row": header})


def _all_known(cells: list[str], known: Collection[str]) -> bool:
    names = [cell.strip() for cell in cells if cell.strip()]
    return len(names) > 1 and all(name in known for name in names)


def _header_row(sample: list[tuple[int, list[str]]]) -> int:
    """Return the number of the header row, or 0 if there is none.

    It is the first row that is as wide as the table, unless it looks like data.
    """
    widths = Counter(_width(cells) for _number, cells in sample)
    width = max(widths, key=lambda w: (widths[w], w > 1, -w))
    for place, (number, cells) in enumerate(sample):
        if _width(cells) >= width:
            filled = sum(1 for cell in cells if cell.strip())
            if filled * 2 >= width:
                return 0 if _is_data(cells, [row for _n, row in sample[place + 1 :]]) else number
    return sample[0][0]


def _width(cells: list[str]) -> int:
    """Return the position of the last non-empty cell, counted from 1; 0 if all are empty."""
    return max((n for n, cell in enumerate(cells, start=1) if cell.strip()), default=0)


def _is_data(cells: list[str], below: list[list[str]]) -> bool:
    """Return whether a row looks like those below it, so that it is not a header.

    It does if it has a number in a column of numbers, or the same word as a row below it. Years may
    be headers of columns of numbers: one year over other numbers, or several distinct years.
    """
    if not below:
        return False
    years = [cell.strip() for cell in cells if _YEAR.fullmatch(cell.strip())]
    are_names = len(years) > 1 and len(set(years)) == len(years)
    for n, cell in enumerate(cells):
        word = cell.strip()
        column = [row[n].strip() for row in below if n < len(row) and row[n].strip()]
        if not word or not column:
            continue
        if _DIGITS.fullmatch(word) and sum(map(_is_number, column)) > 0.8 * len(column):
            like_it = sum(1 for figures in column if _YEAR.fullmatch(figures))
            if _YEAR.fullmatch(word) and (are_names or like_it * 2 < len(column)):
                continue
            return True
        if word in column[:20] and len(word) > 1:
            return True
    return False


def _is_number(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None
