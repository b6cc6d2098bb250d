"""Write XLSX workbooks with one sheet, row by row, in constant memory.

Texts are written as texts, so that ``=1+1`` is not a formula and ``004`` keeps its zeros. Integers
are written as numbers.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from xml.sax.saxutils import escape, quoteattr

from django.utils.translation import gettext as _

from allies.file_formats.zip import ZipStream

#: Excel's limits: rows of a sheet, including the header, and characters of a cell.
MAX_ROWS, MAX_CELL = 1_048_576, 32_767

#: Rows written at a time, and the digits of a number that Excel keeps without rounding.
CHUNK, DIGITS = 1_000, 15

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

#: The parts other than the sheet: relationships, and the bold style of the header.
_PACKAGE_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        "</Types>"
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>"
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name=SHEET sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        "</Relationships>"
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}">'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        "</cellStyleXfs>"
        '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    ),
}

_SHEET_BEGINS = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    "</sheetView></sheetViews><sheetData>\n"
)
_SHEET_ENDS = "</sheetData></worksheet>\n"

# Characters that XML does not allow, and text that looks like Excel's escapes for them.
_UNWRITABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)"
)

# A cell without any of these needs no escaping.
_SPECIAL = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_x")


class SheetTooLarge(ValueError):
    """More than an Excel sheet can hold; the text says so and what to do."""


def check_length(rows: int) -> None:
    """Raise SheetTooLarge if a sheet cannot hold this many rows and a header."""
    if rows >= MAX_ROWS:
        raise SheetTooLarge(
            _(
                "This list has %(rows)d rows; an Excel sheet can hold "
                "%(most)d. Download CSV instead, or narrow the list."
            )
            % {"rows": rows, "most": MAX_ROWS - 1}
        )


def xlsx_blocks(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, sheet: str
) -> Iterator[bytes]:
    """Yield a workbook with one sheet of this name, in parts.

    A cell is a text, a number, a day or None. Raises SheetTooLarge, after some output, at a row or
    a cell over Excel's limits.
    """
    archive = ZipStream()
    name = quoteattr(re.sub(r"[\[\]:*?/\\]", "-", sheet)[:31])
    for part, text in _PACKAGE_PARTS.items():
        yield from archive.member(part, [(_XML + text.replace("SHEET", name)).encode()])
    yield from archive.member("xl/worksheets/sheet1.xml", _sheet(header, rows))
    yield from archive.end()


def _sheet(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    names = [column_letters(place) for place in range(len(header))]
    titles = "".join(
        f'<c r="{letter}1" s="1" t="inlineStr">{_text(title)}</c>'
        for letter, title in zip(names, header, strict=True)
    )
    yield f'{_SHEET_BEGINS}<row r="1">{titles}</row>\n'.encode()
    iterator, number = iter(rows), 2
    while chunk := list(islice(iterator, CHUNK)):
        check_length(number + len(chunk) - 2)
        yield "".join(_row(at, row, names) for at, row in enumerate(chunk, number)).encode()
        number += len(chunk)
    yield _SHEET_ENDS.encode()


def _row(number: int, row: Sequence[object], names: list[str]) -> str:
    cells = [
        f'<c r="{letter}{number}"><v>{cell}</v></c>'
        if type(cell) is int and len(str(cell)) <= DIGITS
        else f'<c r="{letter}{number}" t="inlineStr">{_text(cell)}</c>'
        for letter, cell in zip(names, row, strict=True)
        if cell is not None and cell != ""
    ]
    return f'<row r="{number}">{"".join(cells)}</row>\n'


def _text(cell: object) -> str:
    text = str(cell)
    # Excel counts UTF-16 code units, at most two per character.
    if 2 * len(text) > MAX_CELL and len(text.encode("utf-16-le", "surrogatepass")) > 2 * MAX_CELL:
        raise SheetTooLarge(
            _(
                "A cell is longer than the %(most)d characters that Excel "
                "allows. Download CSV instead."
            )
            % {"most": MAX_CELL}
        )
    if _SPECIAL.search(text):
        text = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
        text = escape(text, {"\r": "&#13;"})  # a bare CR would be read as LF
    return f'<is><t xml:space="preserve">{text}</t></is>'


def column_letters(place: int) -> str:
    """Return a column's letters in a spreadsheet: A for 0, AA for 26."""
    text, number = "", place + 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("A") + digit) + text
    return text
