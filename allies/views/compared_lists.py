"""The published lists of a country's allies side by side: who names whom, in what order, when."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from allies.description import EDTF_NOTE, in_each_language
from allies.edtf import bounds
from allies.feeds.atom import Entry as FeedEntry
from allies.feeds.entries import Gone, corrections_of
from allies.feeds.entries import Row as FeedRow
from allies.feeds.lists import ListedEntries
from allies.filters import EntryFilterSet
from allies.models import AllyList, Country, Entry, Source
from allies.views.ally_list import public_key
from allies.views.columns import COUNTRY_CODE, DISPUTED, INDEPENDENT_SOURCES, Column, stored
from allies.views.listing import Listing
from allies.views.record import Renameable, find

if TYPE_CHECKING:
    from allies.filters.base import ReadersFilterSet


def _outlet(ally_list: AllyList) -> Source | None:
    """Return the source that published a list; None for one of our own."""
    source = ally_list.recorded_from
    return source if source is not None and source.is_published else None


def _original(source: Source) -> Source | None:
    """Return what a source draws on in the end, where readers may see that."""
    original = source.origin
    return original if original is not None and original.is_published else None


@dataclass
class ComparedList:
    """A list as a column: who published it, when, and whose list it repeats."""

    ally_list: AllyList

    @property
    def outlet(self) -> Source | None:
        return _outlet(self.ally_list)

    @property
    def original(self) -> Source | None:
        return _original(self.outlet) if self.outlet else None

    @property
    def origin(self) -> int | None:
        """The id of the source it comes from in the end: lists that share it are one voice."""
        return (self.outlet.origin_id or self.outlet.pk) if self.outlet else None

    @property
    def first_day(self) -> str:
        """The first day it may have been published on, "9" where nobody knows: it sorts last."""
        day = bounds(self.outlet.date_published).earliest if self.outlet else None
        return day.isoformat() if day else "9"


@dataclass
class Row:
    """A country, and its entry in each list: None where a list does not name it."""

    country: Country
    cells: list[tuple[ComparedList, Entry | None]]

    @property
    def outlets(self) -> int:
        """How many independent outlets name it; republications of one original are one."""
        return len({compared.origin for compared, entry in self.cells if entry} - {None})

    @property
    def best(self) -> int:
        return min(entry.position for _compared, entry in self.cells if entry)


def side_by_side(entries: Iterable[Entry]) -> tuple[list[ComparedList], list[Row]]:
    """Return the lists, ours first and republications beside their original, and their countries.

    The countries that most independent outlets name come first.
    """
    lists: dict[int, ComparedList] = {}
    places: dict[int, dict[int, Entry]] = {}
    countries: dict[int, Country] = {}
    for entry in entries:
        lists.setdefault(entry.ally_list_id, ComparedList(entry.ally_list))
        places.setdefault(entry.country_id, {})[entry.ally_list_id] = entry
        countries[entry.country_id] = entry.country
    columns = _grouped(list(lists.values()))
    rows = [
        Row(country, [(c, places[pk].get(c.ally_list.pk)) for c in columns])
        for pk, country in countries.items()
    ]
    rows.sort(key=lambda row: (-row.outlets, row.best, str(row.country.name)))
    return columns, rows


def _grouped(lists: list[ComparedList]) -> list[ComparedList]:
    """Sort lists: ours, then the others by date, those of one origin together."""
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


class ComparedLists(Renameable, Listing):
    """Every place a country has in a published list of another's allies."""

    filterset_class = EntryFilterSet
    template_name = "allies/country/lists.html"
    per_page = 5000  # a table is read as a whole
    columns = (
        Column("country", lambda entry: entry.country.code, _("country"), COUNTRY_CODE),
        *stored(Country, "name_en", "name_ind", of="country"),
        *stored(Entry, "position"),
        Column("list", lambda entry: entry.ally_list.slug, _("ally list"), _("The list’s slug.")),
        *(
            column._replace(name=f"list_{column.name}")
            for column in stored(AllyList, "title_en", "title_ind", of="ally_list")
        ),
        Column(
            "outlet",
            lambda entry: source.publisher if (source := _outlet(entry.ally_list)) else "",
            _("outlet"),
            _("Who published the list; empty for our own lists."),
        ),
        Column(
            "recorded_from",
            lambda entry: public_key(entry.ally_list.recorded_from),
            _("published by"),
            _("The citation key of the source that published the list; empty for our own lists."),
        ),
        Column(
            "date_published",
            lambda entry: source.date_published if (source := _outlet(entry.ally_list)) else "",
            _("date published"),
            EDTF_NOTE,
        ),
        Column(
            "origin",
            lambda entry: public_key(source.origin) if (source := _outlet(entry.ally_list)) else "",
            _("original source"),
            _("The citation key of the original source that the list is based on."),
        ),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def prepare(self, **kwargs: Any) -> None:
        self.country = find(Country.objects.published(), kwargs["slug"])

    def queryset(self) -> QuerySet[Model]:
        return (
            Entry.objects.published()
            .with_evidence()
            .filter(ally_list__focus=self.country)
            .select_related("country", "ally_list__recorded_from__origin")
            .order_by("ally_list__slug", "position", "pk")
        )

    @cached_property
    def _ever(self) -> ListedEntries:
        lists = AllyList.objects.published().filter(focus=self.country)
        return ListedEntries(list(lists), several=True)

    def feed_rows(self, queryset: Any) -> Iterable[FeedRow]:
        return self._ever.rows(queryset)

    def feed_corrections(self, queryset: Any) -> Iterable[FeedEntry]:
        return corrections_of("allylist", queryset.order_by().values("ally_list"))

    def feed_gone(self, filterset: "ReadersFilterSet") -> Iterable[Gone]:
        return self._ever.gone(filterset.applied.get("q", ""))

    def title(self) -> Any:
        return _lists_in_words(self.country)

    def page_rows(self, queryset: Any) -> Iterable[Row]:
        self.compared, self.compared_rows = side_by_side(queryset)
        return self.compared_rows

    def context(self) -> dict[str, object]:
        compared, rows = getattr(self, "compared", []), getattr(self, "compared_rows", [])
        said = _on_lists(len(rows), len(compared)) if rows else ""
        return {"country": self.country, "compared": compared, "rows_in_words": said}


def _on_lists(countries: int, lists: int) -> str:
    """Say how many countries stand on how many lists; rows are countries, not places."""
    named = ngettext("%(n)s country", "%(n)s countries", countries) % {"n": countries}
    there = ngettext("on %(n)s list", "on %(n)s lists", lists) % {"n": lists}
    return f"{named} {there}"


@in_each_language
def _lists_in_words(country: Country) -> str:
    return gettext("Published lists of allies of %(country)s") % {"country": country.name_in_text}
