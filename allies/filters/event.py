"""Filters for events."""

import datetime as dt
from typing import TYPE_CHECKING

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.aggregates import count_distinct_by
from allies.filters.base import (
    CountryFilter,
    DayFilter,
    DisputedFilter,
    FilterForm,
    PublicFilterSet,
)
from allies.models import Certainty, Country, Event, EventKind, Participation, ParticipationRole
from allies.ties.voting import VOTE_ROLES, shared_roll_calls

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet

#: How two countries voted, as choices of the filter ``votes``.
SAME_OR_DIFFERENT = [
    ("same", _("the same")),
    ("different", _("differently")),
]


class EventForm(FilterForm):
    """The form for events. A filter by how two countries voted requires two countries."""

    def clean(self) -> dict[str, object]:
        asked = super().clean() or self.cleaned_data
        if asked.get("votes") in ("same", "different"):
            one, other = asked.get("country"), asked.get("with")
            if not (one and other) and not (self.errors.keys() & {"country", "with"}):
                said = _("Choose two countries: “Country” and “Together with”.")
                self.add_error("votes", ValidationError(said, code="incomplete"))
        return asked


class DatedFilterSet(PublicFilterSet):
    """Events by their date, which may be imprecise.

    Subclasses declare the filters with ``date_filters()``.
    """

    def may_be_after(self, queryset: "EventQuerySet", name: str, value: dt.date) -> QuerySet[Model]:
        return queryset.filter(Q(date_latest__isnull=True) | Q(date_latest__gte=value))

    def may_be_before(
        self, queryset: "EventQuerySet", name: str, value: dt.date
    ) -> "EventQuerySet":
        return queryset.until(value)


def date_filters() -> tuple[DayFilter, DayFilter]:
    """Return ``date_after`` and ``date_before``; a form shows filters in declared order."""
    after = DayFilter(
        label=_("From"),
        method="may_be_after",
        help_text=_("Includes events that may have happened in this period."),
    )
    return after, DayFilter(label=_("Until"), method="may_be_before")


def filter_votes(
    queryset: "EventQuerySet", votes: str, country: Country, other: Country
) -> "EventQuerySet":
    """Keep the UN votes in which both countries voted the "same" or "different"."""
    alike = Q(vote=F("other_vote"))
    found = shared_roll_calls(country, other).filter(alike if votes == "same" else ~alike)
    return queryset.filter(pk__in=found.values("pk"))


class EventFilterSet(DatedFilterSet):
    """All events but UN votes, which have their own list."""

    first_fields = ("country", "kind")
    kind = django_filters.ChoiceFilter(
        label=_("Kind"),
        choices=[choice for choice in EventKind.choices if choice[0] != EventKind.UN_VOTE],
    )
    country = CountryFilter(label=_("Country"), method="noop")
    # The query parameter is called ``with``, which is a keyword in Python.
    vars()["with"] = CountryFilter(label=_("Together with"), method="noop")
    role = django_filters.ChoiceFilter(
        label=_("Role"),
        choices=[choice for choice in ParticipationRole.choices if choice[0] not in VOTE_ROLES],
        method="noop",
    )
    certainty = django_filters.ChoiceFilter(label=_("Certainty"), choices=Certainty.choices)
    date_after, date_before = date_filters()
    disputed = DisputedFilter()

    class Meta(PublicFilterSet.Meta):
        model = Event
        form = EventForm
        fields: list[str] = []

    def filter_queryset(self, queryset: "EventQuerySet") -> "EventQuerySet":
        """Narrow the events. If both a country and a role are given, the role is that country's."""
        asked = self.form.cleaned_data
        country, other, role = (asked.get(name) for name in ("country", "with", "role"))
        if country or role:
            queryset = queryset.with_participant(country, role)
        if other:
            queryset = queryset.with_participant(other)
        return super().filter_queryset(queryset)

    def count_role(self) -> dict[str, int]:
        """Return the number of events per role; if a country is given, per role of this country."""
        parts = Participation.objects.filter(event__in=self.queryset_with(role="").values("pk"))
        if country := self.form.cleaned_data.get("country"):
            parts = parts.filter(country=country)
        return count_distinct_by(parts, "role", "event")


class AllEventsFilterSet(EventFilterSet):
    """All events, with UN votes."""

    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=EventKind.choices)
    role = django_filters.ChoiceFilter(
        label=_("Role"), choices=ParticipationRole.choices, method="noop"
    )
    votes = django_filters.ChoiceFilter(
        label=_("How both voted"),
        choices=[("none", _("without UN votes")), *SAME_OR_DIFFERENT],
        method="noop",
    )

    def filter_queryset(self, queryset: "EventQuerySet") -> "EventQuerySet":
        asked = self.form.cleaned_data
        country, other, votes = (asked.get(name) for name in ("country", "with", "votes"))
        found = super().filter_queryset(queryset)
        if votes == "none":
            return found.except_roll_calls()
        if not votes:
            return found
        return filter_votes(found, votes, country, other) if country and other else found.none()
