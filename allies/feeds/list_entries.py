"""Feeds of the entries of ally lists: changes, and entries that left their list."""

from collections.abc import Iterable, Sequence

from allies.feeds.atom import MAX_FEED_ENTRIES
from allies.feeds.entries import FeedRow, RemovedRow, feed_key, removed_title
from allies.history.public_steps import EntryHistory, get_entry_histories
from allies.models import AllyList, Country, Entry
from allies.text.bidi import isolate


class ListEntriesFeed:
    """All entries these lists ever had; titles name the list if they are from ``several``."""

    def __init__(self, lists: Sequence[AllyList], *, several: bool) -> None:
        self.several = several
        self._ever = get_entry_histories(lists)

    def rows(self, entries: Iterable[Entry]) -> list[FeedRow]:
        """Return the MAX_FEED_ENTRIES entries that changed last; reads their countries."""
        shown = [entry for entry in entries if entry.pk in self._ever]
        shown.sort(key=lambda entry: self._ever[entry.pk].steps[0].moment, reverse=True)
        return [self._row(entry.pk, entry.country) for entry in shown[:MAX_FEED_ENTRIES]]

    def removed_rows(self, text: str = "") -> Iterable[RemovedRow]:
        """Yield the entries that left these lists; ``text`` filters by country name."""
        gone = {number: one for number, one in self._ever.items() if one.left}
        countries = Country.objects.filter(pk__in={one.country for one in gone.values()})
        named = (countries.name_contains(text) if text else countries).in_bulk()
        for number, one in gone.items():
            if one.left and (country := named.get(one.country)):
                row = self._row(number, country)
                title = removed_title(self._title(country, one))
                yield RemovedRow(row.key, row.created_on, title, row.url, one.left)

    def _row(self, number: int, country: Country) -> FeedRow:
        one = self._ever[number]
        url = f"{one.ally_list.get_absolute_url()}#{country.slug}"
        title = self._title(country, one)
        return FeedRow(feed_key(Entry, number), one.ally_list.created_at, title, url, one.steps)

    def _title(self, country: Country, one: EntryHistory) -> str:
        return (
            f"{country.name} ({isolate(one.ally_list.title)})"
            if self.several
            else str(country.name)
        )
