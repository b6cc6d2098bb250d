"""Filters for disagreements between sources about memberships."""

from typing import TYPE_CHECKING

import django_filters
from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.evidence.disagreements import Difference
from allies.filters.aggregates import GroupBy
from allies.filters.base import AllianceFilter, CountryFilter, PublicFilterSet, SourceFilter
from allies.models import Alliance, Citation, Country

if TYPE_CHECKING:
    from allies.models.citation import CitationQuerySet

#: Kind of difference → the condition that a row of ``disagreements`` has.
_CONDITIONS = {
    Difference.JOINED: "joined_differs",
    Difference.LEFT: "left_differs",
    Difference.ONLY_IN_ONE: "only_in_one",
}


class DisagreementFilterSet(PublicFilterSet):
    """Disagreements by alliance, member, source and kind of difference."""

    first_fields = ("alliance", "country", "difference")
    alliance = AllianceFilter(label=_("Alliance"), field_name="membership__alliance")
    country = CountryFilter(label=_("Country"), field_name="membership__country")
    source = SourceFilter(label=_("Source"), field_name="source")
    difference = django_filters.ChoiceFilter(
        label=_("Difference"), choices=Difference.choices, method="filter_difference"
    )

    class Meta(PublicFilterSet.Meta):
        model = Citation
        fields: list[str] = []

    def filter_text(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(
            Q(membership__alliance__in=Alliance.objects.name_contains(value))
            | Q(membership__country__in=Country.objects.name_contains(value))
        )

    def filter_difference(
        self, queryset: "CitationQuerySet", name: str, value: str
    ) -> "CitationQuerySet":
        return queryset.filter(**{_CONDITIONS[Difference(value)]: True})

    def group_difference(self) -> GroupBy:
        """Group by all conditions at once, because a source may differ in several ways."""

        def kinds(*conditions: object) -> list[str]:
            pairs = zip(_CONDITIONS, conditions, strict=True)
            return [kind.value for kind, is_met in pairs if is_met]

        return GroupBy(tuple(F(name) for name in _CONDITIONS.values()), kinds)
