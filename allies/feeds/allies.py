"""Feeds of the allies of a country: each row depends on the alliances between the two."""

import datetime as dt
import heapq
from collections.abc import Iterable
from typing import Any, Protocol

from django.utils.translation import gettext as _

from allies.feeds.atom import MAX_FEED_ENTRIES, FeedEntry
from allies.feeds.entries import FeedRow, RemovedRow, correction_entries, removed_title
from allies.filters import AllyFilterSet
from allies.history.public_steps import ChangeSentence, PublicHistoryStep, get_public_steps_bulk
from allies.history.visibility import last_modified_map, withdrawn_records
from allies.models import Alliance, Country, Membership
from allies.text.bidi import isolate


class HasAlliances(Protocol):
    """A row that depends on alliances."""

    @property
    def country(self) -> Any: ...

    @property
    def alliances(self) -> list[Alliance]: ...


def build_ally_rows(
    focus: Country, rows: Iterable[HasAlliances], sort: str = "ally"
) -> list[FeedRow]:
    """Return the MAX_FEED_ENTRIES rows whose alliances (with members and citations) changed last.

    ``sort`` is part of the key, because other views have rows for the same two countries.
    """
    rows = [row for row in rows if row.alliances]
    written = last_modified_map(Alliance, ids=_alliances(rows), public=True)

    def last(row: HasAlliances) -> dt.datetime:
        # A record written outside the application has no versions, only ``updated_at``.
        return max(written.get(one.pk, one.updated_at) for one in row.alliances)

    newest = heapq.nlargest(MAX_FEED_ENTRIES, rows, key=lambda row: (last(row), -row.country.pk))
    alliances = {alliance.pk: alliance for row in newest for alliance in row.alliances}
    steps = {
        number: [_name_alliance(alliances[number], step) for step in told]
        for number, told in get_public_steps_bulk(list(alliances.values())).items()
    }
    return [
        FeedRow(
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


def _alliances(rows: Iterable[HasAlliances]) -> set[int]:
    return {alliance.pk for row in rows for alliance in row.alliances}


def _name_alliance(alliance: Alliance, step: PublicHistoryStep) -> PublicHistoryStep:
    """Add the alliance's name to a step if it is the one that published the alliance."""
    if not step.is_first:
        return step
    said = ChangeSentence(_("Published: %(alliance)s.") % {"alliance": isolate(str(alliance))})
    return PublicHistoryStep(step.moment, step.note, [said, *step.sentences])


def ally_correction_entries(rows: Iterable[HasAlliances]) -> list[FeedEntry]:
    """Return the published corrections of the rows' alliances."""
    return correction_entries("alliance", _alliances(rows))


def removed_allies(focus: Country, asked: AllyFilterSet) -> Iterable[RemovedRow]:
    """Yield the countries that are no longer allies because an alliance was withdrawn.

    Only alliances not edited since readers last saw them are used. Filters by certainty, disputes
    or sources yield nothing, because a row's former values are unknown.
    """
    withdrawn = {
        one.number: one.moment for one in withdrawn_records(Alliance) if one.last_public_version
    }
    if not withdrawn or not {"region", "kind", "on", "q"}.issuperset(asked.applied_values):
        return
    members = Membership.objects.in_force(asked.day).filter(alliance__in=withdrawn)
    if asked.ties.kind:
        members = members.filter(alliance__kind=asked.ties.kind)
    own = members.filter(country=focus).values("alliance")
    others = members.filter(alliance__in=own).exclude(country=focus)
    still = asked.qs.order_by().values("pk")
    countries = Country.objects.filter(pk__in=others.values("country")).exclude(pk__in=still)
    if region := asked.applied_values.get("region"):
        countries = countries.in_region(region)
    if text := asked.applied_values.get("q"):
        countries = countries.name_contains(text)
    named = countries.in_bulk()
    since: dict[int, dt.datetime] = {}
    for member in others.filter(country__in=named):
        moment = withdrawn[member.alliance_id]
        since[member.country_id] = max(moment, since.get(member.country_id, moment))
    for number, moment in since.items():
        country = named[number]
        yield RemovedRow(
            f"country/{focus.pk}/ally/{number}",
            country.created_at,
            removed_title(str(country.name)),
            country.get_absolute_url(),
            moment,
        )
