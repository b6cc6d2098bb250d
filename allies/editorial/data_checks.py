"""Checks that find records that look impossible, whatever their sources say.

Each check yields findings in constant memory. A finding is not an error of the site: the source
may be wrong, or two sources may differ. ``docs/data-quality.md`` explains each check.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, Model, OuterRef, Q, Subquery
from django.db.models.functions import ExtractDay, ExtractIsoWeekDay
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.evidence.disagreements import disagreements
from allies.models import Alliance, Event, Membership, Participation, Source, Stance
from allies.models.base import YearOf
from allies.models.fields import EDTFField
from allies.models.registry import record_models

#: At least so many records with the same day of end look like the end of a data set.
MANY_ENDS = 20

#: A year with fewer dated events of a kind is not examined for patterns in its days.
MANY_EVENTS = 20

#: The usual share of votes at weekends is lower; two of seven days are a weekend.
WEEKEND_SHARE = 0.2

#: Days of the month among which all events of a year are if their days are not real.
FIRST_DAYS = 7

#: Dates further ahead than this many years are questioned.
YEARS_AHEAD = 5


@dataclass(frozen=True)
class Finding:
    """Something that looks impossible: what it is about, and what is odd."""

    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.about}: {self.what}"


def _of(record: Model) -> str:
    return f"{record._meta.model_name} {record.pk} “{record}”"


def states_that_did_not_exist() -> Iterator[Finding]:
    """Yield memberships and participations that are outside the existence of their country."""
    members = Membership.objects.select_related("country", "alliance").filter(
        Q(country__existed_from_earliest__isnull=False)
        | Q(country__existed_to_latest__isnull=False)
    )
    for one in members.iterator():
        first, last = one.country.existed_from_earliest, one.country.existed_to_latest
        joined, left = one.joined_latest, one.left_earliest
        if first and joined and joined < first:
            yield Finding(_of(one), f"joined {one.joined}, before {first} when the state began")
        if last and left and left > last:
            yield Finding(_of(one), f"left {one.left}, after {last} when the state ended")
        if last and one.joined_earliest and one.joined_earliest > last:
            yield Finding(_of(one), f"joined {one.joined}, after {last} when the state ended")
    parts = Participation.objects.filter(
        Q(event__date_latest__lt=F("country__existed_from_earliest"))
        | Q(event__date_earliest__gt=F("country__existed_to_latest"))
    )
    counts = parts.order_by().values("country__name_en", "event__kind").annotate(n=Count("pk"))
    for row in counts.order_by("country__name_en", "event__kind"):
        yield Finding(
            f"{row['country__name_en']}, {row['event__kind']}",
            f"{row['n']} participations while the state did not exist",
        )


def memberships_outside_their_alliance() -> Iterator[Finding]:
    """Yield memberships that are certainly outside the dates of their alliance."""
    members = Membership.objects.select_related("country", "alliance").filter(
        Q(joined_earliest__gt=F("alliance__ended_latest"))
        | Q(left_latest__lt=F("alliance__in_force_earliest"), alliance__signed="")
        | Q(left_latest__lt=F("alliance__signed_earliest"))
    )
    for one in members.iterator():
        dates = f"{one.alliance.began or '?'} to {one.alliance.ended or '?'}"
        own = f"{one.joined or '?'} to {one.left or '?'}"
        yield Finding(_of(one), f"member from {own}, but the alliance lasted from {dates}")


def overlapping_memberships() -> Iterator[Finding]:
    """Yield countries with two memberships in one alliance that certainly overlap."""
    later = Membership.objects.filter(
        alliance=OuterRef("alliance"),
        country=OuterRef("country"),
        joined_latest__gt=OuterRef("joined_latest"),
    ).order_by("joined_latest")
    members = (
        Membership.objects.select_related("country", "alliance")
        .annotate(next=Subquery(later.values("joined_latest")[:1]))
        .filter(Q(left_earliest__gt=F("next")) | Q(left="", next__isnull=False))
    )
    for one in members.iterator():
        yield Finding(_of(one), f"another membership begins on {one.next}, before this one ends")  # type: ignore[attr-defined]


def one_day_for_many() -> Iterator[Finding]:
    """Yield days on which so many memberships end that they may be the end of a data set."""
    ends = (
        Membership.objects.filter(left_earliest=F("left_latest"))
        .order_by()
        .values("left_latest")
        .annotate(n=Count("pk"), alliances=Count("alliance", distinct=True))
        .filter(n__gte=MANY_ENDS, alliances__gte=MANY_ENDS)
    )
    for row in ends.order_by("left_latest"):
        yield Finding(
            f"{row['left_latest']}",
            f"{row['n']} memberships in {row['alliances']} alliances end on this day",
        )


def days_that_are_not_real() -> Iterator[Finding]:
    """Yield years in which the days of many events look made up.

    All of them are among the first seven days of a month, or too many are at weekends.
    """
    exact = Event.objects.filter(date_earliest=F("date_latest"))
    years = (
        exact.annotate(weekday=ExtractIsoWeekDay("date_earliest"))
        .order_by()
        .values("kind", year=YearOf("date_earliest"))
        .annotate(
            n=Count("pk"),
            weekend=Count("pk", filter=Q(weekday__gte=6)),
            last=Max(ExtractDay("date_earliest")),
        )
        .filter(n__gte=MANY_EVENTS)
    )
    for row in years.order_by("kind", "year"):
        about = f"{row['kind']} {row['year']}"
        if row["last"] <= FIRST_DAYS:
            yield Finding(about, f"all {row['n']} are dated the 1st to the {row['last']}th")
        elif row["weekend"] > WEEKEND_SHARE * row["n"]:
            yield Finding(about, f"{row['weekend']} of {row['n']} are dated at a weekend")


def far_futures() -> Iterator[Finding]:
    """Yield records with a date more than five years ahead."""
    limit = dt.date(timezone.localdate().year + YEARS_AHEAD, 12, 31)
    for model in record_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EDTFField):
                path = f"{field.name}_earliest__gt"
                for record in model._default_manager.filter(**{path: limit}).iterator():
                    yield Finding(_of(record), f"{field.name} {getattr(record, field.name)}")


def sources_that_disagree() -> Iterator[Finding]:
    """Yield memberships of which a public source says something else than we do."""
    for one in disagreements().iterator():
        membership: Any = one.membership
        ours = f"{membership.began or '?'} to {membership.ended or '?'}"
        theirs = f"{one.joined or '?'} to {one.left or '?'}"
        if one.stance == Stance.DISPUTES:
            theirs = "never a member"
        yield Finding(_of(membership), f"{one.source.key} says {theirs}, we say {ours}")


def coverage_without_end() -> Iterator[Finding]:
    """Yield published data sets that do not say which days they cover."""
    for source in Source.objects.published().filter(kind="dataset", covers_to="").iterator():
        yield Finding(_of(source), "does not say until when it covers; its ties never age")


def alliances_without_name() -> Iterator[Finding]:
    """Yield the number of published alliances that only have a description for a name."""
    generated = Alliance.objects.published().filter(
        Q(title_en__regex=r"\(1[0-9]{3}\)$") | Q(title_en__regex=r" of 1[0-9]{3}: "),
        wikidata="",
        aliases=None,
    )
    if number := generated.count():
        yield Finding("alliances", f"{number} have no name, only kind, members and year")


#: Name of a check → what it finds, and the check.
CHECKS: dict[str, tuple[Any, Callable[[], Iterator[Finding]]]] = {
    "existence": (_("States that did not exist on the day"), states_that_did_not_exist),
    "outside": (_("Memberships outside their alliance"), memberships_outside_their_alliance),
    "overlap": (_("Memberships that overlap"), overlapping_memberships),
    "one-day": (_("One day of end for many memberships"), one_day_for_many),
    "days": (_("Days that are not real"), days_that_are_not_real),
    "future": (_("Dates far in the future"), far_futures),
    "disagree": (_("Sources that disagree with us"), sources_that_disagree),
    "coverage": (_("Data sets without coverage"), coverage_without_end),
    "names": (_("Alliances without a name"), alliances_without_name),
}
