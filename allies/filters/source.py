"""Filters for sources."""

import datetime as dt

import django_filters
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.aggregates import GroupBy, group_by_condition
from allies.filters.base import DayFilter, PublicFilterSet
from allies.models import Source, SourceKind


class SourceFilterSet(PublicFilterSet):
    first_fields = ("kind",)
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=SourceKind.choices)
    derivation = django_filters.ChoiceFilter(
        label=_("Based on"),
        choices=[("original", _("original")), ("derived", _("based on another source"))],
        method="filter_derivation",
    )
    date_after = DayFilter(
        label=_("Published from"),
        method="may_be_after",
        help_text=_("Leaves out sources without a date."),
    )
    date_before = DayFilter(label=_("Published until"), method="may_be_before")

    class Meta(PublicFilterSet.Meta):
        model = Source
        fields: list[str] = []

    def filter_derivation(
        self, queryset: QuerySet[Model], name: str, value: str
    ) -> QuerySet[Model]:
        return queryset.filter(_is_derived() if value == "derived" else ~_is_derived())

    def group_derivation(self) -> GroupBy:
        return group_by_condition(_is_derived(), "derived", "original")

    def may_be_after(self, queryset: QuerySet[Model], name: str, value: dt.date) -> QuerySet[Model]:
        return queryset.filter(date_published_latest__gte=value)

    def may_be_before(
        self, queryset: QuerySet[Model], name: str, value: dt.date
    ) -> QuerySet[Model]:
        return queryset.filter(date_published_earliest__lte=value)


def _is_derived() -> Q:
    return Q(derived_from__in=Source.objects.published())
