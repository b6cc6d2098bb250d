"""The filter of the countries."""

from collections import Counter
from typing import Any

import django_filters
from django.db.models import Count, Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from allies.filters.base import ReadersFilterSet
from allies.models import Country, Membership
from allies.models.m49 import grouped


class CountriesFilterSet(ReadersFilterSet):
    """What a view whose rows are countries may be asked: their region and any of their names."""

    region = django_filters.ChoiceFilter(
        label=_("Region"), choices=lambda: [(str(n), c) for n, c in grouped()], method="in_region"
    )

    def filter_text(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.named(value)

    def count_region(self) -> dict[str, int]:
        """Return how many countries each region and each sub-region has; one query."""
        counts: Counter[str] = Counter()
        rows = self.narrowed(region="").order_by().values("region", "subregion")
        for row in rows.annotate(n=Count("pk")):
            counts.update(dict.fromkeys({row["region"], row["subregion"]}, row["n"]))
        return counts

    def in_region(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.in_region(value)


class CountryFilterSet(CountriesFilterSet):
    first_fields = ("region",)
    ties = django_filters.ChoiceFilter(
        label=_("Ties"),
        choices=[("yes", _("with published ties")), ("no", _("without published ties"))],
        method="with_ties",
    )
    existence = django_filters.ChoiceFilter(
        label=_("Existence"),
        choices=[("current", _("of today")), ("historic", _("historic"))],
        method="by_existence",
    )

    class Meta(ReadersFilterSet.Meta):
        model = Country
        fields: list[str] = []

    def with_ties(self, queryset: Any, name: str, value: str) -> Any:
        has_ties = Exists(Membership.objects.published().filter(country=OuterRef("pk")))
        return queryset.filter(has_ties if value == "yes" else ~has_ties)

    def by_existence(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.current() if value == "current" else queryset.historic()
