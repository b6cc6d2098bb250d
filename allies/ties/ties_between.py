"""Pairs of countries: their common alliances, past and present, and their obligations in these."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from allies.models.alliance import (
    CURRENT_STANDINGS,
    Alliance,
    AllianceQuerySet,
    Standing,
    kind_rank,
)
from allies.models.ally_list import Entry, EntryQuerySet
from allies.models.country import Country
from allies.models.event import Event, EventQuerySet
from allies.models.membership import OBLIGATIONS, Membership, roles_make_tie
from allies.text.edtf import bounds
from allies.ties.allies_on_day import common_end, common_start
from allies.ties.standing import StandingCounts, best_standing, last_confirmed, tie_standing


@dataclass(frozen=True)
class CountryPair:
    """Two different countries, sorted by slug: China and Russia."""

    first: Country
    second: Country

    @classmethod
    def of(cls, one: Country, other: Country) -> "CountryPair":
        return cls(*sorted([one, other], key=lambda country: country.slug))

    @property
    def countries(self) -> tuple[Country, Country]:
        return self.first, self.second

    @property
    def name(self) -> str:
        """Both names, as a title in the active language."""
        return gettext("%(first)s and %(second)s") % {
            "first": self.first.name,
            "second": self.second.name,
        }

    def get_absolute_url(self) -> str:
        return reverse("allies:pair-detail", args=[self.first.slug, self.second.slug])

    def alliances(self) -> AllianceQuerySet:
        """Return the published alliances that both have ever been members of.

        They need not have been members at the same time.
        """
        alliances = Alliance.objects.published()
        return alliances.with_member(self.first).with_member(self.second)

    def events(self) -> EventQuerySet:
        """Return the published events in which both have a role, without UN votes."""
        return self._with_both(Event.objects.published().except_roll_calls())

    def roll_calls(self) -> EventQuerySet:
        """Return the published UN votes in which both have a role, including "absent"."""
        return self._with_both(Event.objects.published().roll_calls())

    def _with_both(self, events: EventQuerySet) -> EventQuerySet:
        return events.with_participant(self.first).with_participant(self.second)

    def entries(self) -> EntryQuerySet:
        """Return the public list entries that name one as the other's ally."""
        entries = Entry.objects.published()
        return entries.filter(ally_list__focus=self.first, country=self.second) | entries.filter(
            ally_list__focus=self.second, country=self.first
        )


@dataclass(frozen=True)
class Obligation:
    """An obligation in an alliance that at least one of the two countries has.

    ``first`` and ``second`` say whether each country has it; None if that is not recorded.
    """

    name: str
    first: bool | None
    second: bool | None


@dataclass(frozen=True)
class SharedPeriod:
    """A period in which both were members, as EDTF texts no more precise than the sources.

    ``since`` is empty if it is unknown, ``until`` if no end is recorded.
    """

    since: str
    until: str


@dataclass(frozen=True)
class PairTie:
    """An alliance in which both countries are or were members at the same time.

    ``standing`` is its standing on the day asked for. ``last_confirmed`` is the last earlier day
    on which it certainly bound both.
    """

    alliance: Alliance
    periods: list[SharedPeriod]
    obligations: list[Obligation]
    standing: Standing
    last_confirmed: dt.date | None

    @property
    def periods_differ(self) -> bool:
        """Whether their common periods differ from the alliance's own dates."""
        return self.periods != [SharedPeriod(self.alliance.began, self.alliance.ended)]


def get_ties_between(
    pair: CountryPair, alliances: AllianceQuerySet, *, on: dt.date
) -> list[PairTie]:
    """Return the ties of two countries on a day, for these of their ``alliances()``.

    The stronger kinds come first; those of one kind keep their order.

    A tie is current if both memberships may have been in force on that day, as in an ally list.
    Alliances that one country had certainly left before the other joined are left out, and those
    in which their roles do not tie them. Two queries.
    """
    ties = (_tie(pair, alliance, on) for alliance in _with_memberships(pair, alliances, on))
    found = [tie for tie in ties if tie is not None]
    return sorted(found, key=lambda tie: kind_rank(tie.alliance.kind))


def count_ties(ties: Iterable[PairTie]) -> StandingCounts:
    """Count the current ties by standing; no query."""
    current = (tie for tie in ties if tie.standing in CURRENT_STANDINGS)
    return StandingCounts.of_allies((tie.standing, tie.last_confirmed) for tie in current)


def _with_memberships(
    pair: CountryPair, alliances: AllianceQuerySet, on: dt.date
) -> QuerySet[Alliance]:
    same = Membership.objects.filter(pk=OuterRef("pk"))
    memberships = (
        Membership.objects.filter(country__in=pair.countries)
        .annotate(
            is_in_force=Exists(same.in_force(on)),
            has_begun=Exists(same.started_by(on)),
        )
        .with_standing(on)
        .select_related("alliance")
        .order_by(F("joined_earliest").asc(nulls_first=True), "pk")
    )
    return alliances.prefetch_related(Prefetch("memberships", memberships, to_attr="of_both"))


def _tie(pair: CountryPair, alliance: Any, on: dt.date) -> PairTie | None:
    met = [
        (mine, theirs)
        for mine in alliance.of_both
        for theirs in alliance.of_both
        if (mine.country_id, theirs.country_id) == (pair.first.pk, pair.second.pk)
        and roles_make_tie(mine.role, theirs.role)
        and _may_overlap(mine, theirs)
    ]
    if not met:
        return None
    in_force = [both for both in met if all(one.is_in_force for one in both)]
    # Their obligations on the day or, if no tie is in force then, their last ones.
    mine, theirs = (in_force or met)[-1]
    periods = [
        SharedPeriod(common_start([mine, theirs]), common_end([mine, theirs]))
        for mine, theirs in met
    ]
    begun = any(mine.has_begun and theirs.has_begun for mine, theirs in met)
    standing = Standing.PAST if begun else Standing.LATER
    if in_force:
        standing = best_standing(map(tie_standing, in_force))
    return PairTie(
        alliance=alliance,
        periods=list(dict.fromkeys(periods)),
        obligations=_obligations(mine, theirs),
        standing=standing,
        last_confirmed=last_confirmed(met, on),
    )


def _may_overlap(one: Membership, other: Membership) -> bool:
    return all(
        (bounds(a.began).earliest or dt.date.min) <= (bounds(b.ended).latest or dt.date.max)
        for a, b in ((one, other), (other, one))
    )


def _obligations(mine: Membership, theirs: Membership) -> list[Obligation]:
    found = [Obligation(name, getattr(mine, name), getattr(theirs, name)) for name in OBLIGATIONS]
    return [duty for duty in found if duty.first or duty.second]
