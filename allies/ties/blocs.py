"""The members of several alliances on a day, side by side."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q

from allies.models.alliance import Alliance, AllianceKind, AllianceQuerySet, Standing
from allies.models.country import Country
from allies.models.membership import Membership, MembershipRole
from allies.ties.standing import best_standing

#: The roles that count; observers and associates are not members.
MEMBER_ROLES = (
    MembershipRole.MEMBER,
    MembershipRole.GUARANTOR,
    MembershipRole.BENEFICIARY,
)


@dataclass
class MemberOfBlocs:
    """A country, and its standing in each alliance in which it is or may be a member."""

    country: Country
    standings: dict[int, Standing] = field(default_factory=dict)

    @property
    def confirmed(self) -> list[int]:
        """The ids of the alliances in which its membership is confirmed."""
        return [pk for pk, found in self.standings.items() if found == Standing.CONFIRMED]

    @property
    def shown(self) -> list[int]:
        """The ids of the alliances to show it in: the confirmed ones, else all."""
        return self.confirmed or [*self.standings]


def members_of_blocs(alliances: Iterable[Alliance], day: dt.date) -> list[MemberOfBlocs]:
    """Return the members of published alliances on a day, by name; one query."""
    found: dict[int, MemberOfBlocs] = {}
    memberships = (
        Membership.objects.published()
        .filter(alliance__in=list(alliances), role__in=MEMBER_ROLES)
        .in_force(day)
        .with_standing(day)
        .select_related("country")
        .order_by("pk")
    )
    membership: Any
    for membership in memberships:
        member = found.setdefault(membership.country_id, MemberOfBlocs(membership.country))
        standings = [membership.standing, member.standings.get(membership.alliance_id)]
        known = [standing for standing in standings if standing]
        member.standings[membership.alliance_id] = best_standing(known)
    return sorted(found.values(), key=lambda member: (member.country.sort_key, member.country.pk))


def largest_alliances(day: dt.date, number: int) -> Sequence[Alliance]:
    """Return the published defence pacts and organisations with most members on a day; one query.

    Memberships that may have been in force count too.
    """
    members = Membership.objects.in_force(day).filter(role__in=MEMBER_ROLES)
    alliances: AllianceQuerySet = Alliance.objects.published()
    return list(
        alliances.filter(kind__in=(AllianceKind.DEFENCE_PACT, AllianceKind.ORGANISATION))
        .annotate(number=Count("memberships", filter=Q(memberships__in=members.values("pk"))))
        .filter(number__gt=0)
        .order_by("-number", "slug")[:number]
    )
