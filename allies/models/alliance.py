"""Alliances of countries. Their memberships are in ``membership.py``."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.lookups import IsNull, LessThanOrEqual
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.models.alias import NamedQuerySet
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
from allies.models.citation import Citation, EvidencedModel, EvidencedQuerySet
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


def kind_rank(kind: str) -> int:
    """Return the place of a kind among all kinds, the strongest promise first: 0 for defence."""
    return AllianceKind.values.index(kind)


#: Kinds that are treaties, and so are signed. The others only begin.
TREATIES = frozenset(
    {
        AllianceKind.DEFENCE_PACT,
        AllianceKind.NEUTRALITY_PACT,
        AllianceKind.NON_AGGRESSION_PACT,
        AllianceKind.ENTENTE,
    }
)


class Standing(models.TextChoices):
    """How certain a tie is on a given day, the most certain first.

    A tie is confirmed if it was in force in every reading of its dates, and a source that supports
    it covers the day. It is last recorded if it began, no end is known, and all its sources end
    before the day. It is possible if imprecise dates allow it.
    """

    CONFIRMED = "confirmed", _("confirmed")
    LAST_RECORDED = "last-recorded", _("last recorded")
    POSSIBLE = "possible", _("possible")
    PAST = "past", _("past")
    LATER = "later", _("later")


#: The standings of ties that are not known to be past or later.
CURRENT_STANDINGS = (Standing.CONFIRMED, Standing.LAST_RECORDED, Standing.POSSIBLE)


class AllianceQuerySet(  # type: ignore[override]  # of as_manager, which only Django calls
    NamedQuerySet["Alliance"], EvidencedQuerySet["Alliance"]
):
    target = named = "alliance"

    def published(self) -> "AllianceQuerySet":
        """Filter for public alliances: published, and supported by a published source."""
        return self.filter(status=Status.PUBLISHED).supported()

    def with_member(self, country: Country) -> "AllianceQuerySet":
        from allies.models.membership import Membership  # which imports this module

        return self.filter(pk__in=Membership.objects.filter(country=country).values("alliance"))

    def with_standing(self, country: Country, day: dt.date) -> "AllianceQuerySet":
        """Annotate ``standing``, the Standing of the country's best membership on a day."""
        from allies.models.membership import Membership  # which imports this module

        own = Membership.objects.filter(country=country, alliance=OuterRef("pk"))
        return self.annotate(
            standing=Case(
                When(Exists(own.confirmed(day)), then=Value(Standing.CONFIRMED)),
                When(Exists(own.recorded(day)), then=Value(Standing.LAST_RECORDED)),
                When(Exists(own.in_force(day)), then=Value(Standing.POSSIBLE)),
                When(Exists(own.started_by(day)), then=Value(Standing.PAST)),
                default=Value(Standing.LATER),
            )
        )

    def in_force(self, day: dt.date) -> "AllianceQuerySet":
        """Filter for alliances that may have been in force on a day.

        An open or unknown beginning reaches back to the days that the sources cover.
        """
        reached = Citation.objects.reaching_back_to(day).filter(alliance=OuterRef("pk"))
        return self.filter(started_q(day, ("in_force", "signed"), reached), not_ended_q(day))

    def newest_first(self) -> "AllianceQuerySet":
        start = models.functions.Coalesce("in_force_earliest", "signed_earliest")
        return self.order_by(start.desc(nulls_last=True), localized_expression("title"), "pk")


def first_known(fields: Sequence[str], side: str = "") -> Case:
    """Return the value of the first of these dates that is given, or one of its ``side``s.

    ``side`` is "", "_earliest" or "_latest". If none is given, the value is that of the last.
    """
    *first, last = fields
    return Case(
        *(When(~Q(**{name: ""}), then=F(f"{name}{side}")) for name in first),
        default=F(f"{last}{side}"),
    )


def started_q(day: dt.date, fields: Sequence[str], reached: QuerySet[Any]) -> Q:
    """Return the condition that something may have begun on or before a day.

    It began on the first of the dates ``fields`` that is given. An open beginning counts from its
    last possible day, and an unknown one from today. Both reach back to the days for which
    ``reached`` has rows: those that the sources describe.
    """
    earliest, latest = first_known(fields, "_earliest"), first_known(fields, "_latest")
    is_open = Q(LessThanOrEqual(latest, day)) | Q(Exists(reached))
    if day >= timezone.localdate():
        is_open |= Q(IsNull(latest, True))
    return Q(LessThanOrEqual(earliest, day)) | (Q(IsNull(earliest, True)) & is_open)


def not_ended_q(day: dt.date, prefix: str = "") -> Q:
    """Return the condition that an alliance may not have ended before a day.

    ``prefix`` is the path to it, such as ``alliance__``.
    """
    ended = f"{prefix}ended_latest"
    return Q(**{f"{ended}__isnull": True}) | Q(**{f"{ended}__gte": day})


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
