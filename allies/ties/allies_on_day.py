"""Ties of a country on a day, computed from memberships; nothing here is stored."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateField,
    Exists,
    Min,
    OuterRef,
    Prefetch,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from allies.models.alliance import CURRENT_STANDINGS, Alliance, AllianceKind, Standing
from allies.models.base import count_distinct_subquery
from allies.models.citation import Citation
from allies.models.country import Country, CountryQuerySet
from allies.models.event import Event, Participation
from allies.models.membership import Membership, MembershipQuerySet, roles_make_tie
from allies.models.source import origin_of
from allies.text.edtf import bounds, combine_dates
from allies.ties.standing import (
    MembershipPair,
    StandingCounts,
    best_standing,
    last_confirmed,
    least_standing,
    tie_standing,
)

#: Number of a country's latest events that are searched first for events in common with others.
RECENT_EVENTS = 50


@dataclass(frozen=True)
class Ties:
    """The ties of ``focus`` on the day ``on``, optionally of one kind only.

    A tie is a published alliance in which another country and the focus are, or may have been,
    members on that day (``Membership.objects.in_force``), in roles that tie them
    (``roles_make_tie``). The focus's own memberships are read once; a selection by kind reuses
    those of its ``candidates``.
    """

    focus: Country
    on: dt.date
    kind: str = ""
    candidates: "Ties | None" = None

    @cached_property
    def memberships_of_focus(self) -> dict[int, list[Any]]:
        """Alliance id → memberships of the focus; at most one query.

        Each membership has its ``standing`` on the day.
        """
        if self.candidates:
            every = self.candidates.memberships_of_focus.items()
            return {key: own for key, own in every if own[0].alliance.kind == self.kind}
        own = Membership.objects.published().in_force(self.on).filter(country=self.focus)
        if self.kind:
            own = own.filter(alliance__kind=self.kind)
        return group_by_alliance(own.select_related("alliance").with_standing(self.on))

    def of_kind(self, kind: str) -> "Ties":
        """Return only the ties of one kind; all of them for ""."""
        return Ties(self.focus, self.on, kind, candidates=self) if kind else self

    @cached_property
    def _shared(self) -> list[tuple[int, int, int, Standing]]:
        """(id, alliance id, country id, standing of the tie) of others; at most one query."""
        if self.candidates:
            wanted = self.memberships_of_focus
            return [row for row in self.candidates._shared if row[1] in wanted]
        own = self.memberships_of_focus
        others = Membership.objects.in_force(self.on).filter(alliance__in=[*own])
        rows: Any = others.exclude(country=self.focus).with_standing(self.on)
        found = []
        for pk, alliance, country, role, standing in rows.values_list(
            "pk", "alliance_id", "country_id", "role", "standing"
        ):
            mine = [tie.standing for tie in own[alliance] if roles_make_tie(tie.role, role)]
            if mine:
                tied = least_standing([best_standing(mine), standing])
                found.append((pk, alliance, country, tied))
        return found

    def pairs(self, theirs: Membership) -> list[MembershipPair]:
        """Return the focus's memberships that make a tie with this one, each paired with it."""
        own = self.memberships_of_focus[theirs.alliance_id]
        return [(mine, theirs) for mine in own if roles_make_tie(mine.role, theirs.role)]

    def shared_memberships(self) -> MembershipQuerySet:
        """Return the memberships that bind other countries to the focus."""
        return Membership.objects.filter(pk__in=[row[0] for row in self._shared])

    def allies(self) -> CountryQuerySet:
        """Return the allies of the focus by standing, the confirmed first, then by name.

        Three values are annotated. ``independent_sources`` is the number of distinct origins of
        the published sources that support their ties. ``disputes`` is the number of citations
        that dispute these. ``standing`` is the Standing of the most certain tie on the day. Each
        ally's memberships in these alliances are prefetched as ``ties``.
        """
        return self._allies.all()

    def standing_by_country(self) -> dict[int, Standing]:
        """Return country id → standing of its most certain tie to the focus."""
        found: dict[int, list[Standing]] = {}
        for _pk, _alliance, country, standing in self._shared:
            found.setdefault(country, []).append(standing)
        return {country: best_standing(standings) for country, standings in found.items()}

    @cached_property
    def _allies(self) -> CountryQuerySet:
        standings = self.standing_by_country()
        of_standing = {
            one: [country for country, standing in standings.items() if standing == one]
            for one in CURRENT_STANDINGS
        }
        shared = self.shared_memberships()
        citations = Citation.objects.from_published_sources().filter(
            alliance__in=shared.filter(country=OuterRef(OuterRef("pk"))).values("alliance")
        )
        # All citations in a subquery have the same stance, so grouping by it makes one group.
        return (
            Country.objects.filter(pk__in=[*standings])
            .annotate(
                independent_sources=count_distinct_subquery(
                    citations.supporting(), "stance", origin_of("source__")
                ),
                disputes=count_distinct_subquery(citations.disputing(), "stance", "pk"),
                standing=Case(
                    *(When(pk__in=ids, then=Value(one)) for one, ids in of_standing.items()),
                    default=Value(Standing.POSSIBLE),
                ),
            )
            .prefetch_related(
                Prefetch("memberships", _with_disputes(shared, self.on), to_attr="ties")
            )
            .order_by_name("standing")
        )

    def rows(self, allies: Iterable[Country], *, with_events: bool = True) -> list["AllyRow"]:
        """Return the rows of these countries, which come from ``allies``.

        Two queries for the countries. With events, three or four more for the latest published
        event, not after the day, in which both took part.
        """
        countries = list(allies)
        events = self._latest_events(countries) if with_events else {}
        return [self._row(country, events.get(country.pk)) for country in countries]

    def _row(self, country: Any, latest_event: Event | None) -> "AllyRow":
        pairs = [pair for tie in country.ties for pair in self.pairs(tie)]
        return AllyRow(
            country=country,
            alliances=oldest_first({tie.alliance for tie in country.ties}),
            since=common_since(pairs),
            latest_event=latest_event,
            independent_sources=country.independent_sources,
            disputed=bool(country.disputes),
            disputed_alliances={tie.alliance for tie in country.ties if tie.is_disputed},
            standing=Standing(country.standing),
            last_confirmed=None
            if country.standing == Standing.CONFIRMED
            else last_confirmed(pairs, self.on),
        )

    def _latest_events(self, countries: Iterable[Country]) -> dict[int, Event]:
        """Return country id → latest event in common with the focus.

        Most of these are among the ``RECENT_EVENTS`` latest events of the focus. Only for the other
        countries, all common events are searched: thousands, if votes of an assembly are recorded.
        """
        asked = {country.pk for country in countries}
        own = Event.objects.published().except_roll_calls().until(self.on)
        own = own.with_participant(self.focus).newest_first()
        recent = list(own.values_list("pk", flat=True)[:RECENT_EVENTS])
        place = {event: number for number, event in enumerate(recent)}
        met = Participation.objects.filter(event__in=recent, country__in=asked)
        oldest_first = sorted(met.values_list("event", "country"), key=lambda pair: -place[pair[0]])
        latest = {country: event for event, country in oldest_first}
        left = asked - latest.keys()
        if left and len(recent) == RECENT_EVENTS:
            common = own.filter(participations__country=OuterRef("pk"))
            found = Country.objects.filter(pk__in=left).order_by()
            latest |= found.values_list("pk", Subquery(common.values("pk")[:1]))
        events = Event.objects.in_bulk({event for event in latest.values() if event})
        return {country: events[event] for country, event in latest.items() if event}


def group_by_alliance(memberships: Iterable[Membership]) -> dict[int, list[Membership]]:
    """Return alliance id → memberships."""
    found: dict[int, list[Membership]] = {}
    for membership in memberships:
        found.setdefault(membership.alliance_id, []).append(membership)
    return found


def _with_disputes(ties: MembershipQuerySet, day: dt.date) -> MembershipQuerySet:
    """Fetch the alliances; annotate the standing, and whether a published source disputes it."""
    against = Citation.objects.from_published_sources().disputing()
    disputed = Exists(against.filter(alliance=OuterRef("alliance")))
    return ties.select_related("alliance").with_standing(day).annotate(is_disputed=disputed)


def count_by_standing(allies: Any) -> StandingCounts:
    """Count the allies (from ``Ties.allies``) by standing; one query."""
    counts = allies.order_by().values_list("standing").annotate(n=Count("pk"))
    return StandingCounts.of(dict(counts))


def standing_on_the_day(ties: Ties) -> StandingCounts:
    """Count the allies on the day by standing, with ``years`` and ``by_defence_pact``.

    One query, in addition to that of ``memberships_of_focus``.
    """
    shared = ties.shared_memberships().select_related("alliance").with_standing(ties.on)
    allies: dict[int, list[MembershipPair]] = {}
    for theirs in shared:
        allies.setdefault(theirs.country_id, []).extend(ties.pairs(theirs))
    counts = StandingCounts.of_allies(
        (best_standing(map(tie_standing, pairs)), last_confirmed(pairs, ties.on))
        for pairs in allies.values()
    )
    bound = sum(any(map(_is_defence_pact, pairs)) for pairs in allies.values())
    return counts._replace(by_defence_pact=bound)


def _is_defence_pact(pair: MembershipPair) -> bool:
    """Whether a tie is confirmed on the day, and a defence pact."""
    is_pact = pair[0].alliance.kind == AllianceKind.DEFENCE_PACT
    return is_pact and tie_standing(pair) == Standing.CONFIRMED


def first_year_with_ties(*countries: Country) -> int | None:
    """Return the earliest year in which one of these countries existed or had a tie.

    If neither is known, return the year of their first event; None if there is none. One query,
    and one more for the events.
    """
    existed = (c.existed_from_earliest or c.existed_from_latest for c in countries)
    first = min((day for day in (*existed, _first_day_of_ties(countries)) if day), default=None)
    if first is None:
        events = Event.objects.published().filter(participations__country__in=countries)
        first = events.aggregate(first=Min("date_earliest"))["first"]
    return first.year if first else None


def _first_day_of_ties(countries: Iterable[Country]) -> dt.date | None:
    own = Membership.objects.published().filter(country__in=countries)
    began = Coalesce(
        *("joined_earliest", "joined_latest"),
        *("alliance__in_force_earliest", "alliance__in_force_latest"),
        *("alliance__signed_earliest", "alliance__signed_latest"),
        output_field=DateField(),
    )
    first: dt.date | None = own.aggregate(first=Min(began))["first"]
    return first


@dataclass(frozen=True)
class AllyRow:
    """A row for one ally, for the page, CSV and JSON.

    ``standing`` is that of the most certain tie on the day. If it is not confirmed,
    ``last_confirmed`` is the last earlier day on which one was. ``disputed_alliances`` are those
    of ``alliances`` that a published source disputes.
    """

    country: Any
    alliances: list[Alliance]
    since: str
    latest_event: Event | None
    independent_sources: int
    disputed: bool
    disputed_alliances: set[Alliance]
    standing: Standing
    last_confirmed: dt.date | None

    @property
    def certain(self) -> bool:
        """Whether a tie was certainly in force on the day."""
        return self.standing == Standing.CONFIRMED

    @property
    def kinds(self) -> list[AllianceKind]:
        """The distinct kinds of tie, in the order of ``AllianceKind``."""
        found = {alliance.kind for alliance in self.alliances}
        return [kind for kind in AllianceKind if kind in found]


def oldest_first(alliances: Iterable[Alliance]) -> list[Alliance]:
    """Return alliances sorted by the first day they may have begun."""
    return sorted(alliances, key=lambda alliance: (_first_day(alliance.began), alliance.pk))


def _first_day(date: str) -> dt.date:
    """Return the first day a date may mean; the minimum date if it is open or unknown."""
    return bounds(date).earliest or dt.date.min


def common_since(pairs: list[tuple[Membership, Membership]]) -> str:
    """Return when the oldest tie began to bind both (EDTF), no more precise than the sources."""
    return combine_dates(min, [common_start(pair) for pair in pairs])


def common_start(memberships: Iterable[Membership]) -> str:
    """Return when the last of these began (EDTF), "" if unknown."""
    return combine_dates(max, [membership.began for membership in memberships])


def common_end(memberships: Iterable[Membership]) -> str:
    """Return when the first of these ended (EDTF), "" if no end is recorded."""
    ends = [membership.ended for membership in memberships if membership.ended]
    return combine_dates(min, ends) if ends else ""
