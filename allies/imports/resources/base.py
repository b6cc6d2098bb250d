"""The base of all resources: columns, identities of rows, exports."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import connection, models
from django.db.models import F
from django.db.models.expressions import OrderBy
from django.db.models.functions import Collate
from django.utils.translation import gettext as _
from import_export import resources
from import_export.fields import Field

from allies.imports.widgets import ChoiceWidget, CodeWidget, EDTFWidget, ReferenceWidget, TextWidget
from allies.models import Country, Status

if TYPE_CHECKING:
    from allies.imports.plan import Plan

#: Rows fetched from the database at a time during an export.
EXPORT_CHUNK = 5_000

#: Attributes that identify a record, and their values.
Identity = tuple[tuple[str, ...], tuple[Any, ...]]


class RecordResource(resources.ModelResource):
    """Rows of one record type, with its public column names.

    The planner of an import uses it: ``row_identities`` say which record a row is, and the fields
    read and write the cells.
    """

    #: The record type's name in commands and URLs, plural.
    noun: ClassVar[str]
    #: Attributes that identify a record, the most reliable first. A later group only matches a
    #: record that has no values for the earlier groups. So a row can add a missing external
    #: identifier.
    identities: ClassVar[tuple[tuple[str, ...], ...]]
    #: Attributes that may be empty in an identity ("joined": not known).
    blank_identity: ClassVar[tuple[str, ...]] = ()
    #: Attribute that refers to a record of the same type, possibly from a later row of the file.
    self_reference: ClassVar[str] = ""
    #: Whether other files, or other rows of the same file, may refer to these records.
    is_reference_target: ClassVar[bool] = False
    #: Attribute that refers to the record whose status decides who may change these, if any.
    governed_through: ClassVar[str] = ""
    #: Attributes that show that a new record may be an existing one under another name. The values
    #: of all attributes in a group are compared with one another.
    similarity_keys: ClassVar[tuple[tuple[str, ...], ...]] = ()
    #: Dates that may each be the one by which other data sets date the record.
    start_dates: ClassVar[tuple[str, ...]] = ()
    #: Attributes of the first and the last day of a record that is one of several spells.
    period: ClassVar[tuple[str, ...]] = ()
    #: The attribute that refers to a record with a period, and what the source says of its days.
    compared_period: ClassVar[tuple[str, ...]] = ()
    #: Path to the date on which the country of a row has to exist.
    day_of_existence: ClassVar[str] = ""
    #: Sort order of an export. It has only natural keys, because ids differ between databases.
    export_order: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    @property
    def model(self) -> type[models.Model]:
        return self._meta.model

    @property
    def columns(self) -> list[str]:
        """The column names, in the order of an export."""
        return [field.column_name for field in self.get_export_fields()]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns that identify every record and are never empty; () if there are none."""
        return () if self.blank_identity else self.identities[-1]

    def references(self) -> Iterator[tuple[Field, ReferenceWidget]]:
        for field in self.get_import_fields():
            if isinstance(field.widget, ReferenceWidget):
                yield field, field.widget

    def row_identities(self, values: Sequence[object], at: Mapping[str, int]) -> list[Identity]:
        """Return the identities of a row, the most reliable first; [] if it has none.

        ``values`` are the parsed cells; ``at`` maps an attribute to its position among them.
        """
        found = []
        for names in self.identities:
            key = tuple(
                values[at[name]] if name in at else self._default_values(name) for name in names
            )
            if all(
                value not in ("", None) or name in self.blank_identity
                for name, value in zip(names, key, strict=True)
            ):
                found.append((names, key))
        return found

    def identities_of_one(
        self, targets: Sequence[str], values: Sequence[object], at: Mapping[str, int]
    ) -> list[Identity]:
        """Return the identities of a row that has one of these references, otherwise []."""
        given = [values[at[target]] for target in targets if target in at]
        if len(given) - given.count(None) != 1:
            return []
        return RecordResource.row_identities(self, values, at)

    def _default_values(self, name: str) -> Any:
        """Return the attribute's default, for files without a column for it."""
        field: Any = self.model._meta.get_field(name)
        return field.get_default()

    def identity_columns(self) -> str:
        """Return the columns that identify a row, as text."""
        return _(" or ").join(
            " + ".join(name.removesuffix("_id") for name in names) for names in self.identities
        )

    def fill_defaults(self, record: models.Model) -> None:
        """Fill in values that the row of a new record may leave out."""

    def check(self, record: models.Model, plan: "Plan") -> None:
        """Raise ValidationError if the record breaks one of its own rules."""
        record.clean()

    def export_rows(self) -> Iterator[Sequence[object]]:
        """Yield every record's cells, in a stable order and in constant memory.

        A cell is a text, a number, a day or None. The database computes the value that the cell's
        widget would render.
        """
        cells = [
            field.widget.database_expression(field.attribute) for field in self.get_export_fields()
        ]
        rows: Any = (
            self.model._default_manager.order_by(*map(self._in_order, self.export_order))
            .values_list(*cells)
            .iterator(chunk_size=EXPORT_CHUNK)
        )
        return rows

    def _in_order(self, path: str) -> OrderBy:
        """Return a sort order that is the same in every database: by bytes, empty values first."""
        model, field = self.model, None
        for name in path.split("__"):
            field = model._meta.get_field(name)
            model = field.related_model or model  # type: ignore[assignment]
        if isinstance(field, models.CharField):
            return byte_order(path)
        return F(path).asc(nulls_first=True)


def byte_order(path: str) -> OrderBy:
    """Return the sort order by the bytes of a text, which is the same in every database."""
    collation = "C" if connection.vendor == "postgresql" else "BINARY"
    return Collate(F(path), collation).asc(nulls_first=True)


def text(column: str) -> Field:
    return Field(attribute=column, column_name=column, widget=TextWidget())


def word(column: str) -> Field:
    return Field(attribute=column, column_name=column, widget=CodeWidget())


def date(column: str) -> Field:
    return Field(attribute=column, column_name=column, widget=EDTFWidget())


def choice(
    column: str, choices: Iterable[object], default: object = "", *, required: bool = False
) -> Field:
    cell = ChoiceWidget(choices, default=str(default), required=required)
    return Field(attribute=column, column_name=column, widget=cell)


def reference(column: str, model: type[models.Model], key: str) -> Field:
    return Field(attribute=column, column_name=column, widget=ReferenceWidget(model, key))


def country(column: str = "country") -> Field:
    return reference(column, Country, "code")


def status() -> Field:
    return choice("status", Status, default=Status.DRAFT)
