"""Base classes of all filters. They report parameters and values that they do not understand."""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import deepcopy
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from allies.filters.aggregates import GroupBy, group_by_condition
from allies.models import Alliance, Country, Source
from allies.page_cache.memo import VersionedMemo
from allies.text.normalize import normalize_text
from allies.text.urls import is_tracking

#: Longest search text, in characters, because databases limit the length of patterns.
MAX_VALUE_LENGTH = 200


_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def unknown_parameter_names(names: Iterable[str], understood: Collection[str]) -> list[str]:
    """Return the names of parameters that a page does not understand, in their order.

    Tracking parameters are ignored.
    """
    return [name for name in names if name not in understood and not is_tracking(name)]


def _strip_values(data: Mapping[str, object]) -> dict[str, object]:
    """Return the last value of each parameter without whitespace around it."""
    return {name: text.strip() if isinstance(text, str) else text for name, text in data.items()}


class FilterForm(forms.Form):
    """The form of a filter: plain fields that work without JavaScript."""

    use_required_attribute = False


class PublicFilterSet(django_filters.FilterSet):
    """A filter that readers use in the URL: ``?kind=visit&date_after=2024-01-01``."""

    #: The normalised texts that are searched, as paths from the record.
    search_fields: tuple[str, ...] = ("folded",)

    q = django_filters.CharFilter(
        label=_("Search"),
        method="filter_text",
        max_length=MAX_VALUE_LENGTH,
        widget=forms.TextInput(attrs={"type": "search"}),
    )

    #: Fields that the form always shows, next to the search; the others are collapsed.
    first_fields: tuple[str, ...] = ()

    class Meta:
        form = FilterForm

    def __init__(
        self, data: Mapping[str, object] | None = None, *args: object, **kwargs: object
    ) -> None:
        super().__init__(_strip_values(data or {}), *args, **kwargs)

    @property
    def unknown_parameters(self) -> list[str]:
        """The names of parameters that are not filters of this view."""
        return unknown_parameter_names(self.data, self.filters)

    @property
    def applied_values(self) -> dict[str, str]:
        """The filters in use, as in the URL."""
        asked = {name: str(self.data.get(name) or "") for name in self.filters}
        return {name: text for name, text in asked.items() if text}

    @property
    def primary_fields(self) -> list[forms.BoundField]:
        """The fields of the form that are always shown."""
        shown = ("q", *self.first_fields)
        return [field for field in self.form.visible_fields() if field.name in shown]

    @property
    def extra_fields(self) -> list[forms.BoundField]:
        """The fields that are collapsed until a reader opens them."""
        shown = ("q", *self.first_fields)
        return [field for field in self.form.visible_fields() if field.name not in shown]

    @property
    def is_extra_open(self) -> bool:
        """Whether one of the collapsed fields is in use or has errors."""
        return any(field.name in self.applied_values or field.errors for field in self.extra_fields)

    @classmethod
    def bound_field_with(cls, name: str, text: str) -> forms.BoundField:
        """Return a field of the form with this text as its initial value, without errors."""
        form = type("Form", (cls.Meta.form,), {name: deepcopy(cls.base_filters[name]).field})
        return form(initial={name: text})[name]

    def queryset_with(self, **instead: object) -> QuerySet[Model]:
        """Return the rows with some values of the filter replaced: ``queryset_with(kind="")``.

        The filter must be valid.
        """
        asked = self.form.cleaned_data
        self.form.cleaned_data = {**asked, **instead}
        try:
            return self.filter_queryset(self.queryset.all())
        finally:
            self.form.cleaned_data = asked

    def grouping(self, name: str) -> GroupBy | None:
        """Return how rows are grouped to count a filter's choices; None if they cannot be.

        A filter on a column is grouped by its column. For another filter, a method
        ``group_<name>`` returns the grouping.
        """
        group: Callable[[], GroupBy | None] | None = getattr(self, f"group_{name}", None)
        if group is not None:
            return group()
        asks = self.filters[name]
        return GroupBy((F(asks.field_name),)) if asks.method is None else None

    def noop(self, queryset: QuerySet[Model], name: str, value: object) -> QuerySet[Model]:
        """Leave the rows alone, because ``filter_queryset`` applies this filter."""
        return queryset

    def filter_disputed(self, queryset: Any, name: str, value: str) -> QuerySet[Model]:
        return queryset.disputed(value == "yes")

    def group_disputed(self) -> GroupBy:
        return group_by_condition(self.queryset.is_disputed())

    def filter_text(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        """Keep records if each word is in one of the searched texts.

        A text without letters and digits matches nothing.
        """
        words = dict.fromkeys(normalize_text(value).split())
        if not words:
            return queryset.none()
        for word in words:
            somewhere = Q()
            for path in self.search_fields:
                somewhere |= Q(**{f"{path}__contains": word})
            queryset = queryset.filter(somewhere)
        return queryset


class DisputedFilter(django_filters.ChoiceFilter):
    """Whether a published source disputes a record; uses ``filter_disputed`` of the filterset."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        choices = [("yes", _("disputed")), ("no", _("undisputed"))]
        given = {"label": _("Disputes"), "choices": choices, "method": "filter_disputed"}
        super().__init__(*args, **{**given, **kwargs})


#: Cached results of look-ups of records by text.
_matching_records = VersionedMemo(1024)


class NamedRecordField(forms.CharField):
    """A public record by a code, a slug, a name or an alias, as typed."""

    def called(self, text: str) -> QuerySet[Any]:
        """Return the public records that the text names."""
        raise NotImplementedError

    def code(self, record: Any) -> str:
        """Return what to enter to mean only this record."""
        return str(record.slug)

    def clean(self, value: object) -> Any:
        """Return the record; None for an empty text. Raise ValidationError."""
        text = super().clean(value)
        if not text:
            return None
        key = (type(self), text, get_language())
        found = _matching_records.get_or_compute(key, lambda: list(self.called(text)[:5]))
        # If the text is one record's code and another's alias, the code wins.
        found = [one for one in found if self.has_code(one, text)] or found
        if len(found) == 1:
            return found[0]
        if not found:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        names = ", ".join(f"{record} ({self.code(record)})" for record in found)
        raise ValidationError(
            self.error_messages["ambiguous"], code="ambiguous", params={"names": names}
        )

    def has_code(self, record: Any, text: str) -> bool:
        """Return whether the text is a code of the record."""
        return self.code(record) == text


class CountryField(NamedRecordField):
    default_error_messages = {
        "unknown": _("No country has this name. Enter a name or a code like RUS."),
        "ambiguous": _("More than one country has this name: %(names)s. Enter a code."),
    }

    def called(self, text: str) -> QuerySet[Any]:
        return Country.objects.exact_name(text).order_by_name()

    def code(self, record: Country) -> str:
        return record.code

    def has_code(self, record: Country, text: str) -> bool:
        return text.upper() in record.codes


class AllianceField(NamedRecordField):
    default_error_messages = {
        "unknown": _("No alliance has this name. Enter a name like NATO."),
        "ambiguous": _("More than one alliance has this name: %(names)s. Enter a slug."),
    }

    def called(self, text: str) -> QuerySet[Any]:
        return Alliance.objects.published().exact_name(text).order_by("slug")


class SourceField(NamedRecordField):
    default_error_messages = {
        "unknown": _("No source has this citation key."),
    }

    def called(self, text: str) -> QuerySet[Any]:
        return Source.objects.published().filter(key=text)

    def code(self, record: Source) -> str:
        return record.key


class NamedRecordFilter(django_filters.Filter):
    """A filter by one record, which the reader names."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, max_length=MAX_VALUE_LENGTH, **kwargs)


class CountryFilter(NamedRecordFilter):
    field_class = CountryField


class AllianceFilter(NamedRecordFilter):
    field_class = AllianceField


class SourceFilter(NamedRecordFilter):
    field_class = SourceField


class DayInput(forms.DateInput):
    """The browser's own date input. It cannot show an invalid date, which is therefore left out."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")

    def format_value(self, value: object) -> str | None:
        text = super().format_value(value)
        try:
            dt.date.fromisoformat(text or "")
        except ValueError:
            return None
        return text


class DayField(forms.DateField):
    """A calendar day, as YYYY-MM-DD only."""

    widget = DayInput
    default_error_messages = {"invalid": _("Enter a valid date like 2024-06-19.")}

    def to_python(self, value: object) -> dt.date | None:
        """Return the day; None for an empty text. Raise ValidationError."""
        text = str(value or "").strip()
        if not text:
            return None
        try:
            if _ISO_DAY.fullmatch(text):
                return dt.date.fromisoformat(text)
        except ValueError:
            pass  # not in the calendar; refused below, like any other text
        raise ValidationError(self.error_messages["invalid"], code="invalid")


class DayFilter(django_filters.Filter):
    field_class = DayField


class CountField(forms.IntegerField):
    """A whole number in ASCII digits, as browsers send it."""

    def to_python(self, value: Any) -> int | None:
        if value and not (value.isascii() and value.isdecimal()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class CountFilter(django_filters.Filter):
    field_class = CountField
