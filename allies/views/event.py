"""Public pages of events: list, counts by year and detail."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import Case, IntegerField, Prefetch, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.citations.footnotes import citation_notes, localized_texts
from allies.evidence.grouping import with_citations
from allies.filters import AllEventsFilterSet, EventFilterSet, PublicFilterSet
from allies.filters.aggregates import Aggregates, GroupBy
from allies.models import (
    EVENT_YEARS,
    Alliance,
    Country,
    Event,
    EventKind,
    Participation,
    ParticipationRole,
    YearlyCounts,
)
from allies.models.country import country_order
from allies.page_cache.memo import while_unchanged
from allies.ties.voting import VOTE_ROLES, RoleCounts
from allies.views.charts import EventChart, build_events_chart
from allies.views.detail import RecordDetailView
from allies.views.download_columns import (
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)
from allies.views.download_mixin import CHUNK_ROWS
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet, ParticipationQuerySet


def parts_in_order(parts: "ParticipationQuerySet") -> Any:
    """Sort participations by role, in the order of ParticipationRole, then by country name."""
    by_role = Case(
        *(When(role=role, then=Value(n)) for n, role in enumerate(ParticipationRole)),
        output_field=IntegerField(),
    )
    return parts.order_by(by_role, country_order("country__"), "pk")


def _with_parts(events: "EventQuerySet") -> QuerySet[Event]:
    """Prefetch the participations as ``shown_participations``, and the published alliance."""
    parts = parts_in_order(Participation.objects.select_related("country"))
    alliances = Alliance.objects.published()
    return events.prefetch_related(
        Prefetch("participations", parts, to_attr="shown_participations"),
        Prefetch("alliance", alliances),
    )


EVENT = DownloadColumn("event", lambda event: event.slug, _("event"), _("The event’s slug."))
PARTICIPATIONS = DownloadColumn(
    "participations",
    lambda event: event.shown_codes,
    _("participations"),
    _("Country codes and roles, like RUS:host CHN:visitor."),
    many=True,
)

#: Values of ``role`` and ``votes`` that only UN votes have.
_OF_VOTES = {*VOTE_ROLES, "same", "different"}


class MovedVotesMixin:
    """Redirect requests for UN votes to their own list: ``?kind=un-vote``, ``?votes=different``.

    UN votes were in the list of events before they had their own.
    """

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        asked = request.GET.copy()
        kind, votes, role = (asked.get(name, "") for name in ("kind", "votes", "role"))
        about_votes = kind == EventKind.UN_VOTE or (not kind and {votes, role} & _OF_VOTES)
        if not (about_votes or votes == "none"):
            return super().get(request, *args, **kwargs)  # type: ignore[misc]
        for name in ("kind", "page") if about_votes else ("votes",):
            asked.pop(name, None)
        match = request.resolver_match
        assert match is not None  # a dispatched request was resolved
        name = match.view_name.replace(":event-", ":vote-") if about_votes else match.view_name
        address, query = reverse(name), asked.urlencode()
        return redirect(f"{address}?{query}" if query else address, permanent=True)


@cache
def _public() -> "EventQuerySet":
    """Return a queryset of the published events with their evidence.

    Cached, because building it takes Django as long as running it. Callers must only filter it:
    evaluating it would cache its results.
    """
    return Event.objects.published().with_evidence()


class AllEventsListing(Listing):
    """All events, with UN votes, for the API and as a base of the other lists of events."""

    filterset_class: type[PublicFilterSet] = AllEventsFilterSet
    dated = ("date_earliest", "date_latest")
    columns: tuple[DownloadColumn, ...] = (
        EVENT,
        *model_columns(Event, "identifier", "kind", "certainty", "title_en", "title_ind", "date"),
        *model_columns(Event, "place_en", "place_ind", "attributed_to_en", "attributed_to_ind"),
        DownloadColumn(
            "alliance",
            lambda event: event.alliance.slug if event.alliance else "",
            _("alliance"),
            _("The alliance’s slug."),
        ),
        PARTICIPATIONS,
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def queryset(self) -> "EventQuerySet":
        return _public().newest_first()

    def rows(self, queryset: Any) -> Iterator[Any]:
        """Yield the events with ``shown_codes`` and ``role_counts``.

        Participations are read as tuples, not as objects, because there may be millions.
        """
        events = queryset.prefetch_related(Prefetch("alliance", Alliance.objects.published()))
        # Built before streaming begins: the order depends on the language active now.
        parts = parts_in_order(Participation.objects.all())
        return _with_codes(events.iterator(chunk_size=CHUNK_ROWS), parts)


class DatedPage(AllEventsListing):
    """A page of events with a chart by year; a subclass names the kind of its events."""

    #: Which chart, and which lists its bars link to.
    chart: EventChart

    def filterset(self) -> PublicFilterSet:
        self.asked = super().filterset()
        return self.asked

    def context(self) -> dict[str, object]:
        """Return the chart of events by year, which only the first page shows."""
        if "years" not in self.sums.counts or self.request.GET.get("page", "1") != "1":
            return {}
        by_year = YearlyCounts.of(self.sums.counts["years"])
        return {"by_year": build_events_chart(by_year, self.asked.applied_values, self.chart)}

    def aggregates(self, filterset: PublicFilterSet) -> Aggregates:
        """Return the aggregates, cached for all pages and languages: they may count all votes."""
        asked = (self.chart.name, *filterset.applied_values.items())
        return while_unchanged(asked, lambda: super(DatedPage, self).aggregates(filterset))

    def group_by(self) -> Mapping[str, GroupBy]:
        return {"years": GroupBy(EVENT_YEARS, lambda *years: (years,))}

    def shown_events(self, queryset: QuerySet[Event], *fields: str) -> list[Event]:
        """Return the events of a page; evidence is counted for their ids only."""
        found = list(queryset.values_list("pk", flat=True))
        events = _public().only(*fields).in_bulk(found)
        return [events[pk] for pk in found if pk in events]


class EventListing(MovedVotesMixin, DatedPage):
    """All events but UN votes."""

    filterset_class = EventFilterSet
    template_name = "allies/event/list.html"
    withdrawn_condition = ~Q(kind=EventKind.UN_VOTE)
    chart = EventChart.EVENTS

    def queryset(self) -> "EventQuerySet":
        return super().queryset().except_roll_calls()

    def page_rows(self, queryset: QuerySet[Event]) -> list[Event]:
        shown = ("slug", "title_en", "title_ind", "date", "kind", "certainty")
        return self.shown_events(queryset, *shown)


class AllEventYears(Listing):
    """Number of events per year in a filtered view, for download; with UN votes."""

    is_withholding = False  # counts pass on no rows

    filterset_class: type[PublicFilterSet] = AllEventsFilterSet
    columns = (
        DownloadColumn(
            "year",
            lambda row: row[0],
            _("year"),
            _("The year; years without events are included."),
            "integer",
        ),
        DownloadColumn(
            "events",
            lambda row: row[1],
            _("events"),
            _("Events that definitely happened in this year."),
            "integer",
        ),
    )

    def queryset(self) -> "EventQuerySet":
        return Event.objects.published()

    def rows(self, queryset: Any) -> list[tuple[int, int]]:
        return queryset.by_year().total

    def title(self) -> Any:
        return _("Events by year")

    def total_count(self) -> int:
        return len(self.rows(self.queryset()))


class EventYears(MovedVotesMixin, AllEventYears):
    """Number of events per year, without UN votes."""

    filterset_class = EventFilterSet

    def queryset(self) -> "EventQuerySet":
        return super().queryset().except_roll_calls()


def _with_codes(events: Iterator[Any], parts: QuerySet[Participation]) -> Iterator[Any]:
    """Yield the events with ``shown_codes``, like RUS:host, and ``role_counts``.

    One query per CHUNK_ROWS events.
    """
    codes = {country.pk: country.code for country in Country.objects.all()}
    while chunk := list(islice(events, CHUNK_ROWS)):
        shown: dict[int, list[str]] = {event.pk: [] for event in chunk}
        counts = {event.pk: RoleCounts() for event in chunk}
        found = parts.filter(event__in=shown).values_list("event_id", "country_id", "role")
        for event, country, role in found:
            shown[event].append(f"{codes[country]}:{role}")
            counts[event][role] += 1
        for event in chunk:
            event.shown_codes, event.role_counts = shown[event.pk], counts[event.pk]
            yield event


class EventDetailView(RecordDetailView):
    template_name = "allies/event/detail.html"
    context_object_name = "event"

    def get_queryset(self) -> QuerySet[Event]:
        return _with_parts(with_citations(self.base_queryset(Event)))

    def cited_texts(self) -> Iterable[str]:
        yield from localized_texts([self.object], "summary")
        yield from citation_notes([self.object])

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        event: Any = self.object
        if event.is_roll_call:
            kwargs["totals"] = RoleCounts(p.role for p in event.shown_participations).totals
        return super().get_context_data(**kwargs)
