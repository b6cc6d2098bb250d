"""Agreement of two countries in United Nations votes, computed from recorded events."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, F, Max, Min, OuterRef, Subquery

from allies.models.base import YearOf
from allies.models.citation import Stance
from allies.models.country import Country
from allies.models.event import Event, EventKind, EventQuerySet, Participation, ParticipationRole
from allies.models.source import Source, SourceQuerySet

#: The roles that are a vote, in the order of display. An absent country did not vote.
VOTE_ROLES = (ParticipationRole.FOR, ParticipationRole.AGAINST, ParticipationRole.ABSTAINED)

#: A year with fewer joint votes is not compared with other years.
MIN_VOTES = 10


@dataclass
class VoteAgreement:
    """Numbers of roll calls in which two countries both voted, by combination of their votes.

    ``cast`` is (vote of the first, vote of the second) → number of roll calls. ``year`` is None
    for the sum of several years.
    """

    year: int | None = None
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
    def share(self) -> float | None:
        """Identical votes divided by joint votes, 0 to 1; None if there are no joint votes."""
        return self.identical / self.both_cast if self.both_cast else None

    @property
    def has_few_votes(self) -> bool:
        """Whether there are too few joint votes to compare the share with other years."""
        return self.both_cast < MIN_VOTES

    @property
    def percent(self) -> float | None:
        """The share in percent."""
        return None if self.share is None else 100 * self.share

    def of(self, vote: str) -> int:
        """Number of roll calls in which both voted and the first country cast this vote."""
        return sum(number for (one, _other), number in self.cast.items() if one == vote)


def shared_roll_calls(one: Country, other: Country) -> EventQuerySet:
    """Return the published UN votes in which both voted; annotate ``vote`` and ``other_vote``.

    A roll call in which one of them is recorded with two different votes is left out.
    """
    return (
        Event.objects.published()
        .filter(kind=EventKind.UN_VOTE)
        .annotate(vote=_vote_of(one), other_vote=_vote_of(other))
        .filter(vote__isnull=False, other_vote__isnull=False)
    )


def _vote_of(country: Country) -> Subquery:
    votes = Participation.objects.filter(event=OuterRef("pk"), country=country, role__in=VOTE_ROLES)
    once = votes.order_by().values("event").annotate(vote=Min("role"), last=Max("role"))
    return Subquery(once.filter(vote=F("last")).values("vote"))


def votes_by_year(roll_calls: EventQuerySet) -> list[VoteAgreement]:
    """Return the agreement per calendar year in these roll calls (``shared_roll_calls``).

    The method is Voeten's ``agree3un``: of the roll calls in which each country voted yes, voted
    no or abstained, the share in which both did the same. A roll call whose year is not certain
    is left out. Oldest year first; one query.
    """
    counts = (
        roll_calls.annotate(year=YearOf("date_earliest"))
        .filter(year=YearOf("date_latest"))
        .order_by("year")
        .values_list("year", "vote", "other_vote")
        .annotate(number=Count("pk"))
    )
    years: dict[int, VoteAgreement] = {}
    for year, vote, other_vote, number in counts:
        years.setdefault(year, VoteAgreement(year)).cast[vote, other_vote] = number
    return list(years.values())


def total_agreement(years: Iterable[VoteAgreement]) -> VoteAgreement:
    """Return the sum over several years."""
    total: Counter[tuple[str, str]] = Counter()
    for one in years:
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
