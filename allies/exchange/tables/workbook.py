"""Tables in workbooks (XLSX): a row at a time, and nothing that unpacks without end."""

import datetime as dt
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
from django.conf import settings
from django.utils.translation import gettext as _

from allies.exchange.tables.layout import Layout, UnreadableFile

#: The most a workbook's texts may hold, in bytes: they are kept in memory while it is read.
MAX_TEXTS = 128 << 20

#: The rows a sheet has at most. openpyxl makes up every row left out before a row's number, so a
#: row that says it is the 900,000,000th would keep it busy for minutes.
MAX_ROW = 1 << 20


def refuse_bomb(path: Path) -> None:
    """Raise UnreadableFile where a workbook would unpack to more than is allowed."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:  # zipfile too breaks in many ways, NotImplementedError among them
        raise _damaged() from error
    _refuse_other_archive({m.filename for m in members})
    texts = sum(m.file_size for m in members if "sharedStrings" in m.filename)
    if sum(m.file_size for m in members) > settings.IMPORT_MAX_UNPACKED or texts > MAX_TEXTS:
        raise UnreadableFile(
            _("Unpacked, the workbook has more than %(limit)d MB. Divide it, or save it as CSV.")
            % {"limit": min(settings.IMPORT_MAX_UNPACKED, MAX_TEXTS) >> 20}
        )


def _refuse_other_archive(names: set[str]) -> None:
    """Raise UnreadableFile for an archive that holds something else than a workbook."""
    if "[Content_Types].xml" in names:
        return
    kind = "ODS" if {"mimetype", "content.xml"} <= names else "ZIP"
    raise UnreadableFile(
        _("This is no table but a file of the kind %(kind)s. Save it as CSV or XLSX.")
        % {"kind": kind}
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    refuse_bomb(path)
    # Given a file, openpyxl does not ask what it is called: an upload has a name of ours.
    with path.open("rb") as file:
        try:
            workbook = openpyxl.load_workbook(
                file, read_only=True, data_only=True, keep_links=False
            )
            try:
                yield workbook
            finally:
                workbook.close()
        except UnreadableFile:
            raise
        except Exception as error:  # a broken workbook breaks its reader in any way there is
            raise _damaged() from error


def _damaged() -> UnreadableFile:
    return UnreadableFile(_("The workbook is damaged or locked. Save it again as XLSX or as CSV."))


def sheet_names(path: Path) -> list[str]:
    """Return the names of a workbook's sheets with cells; those that are hidden come last."""
    with _opened(path) as workbook:
        sheets = list(workbook.worksheets)
        return [s.title for s in sorted(sheets, key=lambda s: s.sheet_state != "visible")]


def read_workbook(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet with their numbers, cells as text; raise UnreadableFile."""
    with _opened(path) as workbook:
        if layout.sheet not in workbook.sheetnames:
            raise UnreadableFile(_("There is no sheet “%(name)s”.") % {"name": layout.sheet})
        sheet = workbook[layout.sheet]
        sheet.reset_dimensions()
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > MAX_ROW:
                raise UnreadableFile(
                    _("The sheet has more than %(limit)d rows. Divide it.") % {"limit": MAX_ROW}
                )
            if any(values[settings.IMPORT_MAX_COLUMNS :]):
                raise UnreadableFile(
                    _("Row %(row)d has more than %(limit)d columns.")
                    % {"row": number, "limit": settings.IMPORT_MAX_COLUMNS}
                )
            values = values[: settings.IMPORT_MAX_COLUMNS]
            cells = [value if type(value) is str else _as_text(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            if any(len(cell) > settings.IMPORT_MAX_CELL for cell in cells):
                raise UnreadableFile(
                    _("Row %(row)d has a cell of more than %(limit)d characters.")
                    % {"row": number, "limit": settings.IMPORT_MAX_CELL}
                )
            yield number, cells


def _as_text(value: Any) -> str:
    """Return a cell as one would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time()
        return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)
