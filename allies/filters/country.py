"""The filter of the countries."""

from typing import Any

import django_filters
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from allies.filters.base import ReadersFilterSet
from allies.filters.sums import Grouping, either
from allies.models import Country, Membership
from allies.models.m49 import grouped


class CountriesFilterSet(ReadersFilterSet):
    """What a view whose rows are countries may be asked: their region and any of their names."""

    region = django_filters.ChoiceFilter(
        label=_("Region"), choices=lambda: [(str(n), c) for n, c in grouped()], method="in_region"
    )

    def filter_text(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.named(value)

    def group_region(self) -> Grouping:
        return Grouping((F("region"), F("subregion")), lambda *regions: set(regions))

    def in_region(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.in_region(value)


class CountryFilterSet(CountriesFilterSet):
    first_fields = ("region",)
    ties = django_filters.ChoiceFilter(
        label=_("Ties"),
        choices=[("yes", _("with alliances")), ("no", _("without alliances"))],
        method="with_ties",
    )
    existence = django_filters.ChoiceFilter(
        label=_("Existence"),
        choices=[("current", _("current")), ("historic", _("former states"))],
        method="by_existence",
    )

    class Meta(ReadersFilterSet.Meta):
        model = Country
        fields: list[str] = []

    def with_ties(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(_has_ties() if value == "yes" else ~_has_ties())

    def group_ties(self) -> Grouping:
        return either(_has_ties())

    def by_existence(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.current() if value == "current" else queryset.historic()

    def group_existence(self) -> Grouping:
        return either(Q(existed_to=""), "current", "historic")


def _has_ties() -> Exists:
    return Exists(Membership.objects.published().filter(country=OuterRef("pk")))
