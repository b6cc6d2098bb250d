"""The published lists of a country's allies side by side, with ranks and dates."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from allies.datapackage.metadata import EDTF_NOTE, localized_callable
from allies.feeds.atom import FeedEntry
from allies.feeds.entries import FeedRow, RemovedRow, correction_entries
from allies.feeds.list_entries import ListEntriesFeed
from allies.filters import EntryFilterSet
from allies.models import AllyList, Country, Entry, Source
from allies.text.edtf import bounds
from allies.views.ally_list import public_source_key
from allies.views.detail import OldSlugRedirectMixin, find_record
from allies.views.download_columns import (
    COUNTRY_CODE,
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.filters.base import PublicFilterSet


def _outlet(ally_list: AllyList) -> Source | None:
    """Return the published source of a list; None for our own lists."""
    source = ally_list.recorded_from
    return source if source is not None and source.is_published else None


def _original(source: Source) -> Source | None:
    """Return the origin of a source; None if it has none or is not public."""
    original = source.origin
    return original if original is not None and original.is_published else None


@dataclass
class ComparedList:
    """A list as a column, with its publisher, its date and its origin."""

    ally_list: AllyList

    @property
    def outlet(self) -> Source | None:
        return _outlet(self.ally_list)

    @property
    def original(self) -> Source | None:
        return _original(self.outlet) if self.outlet else None

    @property
    def origin(self) -> int | None:
        """The id of the list's original source; lists that share it count as one outlet."""
        return (self.outlet.origin_id or self.outlet.pk) if self.outlet else None

    @property
    def first_day(self) -> str:
        """The earliest possible day of publication (ISO 8601), or "9" to sort last if unknown."""
        day = bounds(self.outlet.date_published).earliest if self.outlet else None
        return day.isoformat() if day else "9"


@dataclass
class ComparedRow:
    """A country and its entry in each list, or None if the list does not name it."""

    country: Country
    cells: list[tuple[ComparedList, Entry | None]]

    @property
    def outlets(self) -> int:
        """Number of independent outlets that name it; republications of one original count once."""
        return len({compared.origin for compared, entry in self.cells if entry} - {None})

    @property
    def best_position(self) -> int:
        return min(entry.position for _compared, entry in self.cells if entry)


def compare_lists(entries: Iterable[Entry]) -> tuple[list[ComparedList], list[ComparedRow]]:
    """Return the lists as columns and their countries as rows.

    Our own lists come first, and republications follow their original. Countries are sorted by the
    number of independent outlets that name them, then by their best position.
    """
    lists: dict[int, ComparedList] = {}
    places: dict[int, dict[int, Entry]] = {}
    countries: dict[int, Country] = {}
    for entry in entries:
        lists.setdefault(entry.ally_list_id, ComparedList(entry.ally_list))
        places.setdefault(entry.country_id, {})[entry.ally_list_id] = entry
        countries[entry.country_id] = entry.country
    columns = _sort_lists(list(lists.values()))
    rows = [
        ComparedRow(country, [(c, places[pk].get(c.ally_list.pk)) for c in columns])
        for pk, country in countries.items()
    ]
    rows.sort(key=lambda row: (-row.outlets, row.best_position, row.country.sort_key))
    return columns, rows


def _sort_lists(lists: list[ComparedList]) -> list[ComparedList]:
    """Sort lists: our own first, then the others by date, grouped by origin."""
    first: dict[int | None, str] = {}
    for compared in lists:
        day = compared.first_day
        first[compared.origin] = min(first.get(compared.origin, day), day)
    return sorted(
        lists,
        key=lambda c: (
            c.origin is not None,
            first[c.origin],
            c.origin or 0,
            c.original is not None,
            c.first_day,
            c.ally_list.slug,
        ),
    )


class ComparedListsListing(OldSlugRedirectMixin, Listing):
    """The entries of all published lists about one country, as a comparison table."""

    filterset_class = EntryFilterSet
    template_name = "allies/country/lists.html"
    per_page = 5000  # the whole table is on one page
    columns = (
        DownloadColumn("country", lambda entry: entry.country.code, _("country"), COUNTRY_CODE),
        *model_columns(Country, "name_en", "name_ind", of="country"),
        *model_columns(Entry, "position"),
        DownloadColumn(
            "list", lambda entry: entry.ally_list.slug, _("ally list"), _("The list’s slug.")
        ),
        *(
            column._replace(name=f"list_{column.name}")
            for column in model_columns(AllyList, "title_en", "title_ind", of="ally_list")
        ),
        DownloadColumn(
            "outlet",
            lambda entry: source.publisher if (source := _outlet(entry.ally_list)) else "",
            _("outlet"),
            _("Who published the list; empty for our own lists."),
        ),
        DownloadColumn(
            "recorded_from",
            lambda entry: public_source_key(entry.ally_list.recorded_from),
            _("published by"),
            _("The citation key of the source that published the list; empty for our own lists."),
        ),
        DownloadColumn(
            "date_published",
            lambda entry: source.date_published if (source := _outlet(entry.ally_list)) else "",
            _("date published"),
            EDTF_NOTE,
        ),
        DownloadColumn(
            "origin",
            lambda entry: (
                public_source_key(source.origin) if (source := _outlet(entry.ally_list)) else ""
            ),
            _("original source"),
            _("The citation key of the original source that the list is based on."),
        ),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def prepare(self, **kwargs: Any) -> None:
        self.country = find_record(Country.objects.published(), kwargs["slug"])

    def queryset(self) -> QuerySet[Model]:
        return (
            Entry.objects.published()
            .with_evidence()
            .filter(ally_list__focus=self.country)
            .select_related("country", "ally_list__recorded_from__origin")
            .order_by("ally_list__slug", "position", "pk")
        )

    @cached_property
    def _all_time_entries(self) -> ListEntriesFeed:
        lists = AllyList.objects.published().filter(focus=self.country)
        return ListEntriesFeed(list(lists), several=True)

    def feed_rows(self, queryset: Any) -> Iterable[FeedRow]:
        return self._all_time_entries.rows(queryset)

    def feed_corrections(self, queryset: Any) -> Iterable[FeedEntry]:
        return correction_entries("allylist", queryset.order_by().values("ally_list"))

    def feed_removed(self, filterset: "PublicFilterSet") -> Iterable[RemovedRow]:
        return self._all_time_entries.removed_rows(filterset.applied_values.get("q", ""))

    def title(self) -> Any:
        return _lists_in_words(self.country)

    def page_rows(self, queryset: Any) -> Iterable[ComparedRow]:
        self.compared, self.compared_rows = compare_lists(queryset)
        return self.compared_rows

    def context(self) -> dict[str, object]:
        compared, rows = getattr(self, "compared", []), getattr(self, "compared_rows", [])
        said = _on_lists(len(rows), len(compared)) if rows else ""
        return {"country": self.country, "compared": compared, "rows_in_words": said}


def _on_lists(countries: int, lists: int) -> str:
    """Return "12 countries on 3 lists"; rows of the table are countries, not entries."""
    named = ngettext("%(n)s country", "%(n)s countries", countries) % {"n": countries}
    there = ngettext("on %(n)s list", "on %(n)s lists", lists) % {"n": lists}
    return f"{named} {there}"


@localized_callable
def _lists_in_words(country: Country) -> str:
    return gettext("Published lists of allies of %(country)s") % {"country": country.name_in_text}
