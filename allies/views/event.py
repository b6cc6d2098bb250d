"""Public pages of events: list, counts by year and detail."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import Case, IntegerField, Prefetch, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from allies.citations.footnotes import citation_notes, localized_texts
from allies.evidence.grouping import with_citations
from allies.filters import EventFilterSet, PublicFilterSet
from allies.filters.aggregates import Aggregates, GroupBy
from allies.models import (
    EVENT_YEARS,
    Alliance,
    Country,
    Event,
    Participation,
    ParticipationRole,
    YearlyCounts,
)
from allies.models.country import country_order
from allies.page_cache.memo import while_unchanged
from allies.views.charts import build_events_chart
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


#: Fields of an event that a list shows.
_SHOWN = ("slug", "title_en", "title_ind", "date", "kind", "certainty")


@cache
def _public() -> "EventQuerySet":
    """Return a queryset of the published events with their evidence.

    Cached, because building it takes Django as long as running it. Callers must only filter it:
    evaluating it would cache its results.
    """
    return Event.objects.published().with_evidence()


class EventListing(Listing):
    filterset_class = EventFilterSet
    template_name = "allies/event/list.html"
    dated = ("date_earliest", "date_latest")
    columns = (
        DownloadColumn("event", lambda event: event.slug, _("event"), _("The event’s slug.")),
        *model_columns(Event, "identifier", "kind", "certainty", "title_en", "title_ind", "date"),
        *model_columns(Event, "place_en", "place_ind", "attributed_to_en", "attributed_to_ind"),
        DownloadColumn(
            "alliance",
            lambda event: event.alliance.slug if event.alliance else "",
            _("alliance"),
            _("The alliance’s slug."),
        ),
        DownloadColumn(
            "participations",
            lambda event: event.shown_codes,
            _("participations"),
            _("Country codes and roles, like RUS:host CHN:visitor."),
            many=True,
        ),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def queryset(self) -> "EventQuerySet":
        return _public().newest_first()

    def filterset(self) -> PublicFilterSet:
        self.asked = super().filterset()
        return self.asked

    def context(self) -> dict[str, object]:
        """Return the chart of events by year, which only the first page shows."""
        if "years" not in self.sums.counts or self.request.GET.get("page", "1") != "1":
            return {}
        by_year = YearlyCounts.of(self.sums.counts["years"])
        return {"by_year": build_events_chart(by_year, self.asked.applied_values)}

    def aggregates(self, filterset: PublicFilterSet) -> Aggregates:
        """Return the aggregates, cached for all pages and languages: they may count all votes."""
        asked = ("events", *filterset.applied_values.items())
        return while_unchanged(asked, lambda: super(EventListing, self).aggregates(filterset))

    def group_by(self) -> Mapping[str, GroupBy]:
        return {"years": GroupBy(EVENT_YEARS, lambda *years: (years,))}

    def page_rows(self, queryset: QuerySet[Event]) -> list[Event]:
        """Return the events of a page; evidence is counted for their ids only."""
        found = list(queryset.values_list("pk", flat=True))
        events = _public().only(*_SHOWN).in_bulk(found)
        return [events[pk] for pk in found if pk in events]

    def rows(self, queryset: Any) -> Iterator[Any]:
        """Yield the events with ``shown_codes``.

        Participations are read as tuples, not as objects, because there may be millions.
        """
        events = queryset.prefetch_related(Prefetch("alliance", Alliance.objects.published()))
        # Built before streaming begins: the order depends on the language active now.
        parts = parts_in_order(Participation.objects.all())
        return _with_codes(events.iterator(chunk_size=CHUNK_ROWS), parts)


class YearListing(Listing):
    """Number of events per year in a filtered view, for download."""

    filterset_class = EventFilterSet
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


def _with_codes(events: Iterator[Any], parts: QuerySet[Participation]) -> Iterator[Any]:
    """Yield the events with ``shown_codes``, like RUS:host; one query per CHUNK_ROWS events."""
    codes = {country.pk: country.code for country in Country.objects.all()}
    while chunk := list(islice(events, CHUNK_ROWS)):
        shown: dict[int, list[str]] = {event.pk: [] for event in chunk}
        found = parts.filter(event__in=shown).values_list("event_id", "country_id", "role")
        for event, country, role in found:
            shown[event].append(f"{codes[country]}:{role}")
        for event in chunk:
            event.shown_codes = shown[event.pk]
            yield event


class EventDetailView(RecordDetailView):
    template_name = "allies/event/detail.html"
    context_object_name = "event"

    def get_queryset(self) -> QuerySet[Event]:
        return _with_parts(with_citations(self.base_queryset(Event)))

    def cited_texts(self) -> Iterable[str]:
        yield from localized_texts([self.object], "summary")
        yield from citation_notes([self.object])
