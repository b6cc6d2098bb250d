"""Alliances, and the memberships of countries in them."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.models.base import (
    MAX_PROSE_LENGTH,
    PublicationIssue,
    Record,
    Status,
    TitleMixin,
    choices_constraint,
    published_requires_text,
    validate_date_order,
    validate_title,
    validation_issues,
)
from allies.models.citation import EvidencedModel, EvidencedQuerySet
from allies.models.country import Country
from allies.models.fields import (
    EarliestDayField,
    EDTFField,
    LatestDayField,
    NormalizedTextField,
    ProseField,
)
from allies.models.translation import TranslatedAttribute, localized_expression
from allies.text.edtf import bounds, combine_dates


class AllianceKind(models.TextChoices):
    """Kinds of tie. COW and ATOP define the first four."""

    DEFENCE_PACT = "defence-pact", _("defence pact")
    NEUTRALITY_PACT = "neutrality-pact", _("neutrality pact")
    NON_AGGRESSION_PACT = "non-aggression-pact", _("non-aggression pact")
    ENTENTE = "entente", _("entente")
    STRATEGIC_PARTNERSHIP = "strategic-partnership", _("strategic partnership")
    INFORMAL_ALIGNMENT = "informal-alignment", _("informal alignment")
    ORGANISATION = "organisation", _("organisation")


#: Kinds that are treaties, and so are signed. The others only begin.
TREATIES = frozenset(
    {
        AllianceKind.DEFENCE_PACT,
        AllianceKind.NEUTRALITY_PACT,
        AllianceKind.NON_AGGRESSION_PACT,
        AllianceKind.ENTENTE,
    }
)


class TieStatus(models.TextChoices):
    """Status of a country's membership in an alliance on a given day."""

    IN_FORCE = "in-force", _("current and possibly current")
    PAST = "past", _("past")
    LATER = "later", _("later")


class AllianceQuerySet(EvidencedQuerySet["Alliance"]):
    target = "alliance"

    def published(self) -> "AllianceQuerySet":
        """Filter for public alliances: published, and supported by a published source."""
        return self.filter(status=Status.PUBLISHED).supported()

    def with_member(self, country: Country) -> "AllianceQuerySet":
        return self.filter(pk__in=Membership.objects.filter(country=country).values("alliance"))

    def with_status(self, country: Country, day: dt.date) -> "AllianceQuerySet":
        """Annotate ``standing``, the TieStatus of the country's membership on a day."""
        own = Membership.objects.filter(country=country, alliance=OuterRef("pk"))
        return self.annotate(
            standing=Case(
                When(Exists(own.in_force(day)), then=Value(TieStatus.IN_FORCE)),
                When(Exists(own.started_by(day)), then=Value(TieStatus.PAST)),
                default=Value(TieStatus.LATER),
            )
        )

    def in_force(self, day: dt.date) -> "AllianceQuerySet":
        """Filter for alliances that may have been in force on a day."""
        return self.filter(possibly_started_q(day), possibly_active_q(day))

    def newest_first(self) -> "AllianceQuerySet":
        start = models.functions.Coalesce("in_force_earliest", "signed_earliest")
        return self.order_by(start.desc(nulls_last=True), localized_expression("title"), "pk")


def possibly_started_q(day: dt.date, prefix: str = "") -> Q:
    """Return the condition that an alliance may have begun on or before a day.

    It begins when it enters into force or, if that date is not known, when it is signed. If
    neither date is known, the condition is true. ``prefix`` is the path to it, such as
    ``alliance__``.
    """
    return _may_be_by(day, f"{prefix}in_force") | (
        Q(**{f"{prefix}in_force": ""})
        & (Q(**{f"{prefix}signed": ""}) | _may_be_by(day, f"{prefix}signed"))
    )


def possibly_active_q(day: dt.date, prefix: str = "") -> Q:
    """Return the condition that an alliance may not have ended before a day.

    ``prefix`` is the path to it, such as ``alliance__``.
    """
    return _may_be_after(day, f"{prefix}ended")


def definitely_started_q(day: dt.date) -> Q:
    """Return the condition that a membership had certainly begun by a day.

    That is, it had begun in every reading of its imprecise dates. If the start is unknown, this
    is true for today and later days, but not for past days.
    """
    own, entry, signing = "joined", "alliance__in_force", "alliance__signed"

    def by(field: str) -> Q:
        known = Q(**{f"{field}_latest__lte": day})
        return known | Q(**{f"{field}_latest__isnull": True}) if is_not_past else known

    is_not_past = day >= timezone.localdate()

    return (
        (~Q(**{own: ""}) & by(own))
        | (Q(**{own: ""}) & ~Q(**{entry: ""}) & by(entry))
        | (Q(**{own: "", entry: ""}) & by(signing))
    )


def definitely_active_q(day: dt.date) -> Q:
    """Return the condition that a membership had certainly not ended before a day.

    That is, it had not ended in any reading of its imprecise dates. The last day counts. If the
    end is an open interval, its first possible day is the last day that counts.
    """
    own, theirs = Q(left_earliest__gte=day), Q(alliance__ended_earliest__gte=day)
    return (own & Q(left_latest__isnull=False)) | (
        (own | Q(left="")) & (theirs | Q(alliance__ended="")) & Q(left_latest__isnull=True)
    )


def _may_be_by(day: dt.date, field: str) -> Q:
    """Return the condition that a date is given, and may be this day or an earlier one."""
    return ~Q(**{field: ""}) & (
        Q(**{f"{field}_earliest__isnull": True}) | Q(**{f"{field}_earliest__lte": day})
    )


def _may_be_after(day: dt.date, field: str) -> Q:
    """Return the condition that a date is not given, or may be this day or a later one."""
    return Q(**{f"{field}_latest__isnull": True}) | Q(**{f"{field}_latest__gte": day})


class Alliance(TitleMixin, EvidencedModel):
    """A tie between two or more countries."""

    identifier = models.CharField(
        _("data-set ID"),
        max_length=80,
        blank=True,
        default="",
        help_text=_("The ID in a data set, like cow:278."),
    )
    kind = models.CharField(_("kind"), max_length=24, choices=AllianceKind)
    signed = EDTFField(_("signed"))
    signed_earliest = EarliestDayField("signed")
    signed_latest = LatestDayField("signed")
    in_force = EDTFField(_("in force"), help_text=_("The date it entered into force."))
    in_force_earliest = EarliestDayField("in_force", db_index=True)
    in_force_latest = LatestDayField("in_force")
    ended = EDTFField(_("ended"))
    ended_earliest = EarliestDayField("ended")
    ended_latest = LatestDayField("ended")
    summary_en = ProseField(
        _("summary (English)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )
    summary_ind = ProseField(
        _("summary (Indonesian)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )
    folded = NormalizedTextField("title_en", "title_ind", "identifier")

    summary = TranslatedAttribute()
    objects = AllianceQuerySet.as_manager()

    class Meta(EvidencedModel.Meta):
        verbose_name = _("alliance")
        verbose_name_plural = _("alliances")
        ordering = ["slug"]
        constraints = [
            choices_constraint("alliance", "status", Status),
            choices_constraint("alliance", "kind", AllianceKind),
            published_requires_text("alliance", "title"),
            models.UniqueConstraint(
                fields=["identifier"],
                condition=~Q(identifier=""),
                name="alliance_identifier_unique",
                violation_error_message=_("Another alliance already has this data-set ID."),
            ),
            models.CheckConstraint(
                condition=Q(ended_latest__isnull=True)
                | Q(in_force_earliest__isnull=True)
                | Q(ended_latest__gte=models.F("in_force_earliest")),
                name="alliance_ends_after_start",
                violation_error_message=_("An alliance cannot end before it enters into force."),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("allies:alliance-detail", args=[self.slug])

    @property
    def began(self) -> str:
        """The date it entered into force, else the date it was signed (EDTF)."""
        return self.in_force or self.signed

    @property
    def is_treaty(self) -> bool:
        return self.kind in TREATIES

    def clean(self) -> None:
        errors: dict[str, object] = {}
        validate_title(errors, self)
        validate_date_order(errors, self, "signed", "in_force")
        validate_date_order(errors, self, "signed", "ended")
        validate_date_order(errors, self, "in_force", "ended")
        if errors:
            raise ValidationError(errors)

    def publication_issues(self) -> list[PublicationIssue]:
        missing = [*self.support_issues(), *self.missing_title(), *self.missing_cited_keys()]
        missing += [*validation_issues(self)]
        memberships = list(self.memberships.select_related("country")) if self.pk else []
        if len({membership.country_id for membership in memberships}) < 2:
            missing.append(
                PublicationIssue(_("An alliance needs at least two members."), "memberships")
            )
        for membership in memberships:
            missing += [
                PublicationIssue(f"{membership.country}: {text}", "memberships")
                for text in [*validation_issues(membership), *membership.outside_alliance_dates()]
            ]
        return missing


class MembershipRole(models.TextChoices):
    MEMBER = "member", _("member")
    GUARANTOR = "guarantor", _("guarantor")
    OBSERVER = "observer", _("observer")
    ASSOCIATE = "associate", _("associate")


#: Possible obligations of a member, as in COW and ATOP, in the order of display.
OBLIGATIONS = ("defence", "neutrality", "non_aggression", "consultation")


class MembershipQuerySet(models.QuerySet["Membership"]):
    def published(self) -> "MembershipQuerySet":
        """Filter for memberships in public alliances."""
        return self.filter(alliance__in=Alliance.objects.published())

    def in_force(self, day: dt.date) -> "MembershipQuerySet":
        """Filter for memberships that may have been in force on a day.

        A membership lasts from the day it began to the day it ended, both included. If its own
        date is missing or open, its alliance's date counts. An unknown date excludes nothing.
        """
        lasted = Q(left_latest__gte=day) | (
            Q(left_latest__isnull=True) & possibly_active_q(day, "alliance__")
        )
        return self.started_by(day).filter(lasted)

    def definitely_in_force(self, day: dt.date) -> "MembershipQuerySet":
        """Filter for memberships certainly in force on a day, in every reading of their dates."""
        return self.filter(definitely_started_q(day), definitely_active_q(day))

    def order_by_start(self) -> "MembershipQuerySet":
        """Order by the first day they may have begun; fetch country and alliance."""
        dates = ("joined", "alliance__in_force", "alliance__signed")
        began = models.functions.Coalesce(
            *(f"{date}_{side}" for date in dates for side in ("earliest", "latest"))
        )
        return self.select_related("alliance", "country").order_by(
            began.asc(nulls_first=True),
            localized_expression("title", "alliance__"),
            localized_expression("name", "country__"),
            "pk",
        )

    def started_by(self, day: dt.date) -> "MembershipQuerySet":
        """Filter for memberships that may have begun on or before a day, ended or not."""
        return self.filter(
            Q(joined_earliest__lte=day)
            | (Q(joined_earliest__isnull=True) & possibly_started_q(day, "alliance__"))
        )


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
