"""Citations: a source supports or disputes an alliance, a membership, an event or an entry."""

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from allies.models.base import (
    MAX_PROSE_LENGTH,
    PublicationIssue,
    Publishable,
    Record,
    Status,
    choices_constraint,
    count_distinct_subquery,
)
from allies.models.date_differences import date_differs, our_days
from allies.models.fields import (
    EarliestDayField,
    EDTFField,
    LatestDayField,
    ProseField,
    prose_fields,
)
from allies.models.provenance import ProvenanceQuerySet, withheld_source_q
from allies.models.source import Source, origin_of
from allies.models.translation import TranslatedAttribute

if TYPE_CHECKING:
    from allies.models.ally_list import Entry
    from allies.models.membership import Membership

#: Foreign keys of a citation; exactly one of them is set.
TARGETS = ("alliance", "membership", "event", "entry")

SomeRecord = TypeVar("SomeRecord", bound=models.Model)

_NOT_ONE_TARGET = _("A citation needs exactly one alliance, membership, event or entry.")
_DATES_OF_NO_MEMBERSHIP = _("Only the citation of a membership has dates of joining and leaving.")


def _exactly_one_target() -> Q:
    """Return the condition that exactly one of the TARGETS is set."""
    only = Q()
    for name in TARGETS:
        only |= Q(**{f"{other}__isnull": other != name for other in TARGETS})
    return only


class Stance(models.TextChoices):
    SUPPORTS = "supports", _("supports")
    DISPUTES = "disputes", _("disputes")


class CitationQuerySet(ProvenanceQuerySet["Citation"]):
    def evidence(self) -> "CitationQuerySet":
        return self.from_published_sources()

    def is_redistributable(self) -> Q:
        return ~withheld_source_q("source__")

    def published(self) -> "CitationQuerySet":
        """Filter for citations of published sources about published records."""
        from allies.models import Alliance, Entry, Event

        alliances = Alliance.objects.published()
        return self.from_published_sources().filter(
            Q(alliance__in=alliances)
            | Q(membership__alliance__in=alliances)
            | Q(event__in=Event.objects.published())
            | Q(entry__in=Entry.objects.published())
        )

    def from_published_sources(self) -> "CitationQuerySet":
        return self.filter(source__status=Status.PUBLISHED)

    def supporting(self) -> "CitationQuerySet":
        return self.filter(stance=Stance.SUPPORTS)

    def covering(self, day: dt.date) -> "CitationQuerySet":
        """Filter for public support by sources that cover a day, or do not say until when."""
        return (
            self.supporting()
            .from_published_sources()
            .filter(Q(source__covers_to_latest=None) | Q(source__covers_to_latest__gte=day))
        )

    def reaching_back_to(self, day: dt.date) -> "CitationQuerySet":
        """Filter for public support by sources that describe a day or earlier ones.

        A source describes the days from the beginning of its coverage or, if that is not known,
        from its date of publication.
        """
        return (
            self.supporting()
            .from_published_sources()
            .filter(
                Q(source__covers_from_earliest__lte=day)
                | Q(source__covers_from="", source__date_published_earliest__lte=day)
            )
        )

    def disputing(self) -> "CitationQuerySet":
        return self.filter(stance=Stance.DISPUTES)

    def with_date_differences(self) -> "CitationQuerySet":
        """Annotate ``joined_differs`` and ``left_differs``, for citations of memberships.

        They are true if the source supports the membership and gives a date that contradicts ours
        (``date_differences``).
        """
        supports = Q(stance=Stance.SUPPORTS)
        return self.annotate(**our_days()).annotate(
            joined_differs=date_differs("joined", supports),
            left_differs=date_differs("left", supports),
        )

    def for_display(self) -> "CitationQuerySet":
        """Fetch the sources too, with their originals, origins and link states.

        Supporting citations come first, then those of the oldest sources.
        """
        return self.select_related(
            "source__origin__link_health", "source__derived_from", "source__link_health"
        ).order_by("-stance", "source__date_published_earliest", "source__key", "locator")


class Citation(Record):
    """A link from a source to the record it supports or disputes, with its location and a quote."""

    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, related_name="citations"
    )
    alliance = models.ForeignKey(
        "Alliance",
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="citations",
    )
    membership = models.ForeignKey(
        "Membership",
        verbose_name=_("membership"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="citations",
    )
    event = models.ForeignKey(
        "Event",
        verbose_name=_("event"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="citations",
    )
    entry = models.ForeignKey(
        "Entry",
        verbose_name=_("entry"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="citations",
    )
    stance = models.CharField(_("stance"), max_length=8, choices=Stance, default=Stance.SUPPORTS)
    locator = models.CharField(
        _("location"),
        max_length=120,
        blank=True,
        default="",
        help_text=_("Page, paragraph, article or row."),
    )
    quote = ProseField(
        _("quote"),
        max_length=600,
        verbatim=True,
        blank=True,
        default="",
        help_text=_("A short passage in the language of the source."),
    )
    note_en = ProseField(_("note (English)"), max_length=MAX_PROSE_LENGTH, blank=True, default="")
    note_ind = ProseField(
        _("note (Indonesian)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )
    joined = EDTFField(
        _("joined, says the source"),
        help_text=_("Only for a membership: the date in this source, which may differ from ours."),
    )
    joined_earliest = EarliestDayField("joined")
    joined_latest = LatestDayField("joined")
    left = EDTFField(_("left, says the source"))
    left_earliest = EarliestDayField("left")
    left_latest = LatestDayField("left")
    verified_on = models.DateField(_("verified on"), null=True, blank=True)

    note = TranslatedAttribute()
    objects = CitationQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("citation")
        verbose_name_plural = _("citations")
        ordering = ["pk"]
        constraints = [
            choices_constraint("citation", "stance", Stance),
            models.CheckConstraint(
                condition=_exactly_one_target(),
                name="citation_one_target",
                violation_error_message=_NOT_ONE_TARGET,
            ),
            models.CheckConstraint(
                condition=Q(membership__isnull=False) | Q(joined="", left=""),
                name="citation_dates_of_membership",
                violation_error_message=_DATES_OF_NO_MEMBERSHIP,
            ),
            *(
                models.UniqueConstraint(
                    fields=[target, "source", "stance", "locator"],
                    condition=Q(**{f"{target}__isnull": False}),
                    name=f"citation_{target}_once",
                    violation_error_message=_(
                        "Already cited at this location. Enter another location."
                    ),
                )
                for target in TARGETS
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source.key} {self.get_stance_display()}"

    @property
    def target(self) -> "EvidencedModel | Entry | Membership | None":
        """The record this citation is about."""
        return next((t for name in TARGETS if (t := getattr(self, name))), None)

    @property
    def target_noun(self) -> str:
        return next((name for name in TARGETS if getattr(self, f"{name}_id") is not None), "")

    @property
    def publication_root(self) -> Publishable | None:
        return self.target.publication_root if self.target else None

    def clean(self) -> None:
        filled = [name for name in TARGETS if getattr(self, f"{name}_id") is not None]
        # An inline form sets the target after validation; then only the constraint checks it.
        if len(filled) > 1:
            raise ValidationError(_NOT_ONE_TARGET)
        if (self.joined or self.left) and filled != ["membership"]:
            raise ValidationError({"joined" if self.joined else "left": _DATES_OF_NO_MEMBERSHIP})


def iterate_notes(citations: CitationQuerySet) -> Iterator[str]:
    """Yield the notes of these citations in every language; one query."""
    names = [field.name for field in prose_fields(Citation)]
    for notes in citations.values_list(*names):
        yield from notes


class EvidencedQuerySet(ProvenanceQuerySet[SomeRecord]):
    """Base class of querysets of records that citations are about."""

    #: Name of the citation's foreign key to these records.
    target: str

    def _citations(self) -> CitationQuerySet:
        return Citation.objects.from_published_sources().filter(**{self.target: OuterRef("pk")})

    def evidence(self) -> CitationQuerySet:
        supporting = Citation.objects.from_published_sources().supporting()
        return supporting.filter(**{f"{self.target}__in": self.order_by().values("pk")})

    def is_redistributable(self) -> Exists:
        return Exists(self._citations().supporting().redistributable())

    def supported(self) -> Self:
        """Filter for records that a published source supports."""
        return self.filter(Exists(self._citations().supporting()))

    def is_disputed(self) -> Exists:
        """Return the condition that a published source disputes the record."""
        return Exists(self._citations().disputing())

    def disputed(self, is_disputed: bool = True) -> Self:
        """Filter for records that a published source disputes, or for all others."""
        return self.filter(self.is_disputed() if is_disputed else ~self.is_disputed())

    def with_evidence(self) -> Any:
        """Annotate the numbers of published sources on each side.

        ``independent_sources`` counts the distinct origins of supporting sources, ``disputes`` the
        disputing sources.
        """
        return self.annotate(
            independent_sources=count_distinct_subquery(
                self._citations().supporting(), self.target, origin_of("source__")
            ),
            disputes=count_distinct_subquery(self._citations().disputing(), self.target, "source"),
        )


class EvidencedModel(Publishable):
    """Base class of records that are public only if a published source supports them."""

    class Meta(Publishable.Meta):
        abstract = True

    def texts(self) -> Iterator[str]:
        """Yield the texts of the record and the notes of its citations; one query."""
        yield from super().texts()
        if self.pk:
            yield from iterate_notes(self.citations)  # type: ignore[attr-defined]

    def support_issues(self) -> list[PublicationIssue]:
        """Return an issue if no published source supports this record; one query."""
        citations: Any = self.citations if self.pk else Citation.objects.none()  # type: ignore[attr-defined]
        if citations.supporting().from_published_sources().exists():
            return []
        return [
            PublicationIssue(
                _("Add a citation of a published source that supports this."), "citations"
            )
        ]
