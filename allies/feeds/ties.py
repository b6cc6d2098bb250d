"""The ally list of a country as a feed: a row rests on the alliances that bind the two."""

import datetime as dt
import heapq
from collections.abc import Iterable
from typing import Any, Protocol

from django.utils.translation import gettext as _

from allies.feeds.atom import FED, Entry
from allies.feeds.entries import Gone, Row, corrections_of, no_longer_listed
from allies.filters import AllyFilterSet
from allies.models import Alliance, Country, Membership
from allies.past import last_written, left
from allies.public_history import PublicStep, Sentence, public_steps_of_each


class Tied(Protocol):
    """A row that is there because of alliances."""

    @property
    def country(self) -> Any: ...

    @property
    def alliances(self) -> list[Alliance]: ...


def rows_of_ties(focus: Country, rows: Iterable[Tied], sort: str = "ally") -> list[Row]:
    """Return the FED rows whose alliances, with members and sources, were written last.

    ``sort`` tells such rows from those that other views have for the same two countries.
    """
    rows = [row for row in rows if row.alliances]
    written = last_written(Alliance, ids=_alliances(rows), public=True)

    def last(row: Tied) -> dt.datetime:
        # What was written past the application has no version, and its own dates.
        return max(written.get(one.pk, one.updated_at) for one in row.alliances)

    newest = heapq.nlargest(FED, rows, key=lambda row: (last(row), -row.country.pk))
    alliances = {alliance.pk: alliance for row in newest for alliance in row.alliances}
    steps = {
        number: [_named(alliances[number], step) for step in told]
        for number, told in public_steps_of_each(list(alliances.values())).items()
    }
    return [
        Row(
            f"country/{focus.pk}/{sort}/{row.country.pk}",
            row.country.created_at,
            row.country.name,
            row.country.get_absolute_url(),
            sorted(
                (step for alliance in row.alliances for step in steps[alliance.pk]),
                key=lambda step: step.moment,
                reverse=True,
            ),
        )
        for row in newest
    ]


def _alliances(rows: Iterable[Tied]) -> set[int]:
    return {alliance.pk for row in rows for alliance in row.alliances}


def _named(alliance: Alliance, step: PublicStep) -> PublicStep:
    """Say of the first step which alliance was published."""
    if not step.is_first:
        return step
    said = Sentence(_("Published: %(alliance)s.") % {"alliance": alliance})
    return PublicStep(step.moment, step.note, [said, *step.sentences])


def corrected_ties(rows: Iterable[Tied]) -> list[Entry]:
    """Return what the log of corrections has of the alliances the rows rest on."""
    return corrections_of("alliance", _alliances(rows))


def allies_gone(focus: Country, asked: AllyFilterSet) -> Iterable[Gone]:
    """Yield the countries that no alliance binds any more since one was withdrawn.

    Only alliances that are still as readers saw them last can be asked who was in them; whether
    a row was certain, disputed or had enough sources then is not known, so such a filter tells of
    nobody.
    """
    withdrawn = {one.number: one.moment for one in left(Alliance) if one.as_it_was}
    if not withdrawn or not {"region", "kind", "on", "q"}.issuperset(asked.applied):
        return
    members = Membership.objects.in_force(asked.day).filter(alliance__in=withdrawn)
    if asked.ties.kind:
        members = members.filter(alliance__kind=asked.ties.kind)
    own = members.filter(country=focus).values("alliance")
    others = members.filter(alliance__in=own).exclude(country=focus)
    still = asked.qs.order_by().values("pk")
    countries = Country.objects.filter(pk__in=others.values("country")).exclude(pk__in=still)
    if region := asked.applied.get("region"):
        countries = countries.in_region(region)
    if text := asked.applied.get("q"):
        countries = countries.named(text)
    named = countries.in_bulk()
    since: dict[int, dt.datetime] = {}
    for member in others.filter(country__in=named):
        moment = withdrawn[member.alliance_id]
        since[member.country_id] = max(moment, since.get(member.country_id, moment))
    for number, moment in since.items():
        country = named[number]
        yield Gone(
            f"country/{focus.pk}/ally/{number}",
            country.created_at,
            no_longer_listed(str(country.name)),
            country.get_absolute_url(),
            moment,
        )
