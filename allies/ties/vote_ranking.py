"""How alike all other countries vote with one country in the United Nations."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db.models import Count, Max, Min

from allies.models.country import Country
from allies.models.event import Event, EventQuerySet, Participation
from allies.page_cache.memo import while_unchanged
from allies.ties.voting import MIN_VOTES, VOTE_ROLES, VoteAgreement

#: By default, a country is ranked if it took part in this share of the votes of the focus.
DEFAULT_SHARE = 0.1


class YearRange(NamedTuple):
    """A range of calendar years, both included; None if a side is open."""

    first: int | None = None
    last: int | None = None

    @property
    def is_in_order(self) -> bool:
        """Whether the first year is not after the last one."""
        return self.first is None or self.last is None or self.first <= self.last

    def roll_calls(self) -> EventQuerySet:
        """Return the published UN votes that were certainly held in these years."""
        events = Event.objects.published().roll_calls()
        if self.first is not None:
            events = events.filter(date_earliest__year__gte=self.first)
        if self.last is not None:
            events = events.filter(date_latest__year__lte=self.last)
        return events


class VotesOfAll(NamedTuple):
    """The votes of one country together with those of all others.

    ``cast`` is the number of roll calls in which it voted, ``first`` and ``last`` are the years of
    these roll calls (None if there are none). ``others`` maps the ids of the other countries to
    their agreement with it.
    """

    cast: int
    first: int | None
    last: int | None
    others: dict[int, VoteAgreement]

    @property
    def default_minimum(self) -> int:
        """Number of joint votes from which a country is ranked, if the reader names none."""
        return max(MIN_VOTES, round(self.cast * DEFAULT_SHARE))


def votes_of_all(
    focus: Country, years: YearRange, *, among: Sequence[Country] | None = None
) -> VotesOfAll:
    """Return the agreement of all countries with ``focus`` in these years.

    ``among`` limits the countries. The roll calls are those of ``voting.shared_roll_calls``. Two
    queries. A third finds countries that are recorded with two different votes in one roll call;
    its result is cached until the content changes. If there are any, two more.
    """
    doubles = while_unchanged("votes recorded twice", _recorded_twice)
    left_out = [event for event, country in doubles if country == focus.pk]
    roll_calls = years.roll_calls().exclude(pk__in=left_out)
    votes = Participation.objects.filter(role__in=VOTE_ROLES, event__in=roll_calls.values("pk"))
    own = votes.filter(country=focus).order_by()
    span = own.aggregate(
        cast=Count("pk"), first=Min("event__date_earliest"), last=Max("event__date_latest")
    )
    with_focus = votes.exclude(country=focus).filter(
        event__participations__country=focus, event__participations__role__in=VOTE_ROLES
    )
    if among is not None:
        with_focus = with_focus.filter(country__in=among)
    counts = (
        with_focus.order_by()
        .values_list("country", "event__participations__role", "role")
        .annotate(number=Count("pk"))
    )
    cast: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
    for country, mine, theirs, number in counts:
        cast[country][mine, theirs] = number
    for country, mine, theirs in _wrongly_counted(doubles, own, with_focus):
        cast[country][mine, theirs] -= 1
    return VotesOfAll(
        span["cast"],
        span["first"] and span["first"].year,
        span["last"] and span["last"].year,
        {country: VoteAgreement(cast=numbers) for country, n in cast.items() if (numbers := +n)},
    )


def _recorded_twice() -> list[tuple[int, int]]:
    """Return (event id, country id) if a country is recorded with two different votes."""
    votes = Participation.objects.filter(role__in=VOTE_ROLES).order_by()
    return list(
        votes.values("event", "country")
        .annotate(number=Count("pk"))
        .filter(number__gt=1)
        .values_list("event", "country")
    )


def _wrongly_counted(
    doubles: list[tuple[int, int]], own: Any, votes: Any
) -> Iterator[tuple[int, str, str]]:
    """Yield (country, vote of the focus, its vote) of the votes that are recorded twice."""
    if not doubles:
        return
    events = {event for event, _country in doubles}
    mine = dict(own.filter(event__in=events).values_list("event", "role"))
    for event, country, role in votes.filter(event__in=mine).values_list(
        "event", "country", "role"
    ):
        if (event, country) in doubles:
            yield country, mine[event], role
