"""Differences between a country's ties on two days; nothing here is stored."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Case, Exists, OuterRef, Prefetch, Q, Value, When
from django.utils.translation import gettext_lazy as _

from allies.models.alliance import Alliance, AllianceKind
from allies.models.citation import Citation, Stance
from allies.models.country import Country, CountryQuerySet
from allies.models.membership import Membership, MembershipQuerySet
from allies.models.source import origin_of
from allies.text.edtf import combine_dates
from allies.ties.allies_on_day import (
    Ties,
    common_end,
    common_since,
    group_by_alliance,
    oldest_first,
)
from allies.ties.standing import MembershipPair


class TieChange(models.TextChoices):
    """How a country's ties to the focus country changed between two days."""

    BEGAN = "began", _("became an ally")
    ENDED = "ended", _("no longer an ally")
    CHANGED = "changed", _("still an ally, with other ties")


@dataclass(frozen=True)
class TieComparison:
    """The ties of a focus country on two days. ``start`` is not after ``end``."""

    at_start: Ties
    at_end: Ties

    @classmethod
    def of(cls, focus: Country, start: dt.date, end: dt.date) -> "TieComparison":
        return cls(Ties(focus, start), Ties(focus, end))

    @property
    def start(self) -> dt.date:
        return self.at_start.on

    @property
    def end(self) -> dt.date:
        return self.at_end.on

    def of_kind(self, kind: str) -> "TieComparison":
        """Return only the ties of one kind; all of them for ""."""
        return TieComparison(self.at_start.of_kind(kind), self.at_end.of_kind(kind))


def get_changed_allies(days: TieComparison) -> CountryQuerySet:
    """Return the countries whose ties to the focus differ between two days, ordered by name.

    A tie is an alliance that binds both on a day (``Ties``). ``change`` is annotated, a TieChange.
    The memberships are prefetched as ``ties_at_start`` and ``ties_at_end``. The numbers add up:
    allies at the start, plus those that began, minus those that ended, are the allies at the end.
    """
    before, after = days.at_start.shared_memberships(), days.at_end.shared_memberships()
    of_country = {"country": OuterRef("pk")}
    same = {"country": OuterRef("country"), "alliance": OuterRef("alliance")}
    gained = after.filter(~Exists(before.filter(**same)), **of_country)
    lost = before.filter(~Exists(after.filter(**same)), **of_country)
    return (
        Country.objects.filter(Q(Exists(gained)) | Q(Exists(lost)))
        .annotate(
            change=Case(
                When(~Exists(before.filter(**of_country)), then=Value(TieChange.BEGAN)),
                When(~Exists(after.filter(**of_country)), then=Value(TieChange.ENDED)),
                default=Value(TieChange.CHANGED),
            )
        )
        .prefetch_related(
            _allies_on_both_days(before, "ties_at_start"),
            _allies_on_both_days(after, "ties_at_end"),
        )
        .order_by_name()
    )


def _allies_on_both_days(
    ties: MembershipQuerySet, name: str
) -> "Prefetch[str, MembershipQuerySet, str]":
    return Prefetch("memberships", ties.select_related("alliance"), to_attr=name)


@dataclass(frozen=True)
class ChangedTie:
    """An alliance that began or ceased to bind two countries.

    ``date`` says when (EDTF), "" if unknown.
    """

    alliance: Alliance
    date: str
    independent_sources: int
    disputes: int


@dataclass(frozen=True)
class ChangedAlly:
    """A row for one country whose ties differ, for the page, CSV and JSON.

    ``independent_sources`` and ``disputed`` refer to all alliances in ``began`` and ``ended``
    together.
    """

    country: Country
    change: TieChange
    began: list[ChangedTie]
    ended: list[ChangedTie]
    kinds_gained: list[AllianceKind]
    kinds_lost: list[AllianceKind]
    independent_sources: int
    disputed: bool

    @property
    def alliances(self) -> list[Alliance]:
        """The alliances that began or ended, each once."""
        ties = (*self.began, *self.ended)
        return list({tie.alliance.pk: tie.alliance for tie in ties}.values())


def build_change_rows(days: TieComparison, countries: Iterable[Any]) -> list[ChangedAlly]:
    """Return rows for these countries, which come from ``get_changed_allies``.

    One query for the evidence, in addition to the three of that queryset.
    """
    found = list(countries)
    evidence = _Evidence(
        {tie.alliance_id for row in found for tie in (*row.ties_at_start, *row.ties_at_end)}
    )
    return [_row(country, days, evidence) for country in found]


class _Evidence:
    """Origins that support alliances, and numbers of citations that dispute them; one query."""

    def __init__(self, alliances: set[int]) -> None:
        self._origins: dict[int, set[int]] = {}
        self._disputes: Counter[int] = Counter()
        cited = Citation.objects.from_published_sources().filter(alliance__in=alliances)
        for alliance, stance, origin in cited.values_list(
            "alliance_id", "stance", origin_of("source__")
        ):
            if stance == Stance.SUPPORTS:
                self._origins.setdefault(alliance, set()).add(origin)
            else:
                self._disputes[alliance] += 1

    def independent_sources(self, *alliances: Alliance) -> int:
        return len(set().union(*(self._origins.get(a.pk, set()) for a in alliances)))

    def disputes(self, *alliances: Alliance) -> int:
        return sum(self._disputes[alliance.pk] for alliance in alliances)


def _row(
    country: Any,
    days: TieComparison,
    evidence: _Evidence,
) -> ChangedAlly:
    at_start, at_end = (
        group_by_alliance(country.ties_at_start),
        group_by_alliance(country.ties_at_end),
    )

    def changed(alliance: Alliance, date: str) -> ChangedTie:
        sources, disputes = evidence.independent_sources(alliance), evidence.disputes(alliance)
        return ChangedTie(alliance, date, sources, disputes)

    def pairs(
        ties: Ties, memberships: dict[int, list[Membership]], alliance: Alliance
    ) -> list[MembershipPair]:
        return [pair for theirs in memberships[alliance.pk] for pair in ties.pairs(theirs)]

    began = _only_in(at_end, at_start)
    ended = _only_in(at_start, at_end)
    kinds_before, kinds_after = _kinds(at_start), _kinds(at_end)
    return ChangedAlly(
        country=country,
        change=TieChange(country.change),
        began=[changed(a, common_since(pairs(days.at_end, at_end, a))) for a in began],
        ended=[changed(a, _until(pairs(days.at_start, at_start, a))) for a in ended],
        kinds_gained=[kind for kind in kinds_after if kind not in kinds_before],
        kinds_lost=[kind for kind in kinds_before if kind not in kinds_after],
        independent_sources=evidence.independent_sources(*began, *ended),
        disputed=bool(evidence.disputes(*began, *ended)),
    )


def _only_in(
    these: dict[int, list[Membership]], others: dict[int, list[Membership]]
) -> list[Alliance]:
    return oldest_first({ties[0].alliance for key, ties in these.items() if key not in others})


def _kinds(ties: dict[int, list[Membership]]) -> list[AllianceKind]:
    found = {memberships[0].alliance.kind for memberships in ties.values()}
    return [kind for kind in AllianceKind if kind in found]


def _until(pairs: list[tuple[Membership, Membership]]) -> str:
    """Return when the last tie ceased to bind both (EDTF): at the end of its first membership."""
    return combine_dates(max, [end for end in map(common_end, pairs) if end])
