"""The entries of ally lists as a feed: what changed in each, and which left their list."""

from collections.abc import Iterable, Sequence

from allies.feeds.atom import FED
from allies.feeds.entries import Gone, Row, key_of, no_longer_listed
from allies.models import AllyList, Country, Entry
from allies.public_history import EntrySteps, public_steps_of_entries


class ListedEntries:
    """All that was ever in these lists; a title names the list where they are ``several``."""

    def __init__(self, lists: Sequence[AllyList], *, several: bool) -> None:
        self.several = several
        self._ever = public_steps_of_entries(lists)

    def rows(self, entries: Iterable[Entry]) -> list[Row]:
        """Return the FED of these entries that changed last; reads their countries."""
        shown = [entry for entry in entries if entry.pk in self._ever]
        shown.sort(key=lambda entry: self._ever[entry.pk].steps[0].moment, reverse=True)
        return [self._row(entry.pk, entry.country) for entry in shown[:FED]]

    def gone(self, text: str = "") -> Iterable[Gone]:
        """Yield the entries that left a list readers still see; ``text`` asks for a country."""
        gone = {number: one for number, one in self._ever.items() if one.left}
        countries = Country.objects.filter(pk__in={one.country for one in gone.values()})
        named = (countries.named(text) if text else countries).in_bulk()
        for number, one in gone.items():
            if one.left and (country := named.get(one.country)):
                row = self._row(number, country)
                title = no_longer_listed(self._title(country, one))
                yield Gone(row.key, row.born, title, row.url, one.left)

    def _row(self, number: int, country: Country) -> Row:
        one = self._ever[number]
        url = f"{one.ally_list.get_absolute_url()}#{country.slug}"
        title = self._title(country, one)
        return Row(key_of(Entry, number), one.ally_list.created_at, title, url, one.steps)

    def _title(self, country: Country, one: EntrySteps) -> str:
        return f"{country.name} ({one.ally_list.title})" if self.several else str(country.name)
