"""The filter of the alliances."""

import datetime as dt
from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from allies.filters.base import CountryFilter, DayFilter, DisputedFilter, ReadersFilterSet
from allies.models import Alliance, AllianceKind, Country


class AllianceFilterSet(ReadersFilterSet):
    first_fields = ("kind", "country", "on")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=AllianceKind.choices)
    country = CountryFilter(label=_("Country"), method="with_member")
    on = DayFilter(
        label=_("In force on"),
        method="in_force",
        help_text=_("Includes alliances whose end is not recorded."),
    )
    disputed = DisputedFilter()

    class Meta(ReadersFilterSet.Meta):
        model = Alliance
        fields: list[str] = []

    def with_member(self, queryset: Any, name: str, value: Country) -> Any:
        return queryset.with_member(value)

    def in_force(self, queryset: Any, name: str, value: dt.date) -> Any:
        return queryset.in_force(value)
