"""What every noun's resource has: its columns, how its rows are known again, its exports."""

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

#: Rows the database hands over at once for an export.
EXPORT_CHUNK = 5_000

#: Attributes a record is known by, and their values.
Identity = tuple[tuple[str, ...], tuple[Any, ...]]


class RecordResource(resources.ModelResource):
    """Rows of one noun, in its public words.

    An import (``exchange.prefetch``) drives it: ``row_identities`` say which record a row is,
    the fields read and write its cells.
    """

    #: The noun as commands and addresses write it, plural.
    noun: ClassVar[str]
    #: Attributes that identify a record, the surest first. A later group finds a record only where
    #: it has nothing in the groups before: a row may give a record the outside id it lacked.
    identities: ClassVar[tuple[tuple[str, ...], ...]]
    #: Attributes an identity may leave empty ("joined": not known).
    blank_identity: ClassVar[tuple[str, ...]] = ()
    #: Attribute that points to a record of the same noun, which may stand later in the file.
    self_reference: ClassVar[str] = ""
    #: Whether other nouns' files, or this one's, may name these records.
    is_reference_target: ClassVar[bool] = False
    #: Attribute that points to the record whose status decides who may change these, if one does.
    governed_through: ClassVar[str] = ""
    #: Attributes by which a new record may turn out to be a known one under another name. Those
    #: that stand together are compared with one another.
    similarity_keys: ClassVar[tuple[tuple[str, ...], ...]] = ()
    #: Order of an export, by natural keys only, so that it does not tell one database's ids.
    export_order: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    @property
    def model(self) -> type[models.Model]:
        return self._meta.model

    @property
    def columns(self) -> list[str]:
        """The column names, in the order they are written."""
        return [field.column_name for field in self.get_export_fields()]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns that identify every record and are never empty; () where there are none."""
        return () if self.blank_identity else self.identities[-1]

    def references(self) -> Iterator[tuple[Field, ReferenceWidget]]:
        for field in self.get_import_fields():
            if isinstance(field.widget, ReferenceWidget):
                yield field, field.widget

    def row_identities(self, values: Sequence[object], at: Mapping[str, int]) -> list[Identity]:
        """Return what a row may be known by, the surest first; [] where there is nothing.

        ``values`` are what its cells store, ``at`` says which attribute stands where.
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

    def _default_values(self, name: str) -> Any:
        """Return what a record has in this attribute where the file has no column for it."""
        field: Any = self.model._meta.get_field(name)
        return field.get_default()

    def identity_columns(self) -> str:
        """Say in words which columns identify a row."""
        return _(" or ").join(
            " + ".join(name.removesuffix("_id") for name in names) for names in self.identities
        )

    def fill_defaults(self, record: models.Model) -> None:
        """Fill in what a new record's row may leave out."""

    def check(self, record: models.Model, plan: "Plan") -> None:
        """Raise ValidationError where the record breaks a rule of its own."""
        record.clean()

    def export_rows(self) -> Iterator[Sequence[object]]:
        """Yield every record's cells, in a stable order, in constant memory.

        A cell is a text, a number, a day or None for nothing; the database itself makes it what
        its widget would make of a record.
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
        """Sort by bytes and with nothing first, so that every database writes the same file."""
        model, field = self.model, None
        for name in path.split("__"):
            field = model._meta.get_field(name)
            model = field.related_model or model  # type: ignore[assignment]
        if isinstance(field, models.CharField):
            return byte_order(path)
        return F(path).asc(nulls_first=True)


def byte_order(path: str) -> OrderBy:
    """Return the order of a text's bytes, which is the same in every database."""
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
