"""Filters for ally lists."""

import django_filters
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.aggregates import GroupBy, group_by_condition
from allies.filters.base import CountryFilter, PublicFilterSet
from allies.models import AllyList, Country, Entry, Source


class AllyListFilterSet(PublicFilterSet):
    first_fields = ("country", "origin")
    country = CountryFilter(label=_("Allies of"), method="filter_focus")
    origin = django_filters.ChoiceFilter(
        label=_("Origin"),
        choices=[("ours", _("Our lists")), ("recorded", _("Published elsewhere"))],
        method="filter_origin",
    )

    class Meta(PublicFilterSet.Meta):
        model = AllyList
        fields: list[str] = []

    def filter_focus(self, queryset: QuerySet[Model], name: str, value: Country) -> QuerySet[Model]:
        return queryset.filter(focus=value)

    def filter_origin(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(_is_recorded() if value == "recorded" else ~_is_recorded())

    def group_origin(self) -> GroupBy:
        return group_by_condition(_is_recorded(), "recorded", "ours")


def _is_recorded() -> Q:
    return Q(recorded_from__in=Source.objects.published())


class EntryFilterSet(PublicFilterSet):
    """The entries of one list, by country name."""

    class Meta(PublicFilterSet.Meta):
        model = Entry
        fields: list[str] = []

    def filter_text(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(country__in=Country.objects.name_contains(value))
