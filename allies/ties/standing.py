"""The standing of ties and allies on a day: confirmed, last recorded or possible."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from allies.models.alliance import CURRENT_STANDINGS, Standing
from allies.models.membership import Membership
from allies.text.edtf import bounds, is_qualified

#: Two memberships that make a tie, each from ``MembershipQuerySet.with_standing``.
MembershipPair = tuple[Any, Any]


def tie_standing(pair: MembershipPair) -> Standing:
    """Return the standing of a tie: the less certain one of its two memberships."""
    return least_standing(membership.standing for membership in pair)


def least_standing(standings: Iterable[str]) -> Standing:
    """Return the least certain of several current standings."""
    return max(map(Standing, standings), key=CURRENT_STANDINGS.index)


def best_standing(standings: Iterable[str]) -> Standing:
    """Return the most certain of several current standings."""
    return min(map(Standing, standings), key=CURRENT_STANDINGS.index)


def last_confirmed(pairs: Iterable[MembershipPair], day: dt.date) -> dt.date | None:
    """Return the last day before ``day`` on which one of these ties was certainly in force."""
    days = [found for pair in pairs if (found := _last_certain_day(pair)) and found < day]
    return max(days, default=None)


def _last_certain_day(memberships: Iterable[Membership]) -> dt.date | None:
    """Return the last day on which all of these were certainly in force.

    Returns None if there is none, if neither an end nor an end of the sources' coverage is
    recorded, or if a start or end is qualified.
    """
    memberships = list(memberships)
    if any(is_qualified(m.began) or is_qualified(m.ended) for m in memberships):
        return None
    begun = [bounds(membership.began).latest for membership in memberships]
    ended = [bounds(m.ended).earliest if m.ended else dt.date.max for m in memberships]
    covered = [getattr(m, "covered_until", None) or dt.date.max for m in memberships]
    if None in begun or None in ended:
        return None
    first, last = max(day for day in begun if day), min(day for day in [*ended, *covered] if day)
    return last if first <= last < dt.date.max else None


class StandingCounts(NamedTuple):
    """Numbers of allies, or of ties, on a day by standing.

    ``years`` is the range of the years in which those that are last recorded were last confirmed;
    None if there are none, or if the years were not computed. ``by_defence_pact`` is how many of
    the confirmed allies are bound by a defence pact; None if that was not computed.
    """

    confirmed: int
    last_recorded: int
    possible: int
    years: tuple[int, int] | None = None
    by_defence_pact: int | None = None

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "StandingCounts":
        """Return the counts from numbers by standing."""
        return cls(
            counts.get(Standing.CONFIRMED, 0),
            counts.get(Standing.LAST_RECORDED, 0),
            counts.get(Standing.POSSIBLE, 0),
        )

    @classmethod
    def of_allies(cls, allies: Iterable[tuple[str, dt.date | None]]) -> "StandingCounts":
        """Count allies, given as (standing, last earlier day on which a tie was confirmed)."""
        found = list(allies)
        last = [day for standing, day in found if standing == Standing.LAST_RECORDED]
        known = sorted(day.year for day in last if day)
        years = (known[0], known[-1]) if known and len(known) == len(last) else None
        return cls.of(Counter(standing for standing, _day in found))._replace(years=years)

    @property
    def others(self) -> int:
        """The number of those that are not confirmed."""
        return self.last_recorded + self.possible

    @property
    def total(self) -> int:
        return self.confirmed + self.others
