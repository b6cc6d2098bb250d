"""Filters for alliances."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import django_filters
from django.utils.translation import gettext_lazy as _

from allies.filters.base import CountryFilter, DayFilter, DisputedFilter, PublicFilterSet
from allies.models import Alliance, AllianceKind, Country

if TYPE_CHECKING:
    from allies.models.alliance import AllianceQuerySet


class AllianceFilterSet(PublicFilterSet):
    first_fields = ("kind", "country", "on")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=AllianceKind.choices)
    country = CountryFilter(label=_("Country"), method="with_member")
    on = DayFilter(
        label=_("In force on"),
        method="in_force",
        help_text=_("Includes alliances whose end is not recorded."),
    )
    disputed = DisputedFilter()

    class Meta(PublicFilterSet.Meta):
        model = Alliance
        fields: list[str] = []

    def filter_text(self, queryset: Any, name: str, value: str) -> "AllianceQuerySet":
        return queryset.name_contains(value)

    def with_member(
        self, queryset: "AllianceQuerySet", name: str, value: Country
    ) -> "AllianceQuerySet":
        return queryset.with_member(value)

    def in_force(
        self, queryset: "AllianceQuerySet", name: str, value: dt.date
    ) -> "AllianceQuerySet":
        return queryset.in_force(value)
