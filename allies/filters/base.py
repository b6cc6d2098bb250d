"""What all filters share: they say what they do not understand instead of passing over it."""

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
from allies.models import Country
from allies.page_cache.memo import VersionedMemo
from allies.text.normalize import normalize_text
from allies.text.urls import is_tracking

#: Longest text one may search for, in characters: databases refuse patterns without an end.
MAX_VALUE_LENGTH = 200


_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def unknown_parameter_names(names: Iterable[str], understood: Collection[str]) -> list[str]:
    """Return the names of parameters that a page does not understand, in their order.

    What links collect on their way means nothing here, and is passed over.
    """
    return [name for name in names if name not in understood and not is_tracking(name)]


def _strip_values(data: Mapping[str, object]) -> dict[str, object]:
    """Return the last value of each parameter without the room around it."""
    return {name: text.strip() if isinstance(text, str) else text for name, text in data.items()}


class FilterForm(forms.Form):
    """The form of a filter: plain fields, complete without a script."""

    use_required_attribute = False


class PublicFilterSet(django_filters.FilterSet):
    """A filter readers use in the address: ``?kind=visit&date_after=2024-01-01``."""

    #: The folded texts that are searched, as paths from the record.
    search_fields: tuple[str, ...] = ("folded",)

    q = django_filters.CharFilter(
        label=_("Search"),
        method="filter_text",
        max_length=MAX_VALUE_LENGTH,
        widget=forms.TextInput(attrs={"type": "search"}),
    )

    #: Fields the form shows at once, beside the search; the others are folded away.
    first_fields: tuple[str, ...] = ()

    class Meta:
        form = FilterForm

    def __init__(
        self, data: Mapping[str, object] | None = None, *args: object, **kwargs: object
    ) -> None:
        super().__init__(_strip_values(data or {}), *args, **kwargs)

    @property
    def unknown_parameters(self) -> list[str]:
        """The names of parameters that are no filter of this view."""
        return unknown_parameter_names(self.data, self.filters)

    @property
    def applied_values(self) -> dict[str, str]:
        """The filters in use, as in the address."""
        asked = {name: str(self.data.get(name) or "") for name in self.filters}
        return {name: text for name, text in asked.items() if text}

    @property
    def primary_fields(self) -> list[forms.BoundField]:
        """The fields of the form that are shown at once."""
        shown = ("q", *self.first_fields)
        return [field for field in self.form.visible_fields() if field.name in shown]

    @property
    def extra_fields(self) -> list[forms.BoundField]:
        """The fields that are folded away until one asks for them."""
        shown = ("q", *self.first_fields)
        return [field for field in self.form.visible_fields() if field.name not in shown]

    @property
    def is_extra_open(self) -> bool:
        """Whether one of the folded fields is in use, or has something to say."""
        return any(field.name in self.applied_values or field.errors for field in self.extra_fields)

    @classmethod
    def bound_field_with(cls, name: str, text: str) -> forms.BoundField:
        """Return a field of the form with this text in it, and nothing said of that."""
        form = type("Form", (cls.Meta.form,), {name: deepcopy(cls.base_filters[name]).field})
        return form(initial={name: text})[name]

    def queryset_with(self, **instead: object) -> QuerySet[Model]:
        """Return the rows of a valid filter, some of it asked otherwise: ``narrowed(kind="")``."""
        asked = self.form.cleaned_data
        self.form.cleaned_data = {**asked, **instead}
        try:
            return self.filter_queryset(self.queryset.all())
        finally:
            self.form.cleaned_data = asked

    def grouping(self, name: str) -> GroupBy | None:
        """Return by which values of a row its choices are counted; None where they are not.

        A column's filter is by its column; for another one, a method ``group_<name>`` says it.
        """
        group: Callable[[], GroupBy | None] | None = getattr(self, f"group_{name}", None)
        if group is not None:
            return group()
        asks = self.filters[name]
        return GroupBy((F(asks.field_name),)) if asks.method is None else None

    def noop(self, queryset: QuerySet[Model], name: str, value: object) -> QuerySet[Model]:
        """Leave the rows alone: a ``filter_queryset`` of one's own asks for this filter."""
        return queryset

    def filter_disputed(self, queryset: Any, name: str, value: str) -> QuerySet[Model]:
        return queryset.disputed(value == "yes")

    def group_disputed(self) -> GroupBy:
        return group_by_condition(self.queryset.is_disputed())

    def filter_text(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        """Keep records of which each word stands in one of the texts that are searched.

        Signs alone are no word, and stand nowhere.
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
    """Whether a published source disputes a record; ``filter_disputed`` of the filterset asks for
    it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        choices = [("yes", _("disputed")), ("no", _("undisputed"))]
        given = {"label": _("Disputes"), "choices": choices, "method": "filter_disputed"}
        super().__init__(*args, **{**given, **kwargs})


#: The countries that texts are names of.
_matching_countries = VersionedMemo(1024)


class CountryField(forms.CharField):
    """A country by code, slug, name or alias, as one types it."""

    default_error_messages = {
        "unknown": _("No country has this name. Enter a name or a code like RUS."),
        "ambiguous": _("More than one country has this name: %(names)s. Enter a code."),
    }

    def clean(self, value: object) -> Country | None:
        """Return the Country, or None for an empty text."""
        text = super().clean(value)
        if not text:
            return None
        called = Country.objects.exact_name(text).order_by_name()[:5]
        found = _matching_countries.get_or_compute((text, get_language()), lambda: list(called))
        # What is one country's code may be another's alias; codes mean one.
        found = [one for one in found if text.upper() in one.codes] or found
        if len(found) == 1:
            return found[0]
        if not found:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        raise ValidationError(
            self.error_messages["ambiguous"],
            code="ambiguous",
            params={"names": ", ".join(f"{country} ({country.code})" for country in found)},
        )


class CountryFilter(django_filters.Filter):
    field_class = CountryField

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, max_length=MAX_VALUE_LENGTH, **kwargs)


class DayInput(forms.DateInput):
    """A date as browsers ask for it; what is no day cannot stand in one, and is left out."""

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
    """A calendar day, as YYYY-MM-DD and in no other way."""

    widget = DayInput
    default_error_messages = {"invalid": _("Enter a valid date like 2024-06-19.")}

    def to_python(self, value: object) -> dt.date | None:
        """Return the day, None for an empty text; raise ValidationError."""
        text = str(value or "").strip()
        if not text:
            return None
        try:
            if _ISO_DAY.fullmatch(text):
                return dt.date.fromisoformat(text)
        except ValueError:
            pass  # no such day: refused below, as what is no day at all
        raise ValidationError(self.error_messages["invalid"], code="invalid")


class DayFilter(django_filters.Filter):
    field_class = DayField
