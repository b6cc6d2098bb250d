"""Ally lists as readers meet them."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Model, Prefetch, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.description import in_each_language
from allies.evidence import with_citations
from allies.feeds.atom import Entry as FeedEntry
from allies.feeds.entries import Gone, Row, corrections_of
from allies.feeds.lists import ListedEntries
from allies.filters import AllyListFilterSet, EntryFilterSet
from allies.models import (
    AllyList,
    Country,
    Edition,
    Entry,
    SeeAlso,
    Ties,
    first_year_of,
    key_events,
    key_parts,
    public_key,
)
from allies.notes import prose_of, prose_of_citations
from allies.views.as_of import OnADay
from allies.views.columns import COUNTRY_CODE, DISPUTED, INDEPENDENT_SOURCES, Column, stored
from allies.views.downloads import download_links, form_address
from allies.views.event import EventListing
from allies.views.figures import events_timeline
from allies.views.listing import Listing
from allies.views.record import RecordView, Renameable, find

if TYPE_CHECKING:
    from allies.filters.base import ReadersFilterSet
    from allies.models.ally_list import AllyListQuerySet


def with_entries(lists: "AllyListQuerySet") -> Any:
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
            _("published by"),
            _("The citation key of the source that published the list; empty for our own lists."),
        ),
        *stored(AllyList, "promised"),
        Column(
            "entries",
            lambda ally_list: len(ally_list.shown_entries),
            _("entries"),
            _("Number of entries in the list."),
            "integer",
        ),
        Column(
            "countries",
            lambda ally_list: [entry.country.code for entry in ally_list.shown_entries],
            _("countries"),
            _("The entries’ country codes, in order."),
            many=True,
        ),
    )

    def queryset(self) -> "AllyListQuerySet":
        return with_entries(AllyList.objects.published()).featured_first()


class AllyListPage(OnADay, RecordView):
    """A list as an article: introduction, entries, and what each rests on."""

    template_name = "allies/allylist/detail.html"
    context_object_name = "ally_list"

    def get_queryset(self) -> "AllyListQuerySet":
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

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        ally_list: Any = self.object
        countries = [entry.country for entry in ally_list.shown_entries]
        on_the_day = Ties(ally_list.focus, self.day)
        allies = on_the_day.allies().filter(pk__in=[country.pk for country in countries])
        ties = {row.country.pk: row for row in on_the_day.rows(allies)}
        until = self.day if self.asks_for_a_day else None
        events = key_events(ally_list.focus, countries, until=until)
        also_named = Entry.objects.also_naming(ally_list, countries)
        for entry in ally_list.shown_entries:
            entry.tie = ties.get(entry.country_id)
            entry.events = events.get(entry.country_id, [])
            entry.also_named = also_named.get(entry.country_id, [])
        shown = {event.pk: event for group in events.values() for event in group}
        return super().get_context_data(
            timeline=events_timeline(
                shown.values(),
                title=gettext("Events of the countries on this list"),
                day=self.day if self.asks_for_a_day else None,
            ),
            first_year=first_year_of(ally_list.focus),
            newest_edition=Edition.objects.of(ally_list).published().first(),
            present=len(countries),
            missing=max((ally_list.promised or 0) - len(countries), 0),
            downloads=download_links(ally_list.get_absolute_url()),
            feed=(ally_list.title, form_address(ally_list.get_absolute_url(), "atom")),
            **kwargs,
        )


class ListEvents(Renameable, EventListing):
    """The events a list's page shows, for download."""

    def prepare(self, **kwargs: Any) -> None:
        self.ally_list = find(AllyList.objects.published(), kwargs["slug"])

    def queryset(self) -> Any:
        entries = Entry.objects.published().filter(ally_list=self.ally_list)
        parts = key_parts(self.ally_list.focus, entries.values("country"))
        return super().queryset().filter(pk__in=[event for _country, event in parts])

    def title(self) -> Any:
        return _title(self.ally_list)


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

    def queryset(self) -> QuerySet[AllyList]:
        entries = Entry.objects.published().with_evidence().filter(ally_list=self.ally_list)
        return entries.in_order().select_related("country")

    def title(self) -> Any:
        return _title(self.ally_list)

    @cached_property
    def _ever(self) -> ListedEntries:
        return ListedEntries([self.ally_list], several=False)

    def feed_rows(self, queryset: Any) -> Iterable[Row]:
        return self._ever.rows(queryset)

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterable[FeedEntry]:
        return corrections_of("allylist", [self.ally_list.pk])

    def feed_gone(self, filterset: "ReadersFilterSet") -> Iterable[Gone]:
        return self._ever.gone(filterset.applied.get("q", ""))


@in_each_language
def _title(ally_list: AllyList) -> str:
    return str(ally_list.title)
