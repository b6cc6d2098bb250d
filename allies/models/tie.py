"""Ties: what binds two countries on a day, read from memberships; nothing here is stored."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Count, DateField, Exists, Min, OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce

from allies.edtf import bounds, pick_date
from allies.models.alliance import Alliance, AllianceKind, Membership, MembershipQuerySet
from allies.models.base import counted
from allies.models.citation import Citation
from allies.models.country import Country, CountryQuerySet
from allies.models.event import Event
from allies.models.source import origin_of


def allies_of(focus: Country, *, on: dt.date, kind: str = "") -> CountryQuerySet:
    """Return the countries bound to ``focus`` on a day, in alphabetical order.

    A country is one where both were, or may have been, members of one published alliance (of this
    kind, if one is given) on that day: ``Membership.objects.in_force``. Annotated are
    ``independent_sources``, the distinct origins of the published sources that support those
    alliances; ``disputes``, the number of citations against them; and ``latest_event``, the id of
    the last published event, not after that day, in which both took part; and ``certain``, whether
    one at least of those ties was in force on the day without a doubt. Each carries its memberships
    in those alliances as ``ties``.
    """
    own = own_memberships(focus, on, kind)
    ties = Membership.objects.in_force(on).filter(alliance__in=own.values("alliance"))
    of_country = ties.filter(country=OuterRef("pk"))
    certain = of_country.certainly_in_force(on).filter(
        alliance__in=own.certainly_in_force(on).values("alliance")
    )
    citations = Citation.objects.from_published_sources().filter(
        alliance__in=ties.filter(country=OuterRef(OuterRef("pk"))).values("alliance")
    )
    events = (
        Event.objects.published()
        .until(on)
        .filter(participations__country=focus)
        .filter(participations__country=OuterRef("pk"))
        .newest_first()
    )
    # The citations counted have one stance each: grouped by it, they are one group.
    return (
        Country.objects.exclude(pk=focus.pk)
        .filter(Exists(of_country))
        .annotate(
            independent_sources=counted(citations.supporting(), "stance", origin_of("source__")),
            disputes=counted(citations.disputing(), "stance", "pk"),
            latest_event=Subquery(events.values("pk")[:1]),
            certain=Exists(certain),
        )
        .prefetch_related(Prefetch("memberships", _with_disputes(ties), to_attr="ties"))
        .by_name()
    )


def _with_disputes(ties: MembershipQuerySet) -> MembershipQuerySet:
    """Fetch the alliances, and annotate ``is_disputed``: whether a source says otherwise."""
    against = Citation.objects.from_published_sources().disputing()
    disputed = Exists(against.filter(alliance=OuterRef("alliance")))
    return ties.select_related("alliance").annotate(is_disputed=disputed)


class CertaintyCounts(NamedTuple):
    """How many allies are tied for certain on a day, and how many perhaps."""

    certain: int
    perhaps: int

    @property
    def all(self) -> int:
        return self.certain + self.perhaps


def certainty_of(allies: Any) -> CertaintyCounts:
    """Count the certain and the possible among allies (from ``allies_of``); costs one query."""
    counts = Counter(dict(allies.order_by().values_list("certain").annotate(n=Count("pk"))))
    return CertaintyCounts(counts[True], counts[False])


def own_memberships(focus: Country, on: dt.date, kind: str) -> MembershipQuerySet:
    """Return the country's own memberships on a day, in published alliances of a kind or of any."""
    own = Membership.objects.published().in_force(on).filter(country=focus)
    return own.filter(alliance__kind=kind) if kind else own


def first_year_of(*countries: Country) -> int | None:
    """Return the first year of which a tie of these countries tells, or since when they existed.

    It is that of their first event where neither is known, None where nothing is. Costs a query,
    one more where there is no tie.
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
    """One country of an ally list, as page, CSV and JSON show it.

    ``certain`` says whether one of the ties at least was in force on the day without a doubt;
    ``disputed_alliances`` are those of ``alliances`` that a source disputes.
    """

    country: Any
    alliances: list[Alliance]
    since: str
    latest_event: Event | None
    independent_sources: int
    disputed: bool
    disputed_alliances: set[Alliance]
    certain: bool

    @property
    def kinds(self) -> list[AllianceKind]:
        """The kinds of tie, in the order of their definition, each once."""
        found = {alliance.kind for alliance in self.alliances}
        return [kind for kind in AllianceKind if kind in found]


def ally_rows(focus: Country, allies: Any, *, on: dt.date, kind: str = "") -> list[AllyRow]:
    """Return the rows of these countries (from ``allies_of``); costs three queries."""
    countries = list(allies)
    own: dict[int, list[Membership]] = {}
    for membership in own_memberships(focus, on, kind).select_related("alliance"):
        own.setdefault(membership.alliance_id, []).append(membership)
    events = Event.objects.in_bulk({country.latest_event for country in countries} - {None})
    pairs = {
        country.pk: [(mine, tie) for tie in country.ties for mine in own[tie.alliance_id]]
        for country in countries
    }
    return [
        AllyRow(
            country=country,
            alliances=oldest_first({tie.alliance for tie in country.ties}),
            since=since(pairs[country.pk]),
            latest_event=events.get(country.latest_event),
            independent_sources=country.independent_sources,
            disputed=bool(country.disputes),
            disputed_alliances={tie.alliance for tie in country.ties if tie.is_disputed},
            certain=country.certain,
        )
        for country in countries
    ]


def oldest_first(alliances: Iterable[Alliance]) -> list[Alliance]:
    """Return alliances in the order in which they may have begun."""
    return sorted(alliances, key=lambda alliance: (_first_day(alliance.began), alliance.pk))


def _first_day(date: str) -> dt.date:
    """Return the first day a date may mean; one that is open or unknown may be any."""
    return bounds(date).earliest or dt.date.min


def since(pairs: list[tuple[Membership, Membership]]) -> str:
    """Return when the oldest tie began to bind both (EDTF), no more precisely than is known."""
    return pick_date(min, [common_start(pair) for pair in pairs])


def common_start(memberships: Iterable[Membership]) -> str:
    """Return when the last of these began (EDTF), "" where nobody knows."""
    return pick_date(max, [membership.began for membership in memberships])


def common_end(memberships: Iterable[Membership]) -> str:
    """Return when the first of these ended (EDTF), "" where no end is recorded."""
    ends = [membership.ended for membership in memberships if membership.ended]
    return pick_date(min, ends) if ends else ""
