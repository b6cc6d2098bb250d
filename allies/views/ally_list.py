"""Public pages of ally lists: list of lists, detail, entries and events for download."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Model, Prefetch, QuerySet
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.citations.footnotes import citation_notes, localized_texts
from allies.datapackage.metadata import localized_callable
from allies.evidence.grouping import with_citations
from allies.evidence.verdict import list_verdicts
from allies.feeds.atom import FeedEntry
from allies.feeds.entries import (
    FeedRow,
    RemovedRow,
    build_rows,
    correction_entries,
    latest_records,
)
from allies.feeds.list_entries import ListEntriesFeed
from allies.filters import AllyListFilterSet, EntryFilterSet
from allies.models import (
    AllyList,
    Country,
    Edition,
    Entry,
    SeeAlso,
    public_source_key,
)
from allies.ties.allies_on_day import Ties, first_year_with_ties
from allies.ties.key_events import key_event_ids, key_events
from allies.views.as_of import AsOfDateMixin
from allies.views.charts import build_events_timeline
from allies.views.detail import OldSlugRedirectMixin, RecordDetailView, find_record
from allies.views.download_columns import (
    COUNTRY_CODE,
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)
from allies.views.download_mixin import download_links, format_url
from allies.views.event import AllEventsListing
from allies.views.listing import Listing
from allies.web.articles import build_article

if TYPE_CHECKING:
    from allies.filters.base import PublicFilterSet
    from allies.models.ally_list import AllyListQuerySet


def with_entries(lists: "AllyListQuerySet") -> Any:
    """Prefetch the public entries, in order, as ``shown_entries``, and join focus and source."""
    entries = Entry.objects.published().order_by_position().select_related("country")
    return lists.select_related("focus", "recorded_from").prefetch_related(
        Prefetch("entries", entries, to_attr="shown_entries")
    )


class AllyListListing(Listing):
    filterset_class = AllyListFilterSet
    template_name = "allies/allylist/list.html"
    columns = (
        DownloadColumn(
            "list", lambda ally_list: ally_list.slug, _("ally list"), _("The list’s slug.")
        ),
        *model_columns(AllyList, "title_en", "title_ind"),
        DownloadColumn(
            "focus", lambda ally_list: ally_list.focus.code, _("focus country"), COUNTRY_CODE
        ),
        *model_columns(AllyList, "scope"),
        DownloadColumn(
            "recorded_from",
            lambda ally_list: public_source_key(ally_list.recorded_from),
            _("published by"),
            _("The citation key of the source that published the list; empty for our own lists."),
        ),
        *model_columns(AllyList, "promised", "byline"),
        DownloadColumn(
            "entries",
            lambda ally_list: len(ally_list.shown_entries),
            _("entries"),
            _("Number of entries in the list."),
            "integer",
        ),
        DownloadColumn(
            "countries",
            lambda ally_list: [entry.country.code for entry in ally_list.shown_entries],
            _("countries"),
            _("The entries’ country codes, in order."),
            many=True,
        ),
    )

    def queryset(self) -> "AllyListQuerySet":
        return with_entries(AllyList.objects.published()).featured_first()

    def feed_rows(self, queryset: Any) -> Iterable[FeedRow]:
        lists = latest_records(queryset)
        verdicts = list_verdicts(lists)
        return [
            replace(row, about=format_html("<p>{}</p>{}", verdicts[one.pk], row.about))
            for one, row in zip(lists, build_rows(lists), strict=True)
        ]


class AllyListDetailView(AsOfDateMixin, RecordDetailView):
    """A list as an article: introduction and entries, each with its sources."""

    template_name = "allies/allylist/detail.html"
    context_object_name = "ally_list"

    def get_queryset(self) -> "AllyListQuerySet":
        see_also = SeeAlso.objects.published().select_related("source")
        entries = with_citations(self.base_queryset(Entry).order_by_position()).select_related(
            "country"
        )
        return (
            self.base_queryset(AllyList)
            .select_related("focus", "recorded_from")
            .prefetch_related(
                Prefetch("entries", entries, to_attr="shown_entries"),
                Prefetch("see_also", see_also, to_attr="shown_see_also"),
            )
        )

    def cited_texts(self) -> Iterable[str]:
        ally_list: Any = self.object
        yield from localized_texts([ally_list], "intro")
        yield from localized_texts(ally_list.shown_entries, "prose")
        yield from citation_notes(ally_list.shown_entries)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        ally_list: Any = self.object
        countries = [entry.country for entry in ally_list.shown_entries]
        on_the_day = Ties(ally_list.focus, self.day)
        allies = on_the_day.allies().filter(pk__in=[country.pk for country in countries])
        ties = {row.country.pk: row for row in on_the_day.rows(allies)}
        until = self.day if self.has_requested_day else None
        events = key_events(ally_list.focus, ally_list.shown_entries, until=until)
        also_named = Entry.objects.other_lists_naming(ally_list, countries)
        for entry in ally_list.shown_entries:
            entry.tie = ties.get(entry.country_id)
            entry.shown_events = events.get(entry.country_id)
            entry.also_named = also_named.get(entry.country_id, [])
        shown = {event.pk: event for group in events.values() for event in group.events}
        ally_list.article = build_article(ally_list, is_draft=self.preview)
        return super().get_context_data(
            timeline=build_events_timeline(
                shown.values(),
                title=gettext("Events of the countries on this list"),
                day=self.day if self.has_requested_day else None,
            ),
            first_year=first_year_with_ties(ally_list.focus),
            newest_edition=Edition.objects.of(ally_list).published().first(),
            article=ally_list.article,
            present=len(countries),
            missing=max((ally_list.promised or 0) - len(countries), 0),
            downloads=download_links(ally_list.get_absolute_url()),
            feed=(ally_list.title, format_url(ally_list.get_absolute_url(), "atom")),
            **kwargs,
        )


class ListEvents(OldSlugRedirectMixin, AllEventsListing):
    """The events that a list's page shows, for download."""

    def prepare(self, **kwargs: Any) -> None:
        self.ally_list = find_record(AllyList.objects.published(), kwargs["slug"])

    def queryset(self) -> Any:
        return super().queryset().filter(pk__in=self._event_ids)

    @cached_property
    def _event_ids(self) -> list[int]:
        entries = Entry.objects.published().filter(ally_list=self.ally_list)
        ids = key_event_ids(self.ally_list.focus, entries)
        return [event for part in ids for _country, event in part]

    def title(self) -> Any:
        return _title(self.ally_list)


class EntryListing(OldSlugRedirectMixin, Listing):
    """The entries of one list, for download."""

    filterset_class = EntryFilterSet
    columns = (
        DownloadColumn("country", lambda entry: entry.country.code, _("country"), COUNTRY_CODE),
        *model_columns(Entry, "position"),
        *model_columns(Country, "name_en", "name_ind", of="country"),
        *model_columns(Entry, "prose_en", "prose_ind"),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def prepare(self, **kwargs: Any) -> None:
        self.ally_list = find_record(AllyList.objects.published(), kwargs["slug"])

    def queryset(self) -> QuerySet[AllyList]:
        entries = Entry.objects.published().with_evidence().filter(ally_list=self.ally_list)
        return entries.order_by_position().select_related("country")

    def title(self) -> Any:
        return _title(self.ally_list)

    def feed_author(self) -> str:
        return self.ally_list.byline or super().feed_author()

    def feed_subtitle(self) -> str:
        return list_verdicts([self.ally_list])[self.ally_list.pk]

    @cached_property
    def _all_time_entries(self) -> ListEntriesFeed:
        return ListEntriesFeed([self.ally_list], several=False)

    def feed_rows(self, queryset: Any) -> Iterable[FeedRow]:
        return self._all_time_entries.rows(queryset)

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterable[FeedEntry]:
        return correction_entries("allylist", [self.ally_list.pk])

    def feed_removed(self, filterset: "PublicFilterSet") -> Iterable[RemovedRow]:
        return self._all_time_entries.removed_rows(filterset.applied_values.get("q", ""))


@localized_callable
def _title(ally_list: AllyList) -> str:
    return str(ally_list.title)
