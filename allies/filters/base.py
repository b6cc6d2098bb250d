"""What all filters share: they say what they do not understand instead of passing over it."""

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from allies.folding import fold
from allies.models import Country

#: Parameters that links collect on their way and that mean nothing here.
_TRACKING = ("utm_", "fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid", "igshid")

#: Longest text one may search for, in characters: databases refuse patterns without an end.
LONGEST = 200


class ReadersForm(forms.Form):
    """The form of a filter: plain fields, complete without a script."""

    use_required_attribute = False


class ReadersFilterSet(django_filters.FilterSet):
    """A filter readers use in the address: ``?kind=visit&date_after=2024-01-01``."""

    q = django_filters.CharFilter(
        label=_("Search"),
        method="filter_text",
        max_length=LONGEST,
        widget=forms.TextInput(attrs={"type": "search"}),
    )

    class Meta:
        form = ReadersForm

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(data if data is not None else {}, *args, **kwargs)

    @property
    def unknown(self) -> list[str]:
        """The names of parameters that are no filter of this view."""
        return [
            name
            for name in self.data
            if name not in self.filters and not name.startswith(_TRACKING)
        ]

    @property
    def applied(self) -> dict[str, str]:
        """The filters in use, as in the address."""
        return {name: self.data[name] for name in self.filters if self.data.get(name)}

    def as_it_is(self, queryset: Any, name: str, value: Any) -> Any:
        """Leave the rows alone: a ``filter_queryset`` of one's own asks for this filter."""
        return queryset

    def filter_text(self, queryset: Any, name: str, value: str) -> Any:
        """Keep records whose folded texts hold every word."""
        for word in fold(value).split():
            queryset = queryset.filter(folded__contains=word)
        return queryset


class CountryField(forms.CharField):
    """A country by code, slug, name or alias, as one types it."""

    default_error_messages = {
        "unknown": _("No country is called that. A name or a code like RUS is accepted."),
        "ambiguous": _("More than one country is called that: %(names)s. Write one’s code."),
    }

    def clean(self, value: Any) -> Any:
        """Return the Country, or None for an empty text."""
        text = super().clean(value)
        if not text:
            return None
        found = list(Country.objects.called(text).by_name()[:5])
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, max_length=LONGEST, **kwargs)


class DayFilter(django_filters.DateFilter):
    """A calendar day, as YYYY-MM-DD and in no other way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("input_formats", ["%Y-%m-%d"])
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        kwargs.setdefault(
            "error_messages", {"invalid": _("Write an existing day like 2024-06-19.")}
        )
        super().__init__(*args, **kwargs)
