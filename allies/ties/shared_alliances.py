"""The alliances that several countries share on a day."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product, starmap
from typing import Any

from allies.models.alliance import Alliance, Standing
from allies.models.country import Country
from allies.models.membership import Membership, roles_make_tie
from allies.ties.standing import best_standing, least_standing


@dataclass
class SharedAlliance:
    """An alliance, and the standing and roles of each country that is or may be a member, by id."""

    alliance: Alliance
    standings: dict[int, Standing] = field(default_factory=dict)
    roles: dict[int, set[str]] = field(default_factory=dict)

    def tie(self, one: Country, other: Country) -> Standing | None:
        """Return the standing of the tie of two countries; None if they have none here."""
        roles = product(*(self.roles.get(country.pk, ()) for country in (one, other)))
        if not any(starmap(roles_make_tie, roles)):
            return None
        return least_standing(self.standings[country.pk] for country in (one, other))


def shared_alliances(countries: Sequence[Country], day: dt.date) -> list[SharedAlliance]:
    """Return the published alliances of at least two of these countries on a day; one query.

    Those with most of the countries come first, then the oldest.
    """
    found: dict[int, SharedAlliance] = {}
    memberships = (
        Membership.objects.published()
        .filter(country__in=countries)
        .in_force(day)
        .with_standing(day)
        .order_by_start()
    )
    membership: Any
    for membership in memberships:
        shared = found.setdefault(membership.alliance_id, SharedAlliance(membership.alliance))
        standings = [shared.standings.get(membership.country_id), membership.standing]
        shared.standings[membership.country_id] = best_standing(filter(None, standings))
        shared.roles.setdefault(membership.country_id, set()).add(membership.role)
    several = [shared for shared in found.values() if len(shared.standings) > 1]
    return sorted(several, key=lambda shared: -len(shared.standings))
