"""Ally lists as readers meet them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.description import in_each_language
from allies.filters import AllyListFilterSet, EntryFilterSet
from allies.models import (
    AllyList,
    Country,
    Entry,
    Event,
    Participation,
    SeeAlso,
    allies_of,
    ally_rows,
)
from allies.views.evidence import with_citations
from allies.views.listing import (
    COUNTRY_CODE,
    DISPUTED,
    INDEPENDENT_SOURCES,
    Column,
    Listing,
    download_links,
    stored,
)
from allies.views.notes import prose_of, prose_of_citations
from allies.views.record import RecordView, Renameable, find

#: Events an entry shows, the latest first; the rest is a link away.
EVENTS_SHOWN = 6


def with_entries(lists: Any) -> Any:
    """Fetch the lists' public entries, in order, as ``shown_entries``, and what lists show."""
    entries = Entry.objects.published().in_order().select_related("country")
    return lists.select_related("focus", "recorded_from").prefetch_related(
        Prefetch("entries", entries, to_attr="shown_entries")
    )


class AllyListListing(Listing):
    filterset_class = AllyListFilterSet
    template_name = "allies/allylist/list.html"
    columns = (
        Column("list", lambda ally_list: ally_list.slug, _("ally list"), _("The list’s slug.")),
        *stored(AllyList, "title_en", "title_ind"),
        Column("focus", lambda ally_list: ally_list.focus.code, _("focus country"), COUNTRY_CODE),
        *stored(AllyList, "scope"),
        Column(
            "recorded_from",
            lambda ally_list: public_key(ally_list.recorded_from),
            _("recorded from"),
            _("The citation key of the source that published the list; empty for one of our own."),
        ),
        *stored(AllyList, "promised"),
        Column(
            "entries",
            lambda ally_list: len(ally_list.shown_entries),
            _("entries"),
            _("How many entries the list has."),
            "integer",
        ),
        Column(
            "countries",
            lambda ally_list: [entry.country.code for entry in ally_list.shown_entries],
            _("countries"),
            _("The entries’ country codes, in order."),
        ),
    )

    def queryset(self) -> Any:
        return with_entries(AllyList.objects.published()).featured_first()


def public_key(source: Any) -> str:
    """Return the key of a source readers may see, "" of another or none."""
    return source.key if source and source.is_published else ""


class AllyListPage(RecordView):
    """A list as an article: introduction, entries, and what each rests on."""

    template_name = "allies/allylist/detail.html"
    context_object_name = "ally_list"

    def get_queryset(self) -> Any:
        see_also = SeeAlso.objects.published().select_related("source")
        entries = with_citations(self.records(Entry).in_order()).select_related("country")
        return (
            self.records(AllyList)
            .select_related("focus", "recorded_from")
            .prefetch_related(
                Prefetch("entries", entries, to_attr="shown_entries"),
                Prefetch("see_also", see_also, to_attr="shown_see_also"),
            )
        )

    def prose(self) -> Iterable[str]:
        ally_list: Any = self.object
        yield from prose_of([ally_list], "intro")
        yield from prose_of(ally_list.shown_entries, "prose")
        yield from prose_of_citations(ally_list.shown_entries)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ally_list: Any = self.object
        countries = [entry.country for entry in ally_list.shown_entries]
        today = timezone.localdate()
        allies = allies_of(ally_list.focus, on=today).filter(
            pk__in=[country.pk for country in countries]
        )
        ties = {row.country.pk: row for row in ally_rows(ally_list.focus, allies, on=today)}
        events = self._events(ally_list.focus, countries)
        also_named = self._also_named(ally_list, countries)
        for entry in ally_list.shown_entries:
            entry.tie = ties.get(entry.country_id)
            entry.events = events.get(entry.country_id, [])
            entry.also_named = also_named.get(entry.country_id, [])
        return super().get_context_data(
            present=len(countries),
            missing=max((ally_list.promised or 0) - len(countries), 0),
            downloads=download_links(ally_list.get_absolute_url()),
            **kwargs,
        )

    def _events(self, focus: Country, countries: list[Country]) -> dict[int, list[Event]]:
        """Return the latest events of each country that bear on the focus; costs two queries."""
        parts = list(
            Participation.objects.published()
            .filter(country__in=countries)
            .bearing_on(focus)
            .latest_per_country(EVENTS_SHOWN)
            .values_list("country_id", "event_id")
        )
        events = Event.objects.with_evidence().in_bulk({event for _country, event in parts})
        found: dict[int, list[Event]] = {}
        for country, event in parts:
            found.setdefault(country, []).append(events[event])
        return found

    def _also_named(
        self, ally_list: AllyList, countries: list[Country]
    ) -> dict[int, list[AllyList]]:
        """Return the other public lists of the same focus that name each country; one query."""
        entries = (
            Entry.objects.published()
            .filter(ally_list__focus=ally_list.focus, country__in=countries)
            .exclude(ally_list=ally_list)
            .select_related("ally_list", "ally_list__recorded_from")
            .order_by("ally_list__slug")
        )
        named: dict[int, list[AllyList]] = {}
        for entry in entries:
            named.setdefault(entry.country_id, []).append(entry.ally_list)
        return named


class EntryListing(Renameable, Listing):
    """The entries of one list, for download."""

    filterset_class = EntryFilterSet
    columns = (
        Column("country", lambda entry: entry.country.code, _("country"), COUNTRY_CODE),
        *stored(Entry, "position"),
        *stored(Country, "name_en", "name_ind", of="country"),
        *stored(Entry, "prose_en", "prose_ind"),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def prepare(self, **kwargs: Any) -> None:
        self.ally_list = find(AllyList.objects.published(), kwargs["slug"])

    def queryset(self) -> Any:
        entries = Entry.objects.published().with_evidence().filter(ally_list=self.ally_list)
        return entries.in_order().select_related("country")

    def title(self) -> Any:
        return _title(self.ally_list)


@in_each_language
def _title(ally_list: AllyList) -> str:
    return str(ally_list.title)
