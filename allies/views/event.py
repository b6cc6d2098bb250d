"""Events as readers meet them."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import Case, IntegerField, Prefetch, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from allies.caching.unchanged import while_unchanged
from allies.evidence import with_citations
from allies.filters import EventFilterSet, ReadersFilterSet
from allies.filters.sums import Grouping, Sums
from allies.models import (
    EVENT_YEARS,
    Alliance,
    ByYear,
    Country,
    Event,
    Participation,
    ParticipationRole,
)
from allies.models.languages import localized
from allies.notes import prose_of, prose_of_citations
from allies.views.columns import DISPUTED, INDEPENDENT_SOURCES, Column, stored
from allies.views.downloads import CHUNK
from allies.views.figures import events_by_year
from allies.views.listing import Listing
from allies.views.record import RecordView

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet, ParticipationQuerySet


def parts_in_order(parts: "ParticipationQuerySet") -> Any:
    """Sort who took part by role, in the order roles are defined, then by name."""
    by_role = Case(
        *(When(role=role, then=Value(n)) for n, role in enumerate(ParticipationRole)),
        output_field=IntegerField(),
    )
    return parts.order_by(by_role, localized("name", "country__"), "pk")


def _with_parts(events: "EventQuerySet") -> QuerySet[Event]:
    """Fetch who took part."""
    parts = parts_in_order(Participation.objects.select_related("country"))
    alliances = Alliance.objects.published()
    return events.prefetch_related(
        Prefetch("participations", parts, to_attr="shown_participations"),
        Prefetch("alliance", alliances),
    )


#: Fields of an event that a row of a list shows.
_SHOWN = ("slug", "title_en", "title_ind", "date", "kind", "certainty")


@cache
def _public() -> "EventQuerySet":
    """Return the events a reader may see, with their evidence.

    Never asked itself, only narrowed: to put it together takes Django as long as to ask it.
    """
    return Event.objects.published().with_evidence()


class EventListing(Listing):
    filterset_class = EventFilterSet
    template_name = "allies/event/list.html"
    dated = ("date_earliest", "date_latest")
    columns = (
        Column("event", lambda event: event.slug, _("event"), _("The event’s slug.")),
        *stored(Event, "identifier", "kind", "certainty", "title_en", "title_ind", "date"),
        *stored(Event, "place_en", "place_ind", "attributed_to_en", "attributed_to_ind"),
        Column(
            "alliance",
            lambda event: event.alliance.slug if event.alliance else "",
            _("alliance"),
            _("The alliance’s slug."),
        ),
        Column(
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

    def filterset(self) -> ReadersFilterSet:
        self.asked = super().filterset()
        return self.asked

    def context(self) -> dict[str, object]:
        """Return the counts by year, which stand on the first page."""
        if "years" not in self.sums.counts or self.request.GET.get("page", "1") != "1":
            return {}
        by_year = ByYear.of(self.sums.counts["years"])
        return {"by_year": events_by_year(by_year, self.asked.applied)}

    def counted(self, filterset: ReadersFilterSet) -> Sums:
        """Return the sums, counted once for all pages and languages: every vote may be in them."""
        asked = ("events", *filterset.applied.items())
        return while_unchanged(asked, lambda: super(EventListing, self).counted(filterset))

    def groups(self) -> Mapping[str, Grouping]:
        return {"years": Grouping(EVENT_YEARS, lambda *years: (years,))}

    def page_rows(self, queryset: QuerySet[Event]) -> list[Event]:
        """Return the events of a page; evidence is counted for these alone, found before."""
        found = list(queryset.values_list("pk", flat=True))
        events = _public().only(*_SHOWN).in_bulk(found)
        return [events[pk] for pk in found if pk in events]

    def rows(self, queryset: Any) -> Iterator[Any]:
        """Return the events; who took part is read as texts, for that may be millions."""
        events = queryset.prefetch_related(Prefetch("alliance", Alliance.objects.published()))
        # Made here, where the reader's language is the active one: the order depends on it.
        parts = parts_in_order(Participation.objects.all())
        return _with_codes(events.iterator(chunk_size=CHUNK), parts)


class YearListing(Listing):
    """How many events of a filtered view each year had, for download."""

    filterset_class = EventFilterSet
    columns = (
        Column(
            "year",
            lambda row: row[0],
            _("year"),
            _("The year; years without events are included."),
            "integer",
        ),
        Column(
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
        return queryset.by_year().whole

    def title(self) -> Any:
        return _("Events by year")

    def whole(self) -> int:
        return len(self.rows(self.queryset()))


def _with_codes(events: Iterator[Any], parts: QuerySet[Participation]) -> Iterator[Any]:
    """Yield the events with ``shown_codes``: who took part, and in which role."""
    codes = {country.pk: country.code for country in Country.objects.all()}
    while chunk := list(islice(events, CHUNK)):
        shown: dict[int, list[str]] = {event.pk: [] for event in chunk}
        found = parts.filter(event__in=shown).values_list("event_id", "country_id", "role")
        for event, country, role in found:
            shown[event].append(f"{codes[country]}:{role}")
        for event in chunk:
            event.shown_codes = shown[event.pk]
            yield event


class EventPage(RecordView):
    template_name = "allies/event/detail.html"
    context_object_name = "event"

    def get_queryset(self) -> QuerySet[Event]:
        return _with_parts(with_citations(self.records(Event)))

    def prose(self) -> Iterable[str]:
        yield from prose_of([self.object], "summary")
        yield from prose_of_citations([self.object])
