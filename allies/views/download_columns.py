"""Columns of downloads: name, value, title, note and type."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy

from allies.datapackage import Field
from allies.datapackage.metadata import describe_column, schema_type
from allies.models.fields import ProseField


class DownloadColumn(NamedTuple):
    """A column of a download. ``value`` maps a row to a string, number, boolean or list.

    ``title`` and ``note`` describe it to readers. ``type`` is a Table Schema type. ``many`` means
    that the value is a list, ``prose`` that it is a text that cites sources.
    """

    name: str
    value: Callable[[Any], Any]
    title: Any = ""
    note: Any = ""
    type: str = "string"
    choices: tuple[str, ...] = ()
    many: bool = False
    prose: bool = False

    @property
    def field(self) -> Field:
        title = self.title or self.name
        # In files, a list is one string.
        kind = "string" if self.many else self.type
        return Field(self.name, title, self.note, kind, self.choices, self.many)


def model_columns(model: Any, *names: str, of: str = "") -> list[DownloadColumn]:
    """Return columns for fields of a model, with the model's labels, help texts and choices.

    ``of`` is the row's attribute that holds the record, if the row is not the record itself.
    """
    columns = []
    for name in names:
        field = model._meta.get_field(name)
        choices = tuple(str(value) for value, _label in field.flatchoices if value)
        described = describe_column(field, type=schema_type(field), choices=choices)
        value = attrgetter(f"{of}.{name}" if of else name)
        columns.append(
            DownloadColumn(
                *(name, value, described.title, described.description, described.type, choices),
                prose=isinstance(field, ProseField) and not field.verbatim,
            )
        )
    return columns


#: Columns of the evidence, for rows with ``independent_sources`` and ``disputes``.
INDEPENDENT_SOURCES = DownloadColumn(
    "independent_sources",
    lambda row: row.independent_sources,
    gettext_lazy("independent sources"),
    gettext_lazy("Supporting sources; sources that reprint one another count once."),
    "integer",
)
DISPUTED = DownloadColumn(
    "disputed",
    lambda row: bool(row.disputes),
    gettext_lazy("disputed"),
    gettext_lazy("Whether a source disputes it."),
    "boolean",
)
COUNTRY_CODE = gettext_lazy("The country’s alpha-3 code; if it has none, its COW code or its slug.")


def to_cell(value: object) -> str | int:
    """Return a value as in CSV and XLSX: an integer or a string; lists are space-separated."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)
