"""Key events of list entries: those that editors chose, or else each country's latest."""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from allies.models.ally_list import Entry
from allies.models.country import Country
from allies.models.event import Event, Participation
from allies.models.key_event import KeyEvent

#: Number of events of an entry for which no events were chosen, latest first.
KEY_EVENTS_PER_COUNTRY = 6


class EntryEvents(NamedTuple):
    """The events of one entry, in order; ``are_chosen`` says whether editors chose them."""

    events: list[Event]
    are_chosen: bool


class KeyEventIds(NamedTuple):
    """(country id, event id) of the key events of several entries, in order."""

    chosen: list[tuple[int, int]]
    latest: list[tuple[int, int]]


def key_event_ids(
    focus: Country, entries: Iterable[Entry], *, until: dt.date | None = None
) -> KeyEventIds:
    """Return the ids of the key events of these entries, which belong to one list; two queries.

    The events of an entry are those that editors chose. If they chose none that readers may see,
    they are the country's latest events that bear on the focus, without UN votes. With ``until``,
    events that certainly happened after that day are left out.
    """
    countries = {entry.pk: entry.country_id for entry in entries}
    found = [
        (countries[entry], event, first)
        for entry, event, first in KeyEvent.objects.of_public_events()
        .filter(entry__in=countries)
        .order_by_position()
        .values_list("entry_id", "event_id", "event__date_earliest")
    ]
    others = set(countries.values()) - {country for country, _event, _first in found}
    parts = Participation.objects.published().except_roll_calls()
    latest = parts.filter(country__in=others).bearing_on(focus)
    if until is not None:
        found = [part for part in found if part[2] is None or part[2] <= until]
        latest = latest.until(until)
    latest = latest.latest_per_country(KEY_EVENTS_PER_COUNTRY)
    return KeyEventIds(
        [(country, event) for country, event, _first in found],
        list(latest.values_list("country_id", "event_id")),
    )


def key_events(
    focus: Country, entries: Iterable[Entry], *, until: dt.date | None = None
) -> dict[int, EntryEvents]:
    """Return the events of ``key_event_ids`` by country id; three queries."""
    ids = key_event_ids(focus, entries, until=until)
    events = Event.objects.with_evidence().in_bulk({event for part in ids for _c, event in part})
    found: dict[int, EntryEvents] = {}
    for part, are_chosen in ((ids.chosen, True), (ids.latest, False)):
        for country, event in part:
            found.setdefault(country, EntryEvents([], are_chosen)).events.append(events[event])
    return found
