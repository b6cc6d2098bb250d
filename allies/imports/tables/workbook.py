"""Read tables from XLSX workbooks row by row, checking all sizes before anything is kept."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile

from django.conf import settings
from django.utils.translation import gettext as _

from allies.file_formats import Archive, DecompressedTooLarge
from allies.imports.tables.encoding_and_delimiter import FileFormat, UnreadableFile
from allies.imports.tables.workbook_parts import Contents, Relations, SharedStrings, Styles
from allies.imports.tables.worksheet import WorkbookParts, Worksheet
from allies.imports.tables.xml_reader import TagCounter, XmlReader, damaged_file_error


class Workbook:
    """An open workbook: the names of its sheets, hidden ones last, and their rows.

    Of sheets with the same name, only the first can be read.
    """

    def __init__(self, archive: Archive, tags: TagCounter) -> None:
        self._archive = archive
        self._tags = tags
        root = self._relations("_rels/.rels", PurePosixPath())
        part = next(target for target, kind in root.values() if kind.endswith("/officeDocument"))
        home = PurePosixPath(part).parent
        related = self._relations(f"{home}/_rels/{PurePosixPath(part).name}.rels", home)
        contents = Contents()
        self._read(part, contents)
        sheets = [
            (name, related[key][0], shown)
            for name, key, shown in contents.sheets
            if key in related and related[key][1].endswith("/worksheet")
        ]
        # Sheets of the same name cannot be distinguished: use the first.
        self._parts = {name: target for name, target, _shown in reversed(sheets)}
        self.names = list(dict.fromkeys(s[0] for s in sorted(sheets, key=lambda s: not s[2])))
        # Some programs omit the relationships of these two parts.
        found = {kind.rpartition("/")[2]: target for target, kind in related.values()}
        self._texts_part = found.get("sharedStrings", f"{home}/sharedStrings.xml")
        self._styles_part = found.get("styles", f"{home}/styles.xml")
        self._epoch = contents.epoch
        self._shared: WorkbookParts | None = None

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows of a sheet with their numbers, cells as text.

        Raises UnreadableFile if there is no such sheet or a limit is exceeded. Errors of a damaged
        file are converted by ``open_workbook``.
        """
        if sheet not in self._parts:
            raise UnreadableFile(_("There is no sheet “%(name)s”.") % {"name": sheet})
        if self._shared is None:
            texts, styles = SharedStrings(), Styles()
            for part, reader in ((self._texts_part, texts), (self._styles_part, styles)):
                if part in self._archive.infos:
                    self._read(part, reader)
            self._shared = WorkbookParts(texts.found, styles.dates(), self._epoch)
        with self._archive.open(self._parts[sheet]) as member:
            yield from Worksheet(self._shared).rows(member, self._tags)

    def _read(self, part: str, reader: XmlReader) -> None:
        with self._archive.open(part) as member:
            reader.parse_all(member, self._tags)

    def _relations(self, part: str, home: PurePosixPath) -> dict[str, tuple[str, str]]:
        """Return the relationships of a part, with targets as paths in the archive."""
        reader = Relations()
        self._read(part, reader)
        return {key: (_within(home, target), kind) for key, (target, kind) in reader.found.items()}


def _within(home: PurePosixPath, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    parts: list[str] = []
    for part in (home / target).parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """Open a workbook; raise UnreadableFile, also for errors while it is read."""
    try:
        with Archive(path, most=settings.IMPORT_MAX_UNCOMPRESSED_BYTES) as archive:
            if archive.is_encrypted():
                raise damaged_file_error()
            _refuse_other_archive(set(archive.infos))
            yield Workbook(archive, TagCounter(path.stat().st_size))
    except UnreadableFile:
        raise
    except DecompressedTooLarge as error:
        raise UnreadableFile(str(error)) from error
    except (
        *(BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error),
        *(ValueError, LookupError, TypeError, ArithmeticError, StopIteration),
    ) as error:
        raise damaged_file_error() from error


def _refuse_other_archive(names: set[str]) -> None:
    """Raise UnreadableFile if the archive is not an XLSX workbook."""
    if "[Content_Types].xml" in names:
        return
    kind = "ODS" if {"mimetype", "content.xml"} <= names else "ZIP"
    raise UnreadableFile(
        _("This is not a table but a %(kind)s file. Save it as CSV or XLSX.") % {"kind": kind}
    )


def sheet_names(path: Path) -> list[str]:
    """Return the names of a workbook's sheets, hidden ones last; raise UnreadableFile."""
    with open_workbook(path) as workbook:
        return workbook.names


def read_workbook(path: Path, layout: FileFormat) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet with their numbers, cells as text; raise UnreadableFile."""
    with open_workbook(path) as workbook:
        yield from workbook.rows(layout.sheet)
