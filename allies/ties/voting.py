"""How often two countries voted alike in the United Nations: counted from the events."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, F, Max, Min, OuterRef, Subquery

from allies.models.base import YearOf
from allies.models.citation import Stance
from allies.models.country import Country
from allies.models.event import Event, EventKind, EventQuerySet, Participation, ParticipationRole
from allies.models.source import Source, SourceQuerySet

#: The roles that are a vote, in the order they are shown. Who was absent did not vote.
VOTE_ROLES = (ParticipationRole.FOR, ParticipationRole.AGAINST, ParticipationRole.ABSTAINED)

#: A year with fewer joint votes than these says too little to be compared with others.
MIN_VOTES = 10


@dataclass
class VoteAgreement:
    """The votes two countries both cast in a year, or in several: how many of each combination.

    ``cast`` is (vote of the first, vote of the second) → number of roll calls.
    """

    year: int | None = None
    cast: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def both_cast(self) -> int:
        """Roll calls in which both voted yes, voted no or abstained."""
        return sum(self.cast.values())

    @property
    def identical(self) -> int:
        """Those of them in which both did the same."""
        return sum(number for (one, other), number in self.cast.items() if one == other)

    @property
    def differing(self) -> int:
        return self.both_cast - self.identical

    @property
    def share(self) -> float | None:
        """Identical votes of the joint ones, 0 to 1; None where there are none."""
        return self.identical / self.both_cast if self.both_cast else None

    @property
    def has_few_votes(self) -> bool:
        """Whether there are too few joint votes to compare the share with that of other years."""
        return self.both_cast < MIN_VOTES

    @property
    def percent(self) -> float | None:
        """The share in percent."""
        return None if self.share is None else 100 * self.share

    def of(self, vote: str) -> int:
        """How often the first country voted so, where both voted."""
        return sum(number for (one, _other), number in self.cast.items() if one == vote)


def shared_roll_calls(one: Country, other: Country) -> EventQuerySet:
    """Return the published UN votes in which both voted, with ``vote`` and ``other_vote``.

    A country recorded with two different votes in one roll call counts with neither.
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
    """Return how the two voted in these roll calls (``shared_roll_calls``), a calendar year each.

    Counted as the Correlates of War users know it from Voeten (``agree3un``): of the roll calls in
    which both voted yes, voted no or abstained, those in which both did the same. A roll call whose
    year is not certain is in none. Oldest first; costs one query.
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
    """Return the sum of several years."""
    total: Counter[tuple[str, str]] = Counter()
    for one in years:
        total.update(one.cast)
    return VoteAgreement(cast=total)


def vote_sources(roll_calls: EventQuerySet) -> SourceQuerySet:
    """Return the published sources that support these roll calls, with how many: ``roll_calls``."""
    return (
        Source.objects.published()
        .filter(citations__stance=Stance.SUPPORTS, citations__event__in=roll_calls.values("pk"))
        .annotate(roll_calls=Count("citations__event", distinct=True))
        .order_by("-roll_calls", "key")
    )
