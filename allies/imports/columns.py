"""A column of an imported file, and the values that its cells are parsed to."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from import_export.fields import Field

from allies.imports.references import COUNTRY_CODES, CellError, SkippedRecord, UnknownCountry
from allies.imports.rows import LEFT_OUT, Cell, CellProblem
from allies.imports.widgets import ReferenceWidget
from allies.models import Country

#: At most this many distinct texts are remembered per reference column, across chunks.
MAX_CACHED_CELLS = 2000


class CellFailure:
    """Why a cell was refused, or that its row is left out."""

    __slots__ = ("is_left_out", "is_unknown_country", "message")

    def __init__(
        self, message: str, *, is_unknown_country: bool = False, is_left_out: bool = False
    ) -> None:
        self.message = message
        self.is_unknown_country = is_unknown_country
        self.is_left_out = is_left_out


class Column:
    """A column and the field it feeds.

    ``stored`` maps each distinct text parsed so far to the value that the field stores, or to its
    CellFailure. The value of a reference is the record's id. ``records`` holds the records named,
    by id.
    """

    def __init__(self, field: Field, model_field: "models.Field[object, object]") -> None:
        self.name = field.column_name
        self.widget = field.widget
        self.field = model_field
        self.attname = model_field.attname
        self.is_reference = isinstance(self.widget, ReferenceWidget)
        self.names_countries = self.is_reference and self.widget.model is Country
        self.stored: dict[Cell, Any] = {}
        self.records: dict[int, Any] = {}
        self.has_failures = False

    def display(self, cell: Cell) -> str:
        """Return a cell as it is written in the file.

        A mapping puts the code system in front of a country code: that prefix is removed.
        """
        if isinstance(cell, CellProblem):
            return cell.value
        system, colon, rest = cell.partition(":")
        return rest if self.names_countries and colon and system in COUNTRY_CODES else cell

    def prefetch(self, cells: Iterable[Cell]) -> None:
        """Parse the distinct cells of a chunk; a reference column costs one query per key."""
        if not self.is_reference or len(self.stored) > MAX_CACHED_CELLS:
            self.stored.clear()
            self.records.clear()
        new = set(cells).difference(self.stored)
        if isinstance(self.widget, ReferenceWidget):
            self.widget.prepare({text for text in new if isinstance(text, str)})
        self.has_failures = False
        for cell in new:
            value = self.stored[cell] = self.parse(cell)
            if isinstance(value, CellFailure):
                self.has_failures = True

    def clear_failures(self) -> None:
        """Forget the failures of reference cells: the next chunk may find the record they name."""
        if self.is_reference:
            self.stored = {c: v for c, v in self.stored.items() if not isinstance(v, CellFailure)}

    def parse(self, cell: Cell) -> object:
        """Return the value that the field stores for this cell, or a CellFailure."""
        if isinstance(cell, CellProblem):
            return CellFailure(cell.message, is_left_out=cell is LEFT_OUT)
        try:
            value = self.widget.clean(cell)
            return self._id_of(value) if self.is_reference else self._valid(value)
        except ValidationError as error:
            return CellFailure(" ".join(error.messages))
        except SkippedRecord:
            return CellFailure("", is_left_out=True)
        except CellError as error:
            return CellFailure(str(error), is_unknown_country=isinstance(error, UnknownCountry))

    def _id_of(self, record: models.Model | None) -> int | None:
        if record is None:
            if not self.field.null:
                raise CellError(_("This cell is required."))
            return None
        self.records[record.pk] = record
        return int(record.pk)

    def _valid(self, value: object) -> object:
        if self.field.blank and value in self.field.empty_values:
            return value
        return self.field.clean(value, None)
