"""Disagreements between sources about memberships: their dates, and whether there was one.

A source disagrees with us on a date if no day can be both: a less precise date is no
disagreement. A date that we leave open is the alliance's: it began between signature and entry into
force. A source that disputes a membership has an alliance without this member. The silence of a
source is no disagreement, because a source is seldom cited for all members.

The rules for dates exist twice: as expressions (``CitationQuerySet.with_date_differences``) for the
list of all disagreements, and here for the citations that the page of an alliance has fetched.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models
from django.db.models import Case, Prefetch, Q, Value, When
from django.utils.translation import gettext_lazy as _

from allies.models import Alliance, Citation, Membership, Source, Stance
from allies.models.date_differences import NEVER

if TYPE_CHECKING:
    from allies.models.citation import CitationQuerySet
    from allies.models.membership import MembershipQuerySet


class Difference(models.TextChoices):
    """What a source says differently about a membership."""

    JOINED = "joined", _("date of joining")
    LEFT = "left", _("date of leaving")
    ONLY_IN_ONE = "only-in-one", _("only in some sources")


#: The differences in dates, whose values are names of fields.
_DATES = (Difference.JOINED, Difference.LEFT)


# For the list of all disagreements.


def disagreements() -> "CitationQuerySet":
    """Return the public citations of memberships that disagree with us, with their records.

    Annotated are ``joined_differs``, ``left_differs`` and ``only_in_one``.
    """
    cited = Citation.objects.from_published_sources().filter(
        membership__alliance__in=Alliance.objects.published()
    )
    disputes = Q(stance=Stance.DISPUTES)
    found = cited.with_date_differences().annotate(
        only_in_one=Case(When(disputes, then=Value(True)), default=Value(False))
    )
    return found.filter(Q(joined_differs=True) | Q(left_differs=True) | disputes).select_related(
        "source", "membership__alliance", "membership__country"
    )


# For the page of one alliance.


@dataclass(frozen=True)
class DateReading:
    """A date of joining or leaving (EDTF), and the sources that give it."""

    date: str
    is_ours: bool
    sources: list[Source] = field(default_factory=list)


@dataclass(frozen=True)
class Disagreement:
    """A membership on which sources disagree.

    The ``readings`` of a date are ours first, then in order of date. ``disputing`` are the sources
    that have the alliance without this member.
    """

    membership: Membership
    difference: Difference
    readings: list[DateReading] = field(default_factory=list)
    disputing: list[Source] = field(default_factory=list)


class _Period(NamedTuple):
    """The first and last day that a date may mean; None if it is open or unknown."""

    earliest: dt.date | None
    latest: dt.date | None

    def is_before(self, other: "_Period") -> bool:
        return bool(self.latest and other.earliest and self.latest < other.earliest)


def with_membership_citations(memberships: "MembershipQuerySet") -> "MembershipQuerySet":
    """Prefetch the citations of public sources as ``shown_citations``."""
    citations = Citation.objects.from_published_sources().for_display()
    return memberships.prefetch_related(Prefetch("citations", citations, to_attr="shown_citations"))


def find_disagreements(memberships: Iterable[Any]) -> Iterator[Disagreement]:
    """Yield what sources say differently about memberships, in their order; no query.

    The memberships have their alliance and ``shown_citations``.
    """
    for membership in memberships:
        citations = membership.shown_citations
        for difference in _DATES:
            if any(_contradicts(one, membership, difference.value) for one in citations):
                readings = _readings(membership, difference.value)
                yield Disagreement(membership, difference, readings)
        disputing = {one.source: None for one in citations if one.stance == Stance.DISPUTES}
        if disputing:
            yield Disagreement(membership, Difference.ONLY_IN_ONE, disputing=list(disputing))


def _period(record: Any, name: str) -> _Period:
    return _Period(getattr(record, f"{name}_earliest"), getattr(record, f"{name}_latest"))


def _our_period(membership: Membership, name: str) -> _Period:
    """Return the first and last day that our date may mean."""
    alliance = membership.alliance
    if getattr(membership, name):
        return _period(membership, name)
    if name == "left":
        return _period(alliance, "ended") if alliance.ended else _Period(NEVER, None)
    first = _period(alliance, "signed" if alliance.signed else "in_force")
    last = _period(alliance, "in_force" if alliance.in_force else "signed")
    return _Period(first.earliest, last.latest)


def _contradicts(citation: Citation, membership: Membership, name: str) -> bool:
    """Return whether a source gives a date that ours cannot be."""
    theirs, ours = _period(citation, name), _our_period(membership, name)
    differs = theirs.is_before(ours) or ours.is_before(theirs)
    return citation.stance == Stance.SUPPORTS and differs


def _readings(membership: Any, name: str) -> list[DateReading]:
    ours = membership.began if name == "joined" else membership.ended
    readings = {ours: DateReading(ours, is_ours=True)}
    dated = [
        (str(date), one.source)
        for one in membership.shown_citations
        if one.stance == Stance.SUPPORTS and (date := getattr(one, name))
    ]
    for date, source in sorted(dated, key=lambda pair: pair[0]):
        reading = readings.setdefault(date, DateReading(date, is_ours=False))
        if source not in reading.sources:
            reading.sources.append(source)
    return list(readings.values())
