"""The filter of the ally lists."""

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from allies.filters.base import CountryFilter, ReadersFilterSet
from allies.models import AllyList, Country


class AllyListFilterSet(ReadersFilterSet):
    country = CountryFilter(label=_("Allies of"), method="by_focus")
    origin = django_filters.ChoiceFilter(
        label=_("Made by"),
        choices=[("ours", _("this site")), ("recorded", _("others"))],
        method="by_origin",
    )

    class Meta(ReadersFilterSet.Meta):
        model = AllyList
        fields: list[str] = []

    def by_focus(self, queryset: Any, name: str, value: Country) -> Any:
        return queryset.filter(focus=value)

    def by_origin(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(recorded_from__isnull=value == "ours")
