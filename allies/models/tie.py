"""Ties: what binds two countries on a day, read from memberships; nothing here is stored."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, Subquery

from allies.edtf import bounds
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
    the last published event, not after that day, in which both took part. Each carries its
    memberships in those alliances as ``ties``.
    """
    own = _own_memberships(focus, on, kind)
    ties = Membership.objects.in_force(on).filter(alliance__in=own.values("alliance"))
    of_country = ties.filter(country=OuterRef("pk"))
    citations = Citation.objects.from_published_sources().filter(
        alliance__in=ties.filter(country=OuterRef(OuterRef("pk"))).values("alliance")
    )
    events = (
        Event.objects.published()
        .filter(Q(date_earliest__isnull=True) | Q(date_earliest__lte=on))
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
        )
        .prefetch_related(Prefetch("memberships", ties.select_related("alliance"), to_attr="ties"))
        .by_name()
    )


def _own_memberships(focus: Country, on: dt.date, kind: str) -> MembershipQuerySet:
    own = Membership.objects.published().in_force(on).filter(country=focus)
    return own.filter(alliance__kind=kind) if kind else own


@dataclass(frozen=True)
class AllyRow:
    """One country of an ally list, as page, CSV and JSON show it."""

    country: Any
    alliances: list[Alliance]
    since: str
    latest_event: Event | None
    independent_sources: int
    disputed: bool

    @property
    def kinds(self) -> list[AllianceKind]:
        """The kinds of tie, in the order of their definition, each once."""
        found = {alliance.kind for alliance in self.alliances}
        return [kind for kind in AllianceKind if kind in found]


def ally_rows(focus: Country, allies: Any, *, on: dt.date, kind: str = "") -> list[AllyRow]:
    """Return the rows of these countries (from ``allies_of``); costs three queries."""
    countries = list(allies)
    own: dict[int, list[Membership]] = {}
    for membership in _own_memberships(focus, on, kind).select_related("alliance"):
        own.setdefault(membership.alliance_id, []).append(membership)
    events = Event.objects.in_bulk({country.latest_event for country in countries} - {None})
    return [
        AllyRow(
            country=country,
            alliances=_oldest_first({tie.alliance for tie in country.ties}),
            since=_since([(mine, tie) for tie in country.ties for mine in own[tie.alliance_id]]),
            latest_event=events.get(country.latest_event),
            independent_sources=country.independent_sources,
            disputed=bool(country.disputes),
        )
        for country in countries
    ]


def _oldest_first(alliances: set[Alliance]) -> list[Alliance]:
    return sorted(alliances, key=lambda alliance: (_first_day(alliance.began), alliance.pk))


def _first_day(date: str) -> dt.date:
    """Return the first day a date may mean; one that is open or unknown may be any."""
    return bounds(date).earliest or dt.date.min


def _since(pairs: list[tuple[Membership, Membership]]) -> str:
    """Return when the oldest tie began to bind both (EDTF), no more precisely than is known."""
    starts = [_pick(max, [mine.began, theirs.began]) for mine, theirs in pairs]
    return _pick(min, starts)


def _pick(pick: Callable[[list[dt.date]], dt.date], dates: list[str]) -> str:
    """Return the earliest (``min``) or latest (``max``) of imprecise dates, as an EDTF text.

    Its first possible day is that of the first days, its last possible day that of the last.
    """
    known = [(b.earliest or dt.date.min, b.latest or dt.date.max) for b in map(bounds, dates)]
    first, last = pick([start for start, _end in known]), pick([end for _start, end in known])
    if (first, last) in known:
        return dates[known.index((first, last))]
    if last == dt.date.max:
        return ""  # nobody knows by when
    start = ".." if first == dt.date.min else first.isoformat()
    return first.isoformat() if first == last else f"{start}/{last.isoformat()}"
