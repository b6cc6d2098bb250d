"""The filter of the events."""

import datetime as dt
from typing import TYPE_CHECKING

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.base import (
    CountryFilter,
    DayFilter,
    DisputedFilter,
    ReadersFilterSet,
    ReadersForm,
)
from allies.filters.sums import Grouping, counted_once_each, counted_once_each_of_most
from allies.models import (
    Certainty,
    Country,
    Event,
    EventKind,
    Participation,
    ParticipationRole,
    roll_calls_of_both,
)

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet


class EventForm(ReadersForm):
    """The form of the events: how two countries voted needs two countries."""

    def clean(self) -> dict[str, object]:
        asked = super().clean() or self.cleaned_data
        if asked.get("votes") in ("same", "different"):
            one, other = asked.get("country"), asked.get("with")
            if not (one and other) and not (self.errors.keys() & {"country", "with"}):
                said = _("Choose two countries: “Country” and “Together with”.")
                self.add_error("votes", ValidationError(said, code="incomplete"))
        return asked


class DatedFilterSet(ReadersFilterSet):
    """Events by their date, which may be imprecise; the filters themselves are ``dates()``."""

    def may_be_after(self, queryset: "EventQuerySet", name: str, value: dt.date) -> QuerySet[Model]:
        return queryset.filter(Q(date_latest__isnull=True) | Q(date_latest__gte=value))

    def may_be_before(
        self, queryset: "EventQuerySet", name: str, value: dt.date
    ) -> "EventQuerySet":
        return queryset.until(value)


def dates() -> tuple[DayFilter, DayFilter]:
    """Return ``date_after`` and ``date_before``; a filter stands where its set declares it."""
    after = DayFilter(
        label=_("From"),
        method="may_be_after",
        help_text=_("Includes events that may have happened in this period."),
    )
    return after, DayFilter(label=_("Until"), method="may_be_before")


class EventFilterSet(DatedFilterSet):
    first_fields = ("country", "kind")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=EventKind.choices)
    country = CountryFilter(label=_("Country"), method="as_it_is")
    # In an address it is called ``with``, a word Python keeps for itself.
    vars()["with"] = CountryFilter(label=_("Together with"), method="as_it_is")
    role = django_filters.ChoiceFilter(
        label=_("Role"), choices=ParticipationRole.choices, method="as_it_is"
    )
    votes = django_filters.ChoiceFilter(
        label=_("UN votes"),
        choices=[
            ("none", _("without UN votes")),
            ("same", _("both voted the same")),
            ("different", _("they voted differently")),
        ],
        method="as_it_is",
    )
    certainty = django_filters.ChoiceFilter(label=_("Certainty"), choices=Certainty.choices)
    date_after, date_before = dates()
    disputed = DisputedFilter()

    class Meta(ReadersFilterSet.Meta):
        model = Event
        form = EventForm
        fields: list[str] = []

    def filter_queryset(self, queryset: "EventQuerySet") -> "EventQuerySet":
        """Narrow the events; a role, where a country is given too, is that country's."""
        asked = self.form.cleaned_data
        country, other, role = (asked.get(name) for name in ("country", "with", "role"))
        if country or role:
            queryset = queryset.with_part(country, role)
        if other:
            queryset = queryset.with_part(other)
        return self._by_votes(super().filter_queryset(queryset), asked.get("votes"), country, other)

    def count_role(self) -> dict[str, int]:
        """Return in how many events each role was played, by the country asked for if one is."""
        events = self.narrowed(role="").values("pk")
        if not self.applied.keys() - {"role"}:
            return counted_once_each_of_most(Participation, "role", "event", events)
        parts = Participation.objects.filter(event__in=events)
        if country := self.form.cleaned_data.get("country"):
            parts = parts.filter(country=country)
        return counted_once_each(parts, "role", "event")

    def group_votes(self) -> Grouping | None:
        asked = self.form.cleaned_data
        if asked.get("country") and asked.get("with"):
            return None  # how both voted is no value of an event
        return Grouping((F("kind"),), lambda kind: () if kind == EventKind.UN_VOTE else ("none",))

    def _by_votes(
        self,
        queryset: "EventQuerySet",
        votes: str | None,
        country: Country | None,
        other: Country | None,
    ) -> "EventQuerySet":
        if votes == "none":
            return queryset.exclude(kind=EventKind.UN_VOTE)
        if not votes:
            return queryset
        if not (country and other):
            return queryset.none()
        roll_calls, alike = roll_calls_of_both(country, other), Q(vote=F("other_vote"))
        found = roll_calls.filter(alike if votes == "same" else ~alike)
        return queryset.filter(pk__in=found.values("pk"))


class RollCallFilterSet(DatedFilterSet):
    """The UN votes in which two countries took part, by their title and date."""

    date_after, date_before = dates()

    class Meta(ReadersFilterSet.Meta):
        model = Event
        fields: list[str] = []
