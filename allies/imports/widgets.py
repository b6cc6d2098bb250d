"""Widgets of the import resources: how each kind of cell is read and written.

A cell can be written in two ways that give the same text: from a record (``render``), and by the
database for all records at once (``database_expression``).
"""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, CharField, F, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.widgets import Widget

from allies.imports.references import CellError, References
from allies.models import Country, Entry, Membership
from allies.models.country import country_code
from allies.models.fields import EDTFField
from allies.text.date_parser import parse_date

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class TextWidget(Widget):
    """A text, unchanged."""

    #: The type of the column in a Frictionless table schema.
    schema_type: ClassVar[str] = "string"
    #: A note on the format for readers of the data; "" if there is none.
    note: "StrOrPromise" = ""

    def clean(self, value: str, row: Any = None, **kwargs: object) -> str:
        return value

    def render(self, value: object, obj: models.Model | None = None, **kwargs: object) -> str:
        return "" if value is None else str(value)

    def database_expression(self, path: str) -> Combinable:
        """Return the database expression for the cell of the field at ``path``.

        Its value is a text, a number, a day or NULL. Converted to text, it equals ``render``.
        """
        return F(path)


class CodeWidget(TextWidget):
    """A code or URL; surrounding whitespace is ignored."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> str:
        return value.strip()


def pad_numeric_code(word: str) -> str:
    """Restore the leading zeros of a three-digit code: spreadsheets turn 004 into 4."""
    return word.zfill(3) if word.isdecimal() else word


class NumericCodeWidget(CodeWidget):
    """A code of three digits, such as UN M49."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> str:
        return pad_numeric_code(value.strip())


class ChoiceWidget(CodeWidget):
    """One of a field's choices, by its stored word; ``default`` replaces an empty cell."""

    def __init__(self, choices: Iterable[object], default: str = "", *, required: bool) -> None:
        super().__init__()
        self.choices = [str(choice) for choice in choices]
        self.default = default
        self.required = required

    def clean(self, value: str, row: object = None, **kwargs: object) -> str:
        word = value.strip() or self.default
        word = word if word in self.choices else pad_numeric_code(word)
        if word not in self.choices and (word or self.required):
            raise CellError(_("allowed: %(choices)s") % {"choices": ", ".join(self.choices)})
        return word


class IntegerWidget(CodeWidget):
    """A whole number without a sign, or nothing."""

    schema_type = "integer"

    def clean(self, value: str, row: object = None, **kwargs: object) -> Any:
        digits = value.strip()
        if not digits:
            return None
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
            raise CellError(_("enter a whole number, like 4"))
        return int(digits)


class BooleanWidget(CodeWidget):
    """Yes or no; if ``optional``, an empty cell means "not known"."""

    schema_type = "boolean"

    WORDS = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
    _WRITTEN = (("yes", True), ("no", False))

    def __init__(self, *, optional: bool) -> None:
        super().__init__()
        self.optional = optional

    def clean(self, value: str, row: object = None, **kwargs: object) -> Any:
        word = value.strip().casefold()
        if not word:
            return None if self.optional else False
        if word not in self.WORDS:
            raise CellError(_("allowed: yes, no"))
        return self.WORDS[word]

    def render(self, value: object, obj: models.Model | None = None, **kwargs: object) -> str:
        return "" if value is None else ("yes" if value else "no")

    def database_expression(self, path: str) -> Combinable:
        words = (When(**{path: flag}, then=Value(word)) for word, flag in self._WRITTEN)
        return Case(*words, output_field=CharField())


class DateWidget(CodeWidget):
    """A calendar day, as YYYY-MM-DD or in words, or nothing."""

    schema_type = "date"

    def clean(self, value: str, row: object = None, **kwargs: object) -> Any:
        text = value.strip()
        if not text:
            return None
        try:
            date = parse_date(text)
            if len(date) == 10:  # a day, neither a month nor an interval
                return dt.date.fromisoformat(date)
        except ValueError as error:
            raise CellError(_("enter a date like 2024-06-19")) from error
        raise CellError(_("enter a date like 2024-06-19"))

    def render(self, value: Any, obj: models.Model | None = None, **kwargs: object) -> str:
        return value.isoformat() if value else ""


class EDTFWidget(CodeWidget):
    """An EDTF date: as precise as what is known."""

    field = EDTFField()

    def clean(self, value: str, row: object = None, **kwargs: object) -> Any:
        try:
            return self.field.to_python(value)
        except ValidationError as error:
            raise CellError(" ".join(error.messages)) from error


#: How files refer to a record, if it is not simply by one of its columns.
_NOTES: "dict[type[models.Model], StrOrPromise]" = {
    Country: gettext_lazy("The country’s alpha-3 code; if it has none, its COW code or its slug."),
    Entry: gettext_lazy("The list’s slug and the country’s code, like russia-asia/CHN."),
    Membership: gettext_lazy(
        "The alliance’s slug, the country’s code and, if known, the date of joining, like "
        "nato/SWE/2024-03-07."
    ),
}


class ReferenceWidget(CodeWidget):
    """Another record, by a natural key; an empty cell means none.

    The runner sets ``references``, which knows the records this run will create. It calls
    ``prepare`` with the texts of a whole chunk, so that a chunk costs one query per key, not per
    cell.
    """

    references: References

    def __init__(self, model: type[models.Model], key: str) -> None:
        super().__init__()
        self.model = model
        self.key = key
        self.note = _NOTES.get(model, "")

    def prepare(self, texts: set[str]) -> None:
        """Load the records that these cells refer to."""
        self.references.prefetch(self.model, {word for text in texts if (word := text.strip())})

    def clean(self, value: str, row: object = None, **kwargs: object) -> Any:
        text = value.strip()
        return self.references.find(self.model, text) if text else None

    def render(self, value: object, obj: models.Model | None = None, **kwargs: object) -> str:
        return "" if value is None else str(getattr(value, self.key))

    def database_expression(self, path: str) -> Combinable:
        if self.model is Country:
            return country_code(path)
        if self.model is Entry:
            return _entry_code(path)
        if self.model is Membership:
            return _membership_code(path)
        return F(f"{path}__{self.key}")


def _entry_code(path: str) -> Combinable:
    """Return the expression for ``Entry.code`` of the entry at ``path``.

    It is NULL if there is no entry. Concat treats NULL as "", so it would return "/" instead.
    """
    code = Concat(
        F(f"{path}__ally_list__slug"),
        Value("/"),
        country_code(f"{path}__country"),
        output_field=CharField(),
    )
    return Case(When(**{f"{path}__isnull": False}, then=code), output_field=CharField())


def _membership_code(path: str) -> Combinable:
    """Return the expression for ``Membership.code`` of the membership at ``path``, or NULL."""
    joined = Case(
        When(**{f"{path}__joined": ""}, then=Value("")),
        default=Concat(Value("/"), F(f"{path}__joined")),
        output_field=CharField(),
    )
    code = Concat(
        F(f"{path}__alliance__slug"),
        Value("/"),
        country_code(f"{path}__country"),
        joined,
        output_field=CharField(),
    )
    return Case(When(**{f"{path}__isnull": False}, then=code), output_field=CharField())
