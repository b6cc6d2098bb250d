"""Ties of a country on a day, computed from memberships; nothing here is stored."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Count, DateField, Exists, Min, OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce

from allies.models.alliance import Alliance, AllianceKind
from allies.models.base import count_distinct_subquery
from allies.models.citation import Citation
from allies.models.country import Country, CountryQuerySet
from allies.models.event import Event, Participation
from allies.models.membership import Membership, MembershipQuerySet
from allies.models.source import origin_of
from allies.text.edtf import bounds, combine_dates, is_qualified

#: Number of a country's latest events that are searched first for events in common with others.
RECENT_EVENTS = 50


@dataclass(frozen=True)
class Ties:
    """The ties of ``focus`` on the day ``on``, optionally of one kind only.

    A tie is a published alliance in which another country and the focus are, or may have been,
    members on that day (``Membership.objects.in_force``). The focus's own memberships are read
    once; a selection by kind reuses those of its ``candidates``.
    """

    focus: Country
    on: dt.date
    kind: str = ""
    candidates: "Ties | None" = None

    @cached_property
    def memberships_of_focus(self) -> dict[int, list[Any]]:
        """Alliance id → memberships of the focus; at most one query.

        ``is_certain`` says of each membership whether it was certainly in force on the day.
        """
        if self.candidates:
            every = self.candidates.memberships_of_focus.items()
            return {key: own for key, own in every if own[0].alliance.kind == self.kind}
        sure = Membership.objects.definitely_in_force(self.on).filter(pk=OuterRef("pk"))
        own = Membership.objects.published().in_force(self.on).filter(country=self.focus)
        if self.kind:
            own = own.filter(alliance__kind=self.kind)
        return group_by_alliance(own.select_related("alliance").annotate(is_certain=Exists(sure)))

    def of_kind(self, kind: str) -> "Ties":
        """Return only the ties of one kind; all of them for ""."""
        return Ties(self.focus, self.on, kind, candidates=self) if kind else self

    def shared_memberships(self) -> MembershipQuerySet:
        """Return the memberships that bind other countries to the focus."""
        found = Membership.objects.in_force(self.on).filter(
            alliance__in=[*self.memberships_of_focus]
        )
        return found.exclude(country=self.focus)

    def allies(self) -> CountryQuerySet:
        """Return the allies of the focus, ordered by name.

        Three values are annotated. ``independent_sources`` is the number of distinct origins of
        the published sources that support their ties. ``disputes`` is the number of citations
        that dispute these. ``certain`` says whether at least one tie was certainly in force on the
        day. Each ally's memberships in these alliances are prefetched as ``ties``.
        """
        return self._allies.all()

    @cached_property
    def _allies(self) -> CountryQuerySet:
        shared = self.shared_memberships()
        of_country = shared.filter(country=OuterRef("pk"))
        origin = origin_of("source__")
        sure = [
            key
            for key, own in self.memberships_of_focus.items()
            if any(tie.is_certain for tie in own)
        ]
        certain = of_country.definitely_in_force(self.on).filter(alliance__in=sure)
        citations = Citation.objects.from_published_sources().filter(
            alliance__in=shared.filter(country=OuterRef(OuterRef("pk"))).values("alliance")
        )
        # All citations in a subquery have the same stance, so grouping by it makes one group.
        return (
            Country.objects.filter(Exists(of_country))
            .annotate(
                independent_sources=count_distinct_subquery(
                    citations.supporting(), "stance", origin
                ),
                disputes=count_distinct_subquery(citations.disputing(), "stance", "pk"),
                certain=Exists(certain),
            )
            .prefetch_related(Prefetch("memberships", _with_disputes(shared), to_attr="ties"))
            .order_by_name()
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
        pairs = [
            (mine, tie)
            for tie in country.ties
            for mine in self.memberships_of_focus[tie.alliance_id]
        ]
        return AllyRow(
            country=country,
            alliances=oldest_first({tie.alliance for tie in country.ties}),
            since=common_since(pairs),
            latest_event=latest_event,
            independent_sources=country.independent_sources,
            disputed=bool(country.disputes),
            disputed_alliances={tie.alliance for tie in country.ties if tie.is_disputed},
            certain=country.certain,
            last_confirmed=None if country.certain else last_confirmed(pairs, self.on),
        )

    def _latest_events(self, countries: Iterable[Country]) -> dict[int, Event]:
        """Return country id → latest event in common with the focus.

        Most of these are among the ``RECENT_EVENTS`` latest events of the focus. Only for the other
        countries, all common events are searched: thousands, if votes of an assembly are recorded.
        """
        asked = {country.pk for country in countries}
        own = Event.objects.published().until(self.on).with_participant(self.focus).newest_first()
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


def _with_disputes(ties: MembershipQuerySet) -> MembershipQuerySet:
    """Fetch the alliances; annotate ``is_disputed``, whether a published source disputes it."""
    against = Citation.objects.from_published_sources().disputing()
    disputed = Exists(against.filter(alliance=OuterRef("alliance")))
    return ties.select_related("alliance").annotate(is_disputed=disputed)


class CertaintyCounts(NamedTuple):
    """Numbers of allies with certain ties on a day, and of allies with possible ties only.

    Each possible ally has a last year in which a tie was certain. ``years`` is the range of these
    years. It is None if an ally never had a certain tie, or if the years were not computed.
    """

    certain: int
    possible: int
    years: tuple[int, int] | None = None

    @classmethod
    def of(cls, counts: Mapping[bool, int]) -> "CertaintyCounts":
        return cls(counts.get(True, 0), counts.get(False, 0))

    @classmethod
    def of_allies(cls, allies: Iterable[tuple[bool, dt.date | None]]) -> "CertaintyCounts":
        """Count allies, given as (is certain, last day on which that is known)."""
        found = list(allies)
        last = [day for certain, day in found if not certain]
        known = sorted(day.year for day in last if day)
        years = (known[0], known[-1]) if known and len(known) == len(last) else None
        return cls(len(found) - len(last), len(last), years)

    @property
    def total(self) -> int:
        return self.certain + self.possible


def count_by_certainty(allies: Any) -> CertaintyCounts:
    """Count the certain and the possible allies (from ``Ties.allies``); one query."""
    counts = allies.order_by().values_list("certain").annotate(n=Count("pk"))
    return CertaintyCounts.of(dict(counts))


def certainty_on_the_day(ties: Ties) -> CertaintyCounts:
    """Count the certain and the possible allies on the day, including ``years``.

    One query, in addition to that of ``memberships_of_focus``.
    """
    sure = Membership.objects.definitely_in_force(ties.on).filter(pk=OuterRef("pk"))
    shared = ties.shared_memberships().select_related("alliance").annotate(is_certain=Exists(sure))
    allies: dict[int, list[tuple[Any, Any]]] = {}
    for theirs in shared:
        pairs = [(mine, theirs) for mine in ties.memberships_of_focus[theirs.alliance_id]]
        allies.setdefault(theirs.country_id, []).extend(pairs)
    return CertaintyCounts.of_allies(
        (
            any(one.is_certain and other.is_certain for one, other in pairs),
            last_confirmed(pairs, ties.on),
        )
        for pairs in allies.values()
    )


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

    ``certain`` says whether at least one tie was certainly in force on the day. If not,
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
    certain: bool
    last_confirmed: dt.date | None

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


def last_confirmed(pairs: Iterable[tuple[Membership, Membership]], day: dt.date) -> dt.date | None:
    """Return the last day before ``day`` on which one of these ties was certainly in force."""
    days = [found for pair in pairs if (found := _last_certain_day(pair)) and found < day]
    return max(days, default=None)


def _last_certain_day(memberships: Iterable[Membership]) -> dt.date | None:
    """Return the last day on which all of these were certainly in force.

    Returns None if there is none, if no end is recorded, or if a start or end is qualified.
    """
    memberships = list(memberships)
    if any(is_qualified(m.began) or is_qualified(m.ended) for m in memberships):
        return None
    begun = [bounds(membership.began).latest for membership in memberships]
    ended = [bounds(m.ended).earliest if m.ended else dt.date.max for m in memberships]
    if None in begun or None in ended:
        return None
    first, last = max(day for day in begun if day), min(day for day in ended if day)
    return last if first <= last < dt.date.max else None
