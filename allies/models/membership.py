"""Memberships of countries in alliances, and which of them are in force on a day."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.lookups import Contains, IsNull, LessThanOrEqual
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.models.alliance import (
    Alliance,
    Standing,
    first_known,
    not_ended_q,
    started_q,
)
from allies.models.base import Record, choices_constraint, validate_date_order
from allies.models.citation import Citation, CitationQuerySet
from allies.models.country import Country, country_order
from allies.models.fields import EarliestDayField, EDTFField, LatestDayField
from allies.models.provenance import ProvenanceQuerySet
from allies.models.translation import localized_expression
from allies.text.edtf import QUALIFIERS, bounds, combine_dates


class MembershipRole(models.TextChoices):
    MEMBER = "member", _("member")
    GUARANTOR = "guarantor", _("guarantor")
    BENEFICIARY = "beneficiary", _("beneficiary")
    OBSERVER = "observer", _("observer")
    ASSOCIATE = "associate", _("associate")


#: Roles that tie a country to all others in an alliance.
FULL_ROLES = frozenset({MembershipRole.MEMBER, MembershipRole.GUARANTOR})


def roles_make_tie(one: str, other: str) -> bool:
    """Return whether two countries with these roles in an alliance are tied to each other.

    Beneficiaries, observers and associates are tied to its members, not to one another.
    """
    return bool({one, other} & FULL_ROLES)


#: Possible obligations of a member, as in COW and ATOP, in the order of display.
OBLIGATIONS = ("defence", "offence", "neutrality", "non_aggression", "consultation")


#: The dates on which a membership may have begun; the first that is given counts.
_STARTS = ("joined", "alliance__in_force", "alliance__signed")


def definitely_started_q(day: dt.date) -> Q:
    """Return the condition that a membership had certainly begun by a day.

    That is, it had begun in every reading of its imprecise dates. If the start is unknown, this
    is true for today and later days, but not for past days. A qualified start ("about 1990") is
    never certain.
    """
    latest, text = first_known(_STARTS, "_latest"), first_known(_STARTS)
    begun = Q(LessThanOrEqual(latest, day))
    if day >= timezone.localdate():
        begun |= Q(IsNull(latest, True))
    return begun & ~Q(*(Contains(text, mark) for mark in sorted(QUALIFIERS)), _connector=Q.OR)


def definitely_active_q(day: dt.date) -> Q:
    """Return the condition that a membership had certainly not ended before a day.

    That is, it had not ended in any reading of its imprecise dates. The last day counts. If the
    end is an open interval, its first possible day is the last day that counts. With a qualified
    end ("about 1990"), the membership is never certainly active.
    """
    own = Q(left_earliest__gte=day) & ~qualified_q("left")
    theirs = Q(alliance__ended_earliest__gte=day) & ~qualified_q("alliance__ended")
    return (own & Q(left_latest__isnull=False)) | (
        (own | Q(left="")) & (theirs | Q(alliance__ended="")) & Q(left_latest__isnull=True)
    )


def qualified_q(field: str) -> Q:
    """Return the condition that a date is qualified (``edtf.is_qualified``)."""
    return Q(*((f"{field}__contains", mark) for mark in sorted(QUALIFIERS)), _connector=Q.OR)


def open_end_q() -> Q:
    """Return the condition that the end is an open interval: it ended on that day or later.

    The membership had certainly begun by that day.
    """
    own = ~Q(left="") & Q(left_latest__isnull=True) & ~qualified_q("left")
    theirs = ~Q(alliance__ended="") & Q(alliance__ended_latest__isnull=True)
    begun = first_known(_STARTS, "_latest")
    ended = Case(When(~Q(left=""), then="left_earliest"), default="alliance__ended_earliest")
    return Q(LessThanOrEqual(begun, ended)) & (
        own | (Q(left="") & theirs & ~qualified_q("alliance__ended"))
    )


def confirmed_q(day: dt.date) -> Q:
    """Return the condition that a membership is confirmed on a day (``Standing``)."""
    covered = Exists(_about_membership(Citation.objects.covering(day)))
    return definitely_started_q(day) & definitely_active_q(day) & Q(covered)


def recorded_q(day: dt.date) -> Q:
    """Return the condition that a membership is confirmed or last recorded on a day."""
    return definitely_started_q(day) & (definitely_active_q(day) | open_end_q())


def _about_membership(citations: CitationQuerySet) -> CitationQuerySet:
    """Filter for citations about a membership of the outer query, or about its alliance."""
    return citations.filter(Q(alliance=OuterRef("alliance_id")) | Q(membership=OuterRef("pk")))


def _covered_until() -> Subquery:
    """Return the last day that the sources of a membership cover; NULL if one has no such day."""
    latest = _about_membership(Citation.objects.covering(dt.date.min)).order_by(
        F("source__covers_to_latest").desc(nulls_first=True)
    )
    return Subquery(latest.values("source__covers_to_latest")[:1])


class MembershipQuerySet(ProvenanceQuerySet["Membership"]):
    def published(self) -> "MembershipQuerySet":
        """Filter for memberships in public alliances."""
        return self.filter(alliance__in=Alliance.objects.published())

    def evidence(self) -> CitationQuerySet:
        rows = self.order_by()
        return (
            Citation.objects.from_published_sources()
            .supporting()
            .filter(Q(membership__in=rows.values("pk")) | Q(alliance__in=rows.values("alliance")))
        )

    def is_redistributable(self) -> Q:
        """Return the condition that a membership does not rest on withheld sources alone.

        It rests on its own supporting citations or, without any, on those of its alliance. A
        citation whose dates contradict ours does not count, because ours came from elsewhere.
        """
        own = Citation.objects.from_published_sources().supporting()
        own = own.filter(membership=OuterRef("pk")).with_date_differences()
        own = own.filter(Q(joined_differs=False) & Q(left_differs=False))
        of_alliance = Q(alliance__in=Alliance.objects.redistributable().values("pk"))
        return Q(Exists(own.redistributable())) | (~Exists(own) & of_alliance)

    def in_force(self, day: dt.date) -> "MembershipQuerySet":
        """Filter for memberships that may have been in force on a day, whatever their standing.

        A membership lasts from the day it began to the day it ended, both included. If its own
        date is missing or open, its alliance's date counts. An unknown end excludes nothing.
        """
        lasted = Q(left_latest__gte=day) | (
            Q(left_latest__isnull=True) & not_ended_q(day, "alliance__")
        )
        return self.started_by(day).filter(lasted)

    def confirmed(self, day: dt.date) -> "MembershipQuerySet":
        """Filter for memberships in force on a day in every reading of their dates.

        One of the sources that support the membership or its alliance covers the day.
        """
        return self.filter(confirmed_q(day))

    def recorded(self, day: dt.date) -> "MembershipQuerySet":
        """Filter for memberships that are confirmed or last recorded on a day."""
        return self.filter(recorded_q(day))

    def with_standing(self, day: dt.date) -> "MembershipQuerySet":
        """Annotate ``standing`` and ``covered_until`` of memberships that are in force on a day.

        ``covered_until`` is the last day that their sources cover; None if one has no such day.
        """
        return self.annotate(
            standing=Case(
                When(confirmed_q(day), then=Value(Standing.CONFIRMED)),
                When(recorded_q(day), then=Value(Standing.LAST_RECORDED)),
                default=Value(Standing.POSSIBLE),
            ),
            covered_until=_covered_until(),
        )

    def order_by_start(self) -> "MembershipQuerySet":
        """Order by the first day they may have begun; fetch country and alliance."""
        dates = ("joined", "alliance__in_force", "alliance__signed")
        began = models.functions.Coalesce(
            *(f"{date}_{side}" for date in dates for side in ("earliest", "latest"))
        )
        return self.select_related("alliance", "country").order_by(
            began.asc(nulls_first=True),
            localized_expression("title", "alliance__"),
            country_order("country__"),
            "pk",
        )

    def started_by(self, day: dt.date) -> "MembershipQuerySet":
        """Filter for memberships that may have begun on or before a day, ended or not.

        An open or unknown beginning reaches back to the days that the sources cover.
        """
        reached = _about_membership(Citation.objects.reaching_back_to(day))
        return self.filter(started_q(day, _STARTS, reached))


class Membership(Record):
    """A country's membership in an alliance. A country that left and rejoined has two."""

    alliance = models.ForeignKey(
        Alliance, verbose_name=_("alliance"), on_delete=models.CASCADE, related_name="memberships"
    )
    country = models.ForeignKey(
        Country, verbose_name=_("country"), on_delete=models.PROTECT, related_name="memberships"
    )
    joined = EDTFField(_("joined"), help_text=_("If empty: since the alliance began."))
    joined_earliest = EarliestDayField("joined")
    joined_latest = LatestDayField("joined")
    left = EDTFField(
        _("left"), help_text=_("If empty: still a member, or until the alliance ended.")
    )
    left_earliest = EarliestDayField("left")
    left_latest = LatestDayField("left")
    role = models.CharField(
        _("role"), max_length=12, choices=MembershipRole, default=MembershipRole.MEMBER
    )
    defence = models.BooleanField(_("defence obligation"), null=True, blank=True)
    offence = models.BooleanField(_("offence obligation"), null=True, blank=True)
    neutrality = models.BooleanField(_("neutrality obligation"), null=True, blank=True)
    non_aggression = models.BooleanField(_("non-aggression obligation"), null=True, blank=True)
    consultation = models.BooleanField(_("consultation obligation"), null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["alliance", "country", "joined"]
        constraints = [
            choices_constraint("membership", "role", MembershipRole),
            models.UniqueConstraint(
                fields=["alliance", "country", "joined"],
                name="membership_once",
                violation_error_message=_(
                    "This country already has a membership with this date of joining."
                ),
            ),
            models.CheckConstraint(
                condition=Q(left_latest__isnull=True)
                | Q(joined_earliest__isnull=True)
                | Q(left_latest__gte=models.F("joined_earliest")),
                name="membership_left_after_joined",
                violation_error_message=_("A country cannot leave before it joins."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} – {self.alliance}"

    @property
    def code(self) -> str:
        """The key of this membership in files: nato/SWE/2024-03-07, or nato/SWE if undated."""
        parts = (self.alliance.slug, self.country.code, self.joined)
        return "/".join(part for part in parts if part)

    @property
    def publication_root(self) -> Alliance:
        return self.alliance

    @property
    def began(self) -> str:
        """The date it began (EDTF): its own date, else its alliance's."""
        return self.joined or self.alliance.began

    @property
    def ended(self) -> str:
        """The date it ended (EDTF): its own date, else its alliance's.

        If its own date is an open interval, both are combined: it ended with the alliance at the
        latest.
        """
        own, theirs = self.left, self.alliance.ended
        is_open = own and theirs and not bounds(own).latest
        return combine_dates(min, [own, theirs]) if is_open else own or theirs

    def outside_alliance_dates(self) -> list[str]:
        """Return messages if its dates are certainly outside the alliance's dates."""
        began, ended = bounds(self.alliance.began).earliest, bounds(self.alliance.ended).latest
        joined, left = bounds(self.joined).earliest, bounds(self.left).latest
        found = []
        if joined and ended and joined > ended:
            found.append(str(_("The country joined after the alliance ended.")))
        if left and began and left < began:
            found.append(str(_("The country left before the alliance began.")))
        return found

    @property
    def obligations(self) -> list[str]:
        """The obligations of this member, as field names in the order of display."""
        return [duty for duty in OBLIGATIONS if getattr(self, duty)]

    def clean(self) -> None:
        errors: dict[str, object] = {}
        validate_date_order(errors, self, "joined", "left")
        if errors:
            raise ValidationError(errors)
