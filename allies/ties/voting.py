"""Agreement of two countries in United Nations votes, computed from recorded events."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from allies.models.citation import Stance
from allies.models.country import Country
from allies.models.event import (
    EVENT_YEARS,
    Event,
    EventQuerySet,
    Participation,
    ParticipationRole,
    YearlyCounts,
)
from allies.models.source import Source, SourceQuerySet

#: The roles that are a vote, in the order of display. An absent country did not vote.
VOTE_ROLES = (ParticipationRole.FOR, ParticipationRole.AGAINST, ParticipationRole.ABSTAINED)

#: A year or session with fewer joint votes is not compared with others.
MIN_VOTES = 10


class Period(models.TextChoices):
    """What roll calls are grouped by."""

    YEAR = "year", _("year")
    SESSION = "session", _("session")


class AgreementMeasure(models.TextChoices):
    """How agreement is measured; both are between 0 and 1."""

    IDENTICAL = "identical", _("identical votes")
    LIJPHART = "lijphart", _("Lijphart’s index (abstention = ½)")


@dataclass
class VoteAgreement:
    """Numbers of roll calls in which two countries both voted, by combination of their votes.

    ``cast`` is (vote of the first, vote of the second) → number of roll calls. ``period`` is a
    calendar year or the number of a session. It is None for the sum of several periods.
    """

    period: int | None = None
    cast: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def both_cast(self) -> int:
        """Number of roll calls in which each country voted yes, voted no or abstained."""
        return sum(self.cast.values())

    @property
    def identical(self) -> int:
        """Number of these roll calls in which both did the same."""
        return sum(number for (one, other), number in self.cast.items() if one == other)

    @property
    def differing(self) -> int:
        return self.both_cast - self.identical

    @property
    def partial(self) -> int:
        """Number of these roll calls in which exactly one of the two abstained."""
        abstained = ParticipationRole.ABSTAINED
        found = self.cast.items()
        return sum(n for votes, n in found if votes[0] != votes[1] and abstained in votes)

    @property
    def opposite(self) -> int:
        """Number of these roll calls in which one voted yes and the other no."""
        return self.differing - self.partial

    @property
    def share(self) -> float | None:
        """Identical votes divided by joint votes, 0 to 1; None if there are no joint votes."""
        return self.identical / self.both_cast if self.both_cast else None

    @property
    def lijphart(self) -> float | None:
        """Lijphart's index of agreement (1963), 0 to 1; None if there are no joint votes.

        An abstention against yes or no counts half. With these three votes, it is equal to S of
        Signorino and Ritter (1999), scaled to 0 to 1. The US State Department computes its voting
        coincidence in the same way.
        """
        return (self.identical + self.partial / 2) / self.both_cast if self.both_cast else None

    def measured(self, by: str) -> float | None:
        """Return the agreement by one of AgreementMeasure."""
        return self.lijphart if by == AgreementMeasure.LIJPHART else self.share

    @property
    def has_few_votes(self) -> bool:
        """Whether there are too few joint votes to compare the share with other periods."""
        return self.both_cast < MIN_VOTES

    @property
    def percent(self) -> float | None:
        """The share in percent."""
        return None if self.share is None else 100 * self.share

    @property
    def lijphart_percent(self) -> float | None:
        """Lijphart's index in percent."""
        return None if self.lijphart is None else 100 * self.lijphart

    def of(self, vote: str) -> int:
        """Number of roll calls in which both voted and the first country cast this vote."""
        return sum(number for (one, _other), number in self.cast.items() if one == vote)


def shared_roll_calls(one: Country, other: Country) -> EventQuerySet:
    """Return the published UN votes in which both voted; annotate ``vote`` and ``other_vote``.

    A roll call in which one of them is recorded with two different votes is left out.
    """
    return (
        Event.objects.published()
        .roll_calls()
        .annotate(vote=_vote_of(one), other_vote=_vote_of(other))
        .filter(vote__isnull=False, other_vote__isnull=False)
    )


def _vote_of(country: Country) -> Subquery:
    votes = Participation.objects.filter(event=OuterRef("pk"), country=country, role__in=VOTE_ROLES)
    once = votes.order_by().values("event").annotate(vote=Min("role"), last=Max("role"))
    return Subquery(once.filter(vote=F("last")).values("vote"))


def is_unanimous() -> Q:
    """Return the condition that all countries that voted in a roll call voted alike.

    It looks up at most one vote of each kind per roll call, by the index on event and role.
    """
    cast = Participation.objects.filter(event=OuterRef("pk"))
    yes, no, abstained = (Exists(cast.filter(role=vote)) for vote in VOTE_ROLES)
    return ~((yes & (no | abstained)) | (no & abstained))


def agreement_by_period(
    roll_calls: EventQuerySet, period: str = Period.YEAR
) -> list[VoteAgreement]:
    """Return the agreement per period in these roll calls (``shared_roll_calls``).

    Left out are roll calls whose year is not certain or, by session, whose session is not
    recorded. The first period comes first; one query.
    """
    if period == Period.SESSION:
        dated = roll_calls.filter(session__isnull=False).annotate(period=F("session"))
    else:
        first, last = EVENT_YEARS
        dated = roll_calls.annotate(period=first).filter(period=last)
    counts = (
        dated.order_by("period")
        .values_list("period", "vote", "other_vote")
        .annotate(number=Count("pk"))
    )
    periods: dict[int, VoteAgreement] = {}
    for number, vote, other_vote, count in counts:
        periods.setdefault(number, VoteAgreement(number)).cast[vote, other_vote] = count
    return list(periods.values())


def total_agreement(periods: Iterable[VoteAgreement]) -> VoteAgreement:
    """Return the sum over several periods."""
    total: Counter[tuple[str, str]] = Counter()
    for one in periods:
        total.update(one.cast)
    return VoteAgreement(cast=total)


def vote_sources(roll_calls: EventQuerySet) -> SourceQuerySet:
    """Return the published sources that support these roll calls.

    ``roll_calls``, the number of roll calls each supports, is annotated. The largest comes first.
    """
    return (
        Source.objects.published()
        .filter(citations__stance=Stance.SUPPORTS, citations__event__in=roll_calls.values("pk"))
        .annotate(roll_calls=Count("citations__event", distinct=True))
        .order_by("-roll_calls", "key")
    )


class CountryVotes(NamedTuple):
    """Numbers of roll calls in which one country voted, by its vote and by year."""

    by_vote: dict[str, int]
    by_year: YearlyCounts

    @property
    def total(self) -> int:
        return sum(self.by_vote.values())


def votes_of_country(country: Country, *, until: dt.date | None = None) -> CountryVotes:
    """Count the published roll calls in which a country voted; one query.

    ``until`` leaves out later roll calls.
    """
    roll_calls = Event.objects.published().roll_calls()
    roll_calls = roll_calls.until(until) if until else roll_calls
    first, last = EVENT_YEARS
    found = (
        roll_calls.annotate(vote=_vote_of(country), first=first, last=last)
        .filter(vote__isnull=False)
        .order_by()
        .values_list("vote", "first", "last")
        .annotate(number=Count("pk"))
    )
    by_vote: Counter[str] = Counter()
    by_year: Counter[tuple[int | None, int | None]] = Counter()
    for vote, year, other, number in found:
        by_vote[vote] += number
        by_year[year, other] += number
    votes = {str(vote): by_vote[vote] for vote in VOTE_ROLES}
    return CountryVotes(votes, YearlyCounts.of(by_year))


class RoleCounts(Counter[str]):
    """Role → number of countries that had it in one roll call."""

    @property
    def totals(self) -> "list[tuple[ParticipationRole, int]]":
        """(role, number) for yes, no, abstentions and absences, in this order, without zeros."""
        shown = (*VOTE_ROLES, ParticipationRole.ABSENT)
        return [(role, self[role]) for role in shown if self[role]]

    @property
    def is_unanimous(self) -> bool:
        """Whether all who voted cast the same vote."""
        return sum(bool(self[vote]) for vote in VOTE_ROLES) < 2


def count_roles(events: Iterable[int]) -> dict[int, RoleCounts]:
    """Return event id → numbers of countries by role, for these events; one query."""
    roles = {event: RoleCounts() for event in events}
    found = Participation.objects.filter(event__in=roles).order_by()
    for event, role, number in found.values_list("event_id", "role").annotate(n=Count("pk")):
        roles[event][role] = number
    return roles
