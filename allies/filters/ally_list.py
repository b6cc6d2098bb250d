"""The filter of the ally lists."""

import django_filters
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.base import CountryFilter, ReadersFilterSet
from allies.filters.sums import Grouping, either
from allies.models import AllyList, Country, Entry, Source


class AllyListFilterSet(ReadersFilterSet):
    first_fields = ("country", "origin")
    country = CountryFilter(label=_("Allies of"), method="by_focus")
    origin = django_filters.ChoiceFilter(
        label=_("Origin"),
        choices=[("ours", _("Our lists")), ("recorded", _("Published elsewhere"))],
        method="by_origin",
    )

    class Meta(ReadersFilterSet.Meta):
        model = AllyList
        fields: list[str] = []

    def by_focus(self, queryset: QuerySet[Model], name: str, value: Country) -> QuerySet[Model]:
        return queryset.filter(focus=value)

    def by_origin(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(_is_recorded() if value == "recorded" else ~_is_recorded())

    def group_origin(self) -> Grouping:
        return either(_is_recorded(), "recorded", "ours")


def _is_recorded() -> Q:
    return Q(recorded_from__in=Source.objects.published())


class EntryFilterSet(ReadersFilterSet):
    """The entries of one list, by the country's name."""

    class Meta(ReadersFilterSet.Meta):
        model = Entry
        fields: list[str] = []

    def filter_text(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(country__in=Country.objects.named(value))
