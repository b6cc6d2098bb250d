"""The columns of the downloads: what a row has, and what it is called."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy

from allies.datapackage import Field
from allies.datapackage.metadata import describe_column, schema_type
from allies.models.fields import ProseField


class DownloadColumn(NamedTuple):
    """A column of the downloads: its name, and its value (text, number, flag, list) for a row.

    ``title`` and ``note`` say what it is called and what it holds, ``type`` is a table schema's,
    ``many`` says that a row has a list of them, ``prose`` that it is a text that cites sources.
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
        # A cell of a file holds a list as one text.
        kind = "string" if self.many else self.type
        return Field(self.name, title, self.note, kind, self.choices)


def model_columns(model: Any, *names: str, of: str = "") -> list[DownloadColumn]:
    """Return the columns that hold these fields of a model as they are, in the model's words.

    ``of`` is the attribute by which a row leads to the record, where it is not the row itself.
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


#: Columns of what is supported and disputed, for rows that know both.
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
    """Return a value as a file has it: a whole number stays one, all else is text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)
