"""The filter of the events."""

import datetime as dt
from typing import Any

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from allies.filters.base import CountryFilter, DayFilter, ReadersFilterSet
from allies.models import Certainty, Event, EventKind, Participation, ParticipationRole


class EventFilterSet(ReadersFilterSet):
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=EventKind.choices)
    country = CountryFilter(label=_("Country"), method="as_it_is")
    role = django_filters.ChoiceFilter(
        label=_("Role"), choices=ParticipationRole.choices, method="as_it_is"
    )
    certainty = django_filters.ChoiceFilter(label=_("Certainty"), choices=Certainty.choices)
    date_after = DayFilter(
        label=_("From"),
        method="may_be_after",
        help_text=_("An event counts when it may have happened on such a day."),
    )
    date_before = DayFilter(label=_("Until"), method="may_be_before")

    class Meta(ReadersFilterSet.Meta):
        model = Event
        fields: list[str] = []

    def filter_queryset(self, queryset: Any) -> Any:
        """Narrow the events; a role, where a country is given too, is that country's."""
        asked = self.form.cleaned_data
        part = {name: asked[name] for name in ("country", "role") if asked.get(name)}
        if part:
            queryset = queryset.filter(pk__in=Participation.objects.filter(**part).values("event"))
        return super().filter_queryset(queryset)

    def may_be_after(self, queryset: Any, name: str, value: dt.date) -> Any:
        return queryset.filter(Q(date_latest__isnull=True) | Q(date_latest__gte=value))

    def may_be_before(self, queryset: Any, name: str, value: dt.date) -> Any:
        return queryset.filter(Q(date_earliest__isnull=True) | Q(date_earliest__lte=value))
