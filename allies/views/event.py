"""Events as readers meet them."""

from typing import Any

from django.db.models import Case, IntegerField, Prefetch, Value, When

from allies.filters import EventFilterSet
from allies.models import Alliance, Event, Participation, ParticipationRole
from allies.models.languages import localized
from allies.views.evidence import with_citations
from allies.views.listing import Column, Listing
from allies.views.record import RecordView


def _with_parts(events: Any) -> Any:
    """Fetch who took part, by role in the order roles are defined, then by name."""
    by_role = Case(
        *(When(role=role, then=Value(n)) for n, role in enumerate(ParticipationRole)),
        output_field=IntegerField(),
    )
    parts = Participation.objects.select_related("country").order_by(
        by_role, localized("name", "country__"), "pk"
    )
    alliances = Alliance.objects.published()
    return events.prefetch_related(
        Prefetch("participations", parts, to_attr="shown_participations"),
        Prefetch("alliance", alliances),
    )


class EventListing(Listing):
    filterset_class = EventFilterSet
    template_name = "allies/event/list.html"
    columns = (
        Column("event", lambda event: event.slug),
        Column("identifier", lambda event: event.identifier),
        Column("kind", lambda event: event.kind),
        Column("certainty", lambda event: event.certainty),
        Column("title_en", lambda event: event.title_en),
        Column("title_ind", lambda event: event.title_ind),
        Column("date", lambda event: event.date),
        Column("place_en", lambda event: event.place_en),
        Column("place_ind", lambda event: event.place_ind),
        Column("attributed_to_en", lambda event: event.attributed_to_en),
        Column("attributed_to_ind", lambda event: event.attributed_to_ind),
        Column("alliance", lambda event: event.alliance.slug if event.alliance else ""),
        Column(
            "participations",
            lambda event: [
                f"{part.country.code}:{part.role}" for part in event.shown_participations
            ],
        ),
        Column("independent_sources", lambda event: event.independent_sources),
        Column("disputed", lambda event: bool(event.disputes)),
    )

    def queryset(self) -> Any:
        return Event.objects.published().with_evidence().newest_first()

    def for_download(self, queryset: Any) -> Any:
        return _with_parts(queryset)


class EventPage(RecordView):
    template_name = "allies/event/detail.html"
    context_object_name = "event"

    def get_queryset(self) -> Any:
        return _with_parts(with_citations(self.records(Event)))
