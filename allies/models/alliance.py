"""Alliances of countries. Their memberships are in ``membership.py``."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.models.base import (
    MAX_PROSE_LENGTH,
    PublicationIssue,
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
    WikidataField,
)
from allies.models.translation import TranslatedAttribute, localized_expression


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
        from allies.models.membership import Membership  # which imports this module

        return self.filter(pk__in=Membership.objects.filter(country=country).values("alliance"))

    def with_status(self, country: Country, day: dt.date) -> "AllianceQuerySet":
        """Annotate ``standing``, the TieStatus of the country's membership on a day."""
        from allies.models.membership import Membership  # which imports this module

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
    wikidata = WikidataField()
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
            models.UniqueConstraint(
                fields=["wikidata"],
                condition=~Q(wikidata=""),
                name="alliance_wikidata_unique",
                violation_error_message=_("Another alliance already has this Wikidata ID."),
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
