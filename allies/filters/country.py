"""Filters for countries."""

from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.aggregates import GroupBy, group_by_condition
from allies.filters.base import PublicFilterSet
from allies.models import Country, Membership
from allies.models.m49 import region_choices

if TYPE_CHECKING:
    from allies.models.country import CountryQuerySet


class CountriesFilterSet(PublicFilterSet):
    """Filters for views whose rows are countries: by region and by any of their names."""

    region = django_filters.ChoiceFilter(
        label=_("Region"),
        choices=lambda: [(str(n), c) for n, c in region_choices()],
        method="filter_region",
    )

    def filter_text(self, queryset: Any, name: str, value: str) -> "CountryQuerySet":
        return queryset.name_contains(value)

    def group_region(self) -> GroupBy:
        return GroupBy((F("region"), F("subregion")), lambda *regions: set(regions))

    def filter_region(
        self, queryset: "CountryQuerySet", name: str, value: str
    ) -> "CountryQuerySet":
        return queryset.in_region(value)


class CountryFilterSet(CountriesFilterSet):
    first_fields = ("region",)
    ties = django_filters.ChoiceFilter(
        label=_("Ties"),
        choices=[("yes", _("with alliances")), ("no", _("without alliances"))],
        method="filter_ties",
    )
    existence = django_filters.ChoiceFilter(
        label=_("Existence"),
        choices=[("current", _("current")), ("historic", _("former states"))],
        method="filter_existence",
    )

    class Meta(PublicFilterSet.Meta):
        model = Country
        fields: list[str] = []

    def filter_ties(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(_has_ties() if value == "yes" else ~_has_ties())

    def group_ties(self) -> GroupBy:
        return group_by_condition(_has_ties())

    def filter_existence(
        self, queryset: "CountryQuerySet", name: str, value: str
    ) -> "CountryQuerySet":
        return queryset.current() if value == "current" else queryset.historic()

    def group_existence(self) -> GroupBy:
        return group_by_condition(Q(existed_to=""), "current", "historic")


def _has_ties() -> Exists:
    return Exists(Membership.objects.published().filter(country=OuterRef("pk")))
