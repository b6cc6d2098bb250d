"""Read the parts of a workbook other than its sheets: relationships, contents, styles and texts.

openpyxl knows which number formats are dates. Importing it takes half a second, so it is imported
only if there is a workbook.
"""

from django.conf import settings
from django.utils.translation import gettext as _

from allies.imports.tables.cell_values import MAC_EPOCH, WINDOWS_EPOCH
from allies.imports.tables.encoding_and_delimiter import UnreadableFile
from allies.imports.tables.xml_reader import Attributes, XmlReader, local_name, qualified_names

#: Maximum bytes of a workbook's shared texts, which are kept in memory while it is read. Each text
#: counts for TEXT_OVERHEAD more: Python's memory per text in addition to its characters.
MAX_TEXTS, TEXT_OVERHEAD = 128 << 20, 64

#: Maximum number of sheets and of formats in a workbook.
MAX_SHEETS, MAX_FORMATS = 1_000, 100_000


class Relations(XmlReader):
    """The relationships of a part of a workbook: id → (target, type)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        if local_name(name) == "Relationship" and len(self.found) <= 2 * MAX_SHEETS:
            self.found[attributes["Id"]] = (attributes["Target"], attributes["Type"])


class Contents(XmlReader):
    """The sheets of a workbook (name, id, whether visible), and the epoch of its dates."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, bool]] = []
        self.epoch = WINDOWS_EPOCH

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        found = local_name(name)
        if found == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            self.epoch = MAC_EPOCH
        elif found == "sheet":
            if len(self.sheets) == MAX_SHEETS:
                raise UnreadableFile(
                    _(
                        "The workbook has more than %(limit)d sheets. "
                        "Save the sheet with the table as CSV."
                    )
                    % {"limit": MAX_SHEETS}
                )
            ids = [value for key, value in attributes.items() if key.endswith(" id")]
            shown = attributes.get("state", "visible") == "visible"
            if ids:
                self.sheets.append((attributes["name"], ids[0], shown))


class Styles(XmlReader):
    """The cell formats that are dates, and which of these are durations."""

    def __init__(self) -> None:
        super().__init__()
        self._own: dict[int, str] = {}
        self._is_cells = False
        self._formats: list[int] = []

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        found = local_name(name)
        if found == "numFmt" and len(self._own) < MAX_FORMATS:
            self._own.setdefault(int(attributes["numFmtId"]), attributes["formatCode"][:1000])
        elif found == "cellXfs":
            self._is_cells = True
        elif found == "xf" and self._is_cells and len(self._formats) < MAX_FORMATS:
            self._formats.append(int(attributes.get("numFmtId", "0")))

    def end(self, name: str) -> None:
        super().end(name)
        if local_name(name) == "cellXfs":
            self._is_cells = False

    def dates(self) -> dict[int, bool]:
        """Return position of a cell format → whether it is a duration.

        Formats that are no dates are left out.
        """
        kinds = {number: self._is_duration(number) for number in set(self._formats)}
        formats = ((place, kinds[number]) for place, number in enumerate(self._formats))
        return {place: kind for place, kind in formats if kind is not None}

    def _is_duration(self, number: int) -> bool | None:
        """Return whether a number format is a duration; None if it is no date."""
        from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

        code = self._own.get(number) or BUILTIN_FORMATS.get(number)
        return bool(is_timedelta_format(code)) if is_date_format(code) else None


class SharedStrings(XmlReader):
    """The texts that cells share.

    A text over the limit of a cell is cut just above the limit, so that the cell is refused.
    """

    _KNOWN = qualified_names("si", "t", "rPh")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._pieces: list[str] = []
        self._length = self._size = 0
        self._takes = self._is_sound = False

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        match self._KNOWN.get(name):
            case "t":
                self._takes = not self._is_sound
                self._keep(1)
            case "si":
                self._pieces, self._length = [], 0
                self._keep(TEXT_OVERHEAD)
            case "rPh":
                self._is_sound = True  # a phonetic guide for the text, not part of the cell
            case _:
                self._keep(1)  # runs of characters and their fonts: many, but none is kept

    def end(self, name: str) -> None:
        self.depth -= 1
        match self._KNOWN.get(name):
            case "t":
                self._takes = False
            case "si":
                self.found.append("".join(self._pieces).replace("x005F_", ""))
            case "rPh":
                self._is_sound = False

    def text(self, text: str) -> None:
        if self._takes:
            self._keep(len(text))
            if self._length <= settings.IMPORT_MAX_CELL_LENGTH:
                self._pieces.append(text)
            self._length += len(text)

    def _keep(self, size: int) -> None:
        self._size += size
        if self._size > MAX_TEXTS:
            raise UnreadableFile(
                _("The texts in the workbook are larger than %(limit)d MB. Save it as CSV.")
                % {"limit": MAX_TEXTS >> 20}
            )
