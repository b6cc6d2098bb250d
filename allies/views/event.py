"""Events as readers meet them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import Case, IntegerField, Prefetch, Value, When
from django.utils.translation import gettext_lazy as _

from allies.filters import EventFilterSet
from allies.models import Alliance, Country, Event, Participation, ParticipationRole
from allies.models.languages import localized
from allies.views.evidence import with_citations
from allies.views.listing import CHUNK, DISPUTED, INDEPENDENT_SOURCES, Column, Listing, stored
from allies.views.notes import prose_of, prose_of_citations
from allies.views.record import RecordView


def _in_order(parts: Any) -> Any:
    """Sort who took part by role, in the order roles are defined, then by name."""
    by_role = Case(
        *(When(role=role, then=Value(n)) for n, role in enumerate(ParticipationRole)),
        output_field=IntegerField(),
    )
    return parts.order_by(by_role, localized("name", "country__"), "pk")


def _with_parts(events: Any) -> Any:
    """Fetch who took part."""
    parts = _in_order(Participation.objects.select_related("country"))
    alliances = Alliance.objects.published()
    return events.prefetch_related(
        Prefetch("participations", parts, to_attr="shown_participations"),
        Prefetch("alliance", alliances),
    )


class EventListing(Listing):
    filterset_class = EventFilterSet
    template_name = "allies/event/list.html"
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
        ),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def queryset(self) -> Any:
        return Event.objects.published().with_evidence().newest_first()

    def rows(self, queryset: Any) -> Iterator[Any]:
        """Return the events; who took part is read as texts, for that may be millions."""
        events = queryset.prefetch_related(Prefetch("alliance", Alliance.objects.published()))
        # Made here, where the reader's language is the active one: the order depends on it.
        parts = _in_order(Participation.objects.all())
        return _with_codes(events.iterator(chunk_size=CHUNK), parts)


def _with_codes(events: Iterator[Any], parts: Any) -> Iterator[Any]:
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

    def get_queryset(self) -> Any:
        return _with_parts(with_citations(self.records(Event)))

    def prose(self) -> Iterable[str]:
        yield from prose_of([self.object], "summary")
        yield from prose_of_citations([self.object])
