"""Filters for a country's allies."""

import datetime as dt
from collections.abc import Mapping
from functools import cached_property

import django_filters
from django.db.models import Count, F, Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.filters.aggregates import GroupBy, group_by_condition
from allies.filters.base import CountFilter, DayFilter, DisputedFilter, PublicFilterSet
from allies.filters.country import CountriesFilterSet
from allies.models import CURRENT_STANDINGS, AllianceKind, Country
from allies.ties.allies_on_day import Ties


class TiesFilterSet(CountriesFilterSet):
    """Countries by their ties to ``focus``, of one kind or of any."""

    kind = django_filters.ChoiceFilter(
        label=_("Kind of tie"), choices=AllianceKind.choices, method="noop"
    )

    class Meta(PublicFilterSet.Meta):
        model = Country
        fields: list[str] = []

    def __init__(self, data: Mapping[str, object], *, focus: Country) -> None:
        self.focus = focus
        super().__init__(data, queryset=Country.objects.none())

    @property
    def requested_kind(self) -> str:
        """The requested kind of tie; "" for any."""
        return self.form.cleaned_data.get("kind") or ""


class AllyFilterSet(TiesFilterSet):
    """The allies of ``focus``; ``on`` and ``kind`` say which ties count."""

    first_fields = ("kind", "on")

    on = DayFilter(
        label=_("Date"),
        method="noop",
        help_text=_("Ties that are not confirmed on this date follow after the others."),
    )
    standing = django_filters.ChoiceFilter(
        label=_("Standing"),
        choices=[(standing.value, standing.label) for standing in CURRENT_STANDINGS],
        method="filter_standing",
    )
    disputed = DisputedFilter()
    min_sources = CountFilter(
        label=_("Minimum number of sources"),
        field_name="independent_sources",
        lookup_expr="gte",
        min_value=0,
        max_value=1_000_000,
    )

    @property
    def day(self) -> dt.date:
        """The requested day; today by default."""
        return self.form.cleaned_data.get("on") or timezone.localdate()

    @property
    def ties(self) -> Ties:
        """The ties on that day, of the requested kind."""
        return self._ties.of_kind(self.requested_kind)

    @cached_property
    def _ties(self) -> Ties:
        return Ties(self.focus, self.day)

    def filter_standing(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(standing=value)

    def count_kind(self) -> dict[str, int] | None:
        """Return the number of allies per kind of tie.

        Return None if the allies are also filtered by sources, disputes or standing. These are
        computed from the ties of the requested kind, so that they differ between kinds.
        """
        asked = self.form.cleaned_data
        if asked.get("standing") or asked.get("disputed") or asked.get("min_sources"):
            return None
        ties = self._ties.shared_memberships().filter(
            country__in=self.queryset_with(kind="").values("pk")
        )
        by_kind = ties.order_by().values_list("alliance__kind")
        return dict(by_kind.annotate(n=Count("country", distinct=True)))

    def group_standing(self) -> GroupBy:
        return GroupBy((F("standing"),))

    def filter_disputed(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(disputes__gt=0) if value == "yes" else queryset.filter(disputes=0)

    def group_disputed(self) -> GroupBy:
        return group_by_condition(Q(disputes__gt=0))

    def filter_queryset(self, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Return the allies on that day, narrowed by the other filters."""
        return super().filter_queryset(self.ties.allies())
