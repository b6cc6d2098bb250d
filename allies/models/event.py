"""Events that bear on ties, and the countries that took part in them."""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.models.alliance import Alliance
from allies.models.base import (
    MAX_PROSE_LENGTH,
    PublicationIssue,
    Record,
    Status,
    TitleMixin,
    YearOf,
    choices_constraint,
    published_requires_text,
    validate_title,
    validation_issues,
)
from allies.models.citation import Citation, CitationQuerySet, EvidencedModel, EvidencedQuerySet
from allies.models.country import Country
from allies.models.fields import (
    EarliestDayField,
    EDTFField,
    LatestDayField,
    NormalizedTextField,
    ProseField,
)
from allies.models.provenance import ProvenanceQuerySet
from allies.models.translation import TranslatedAttribute


class EventKind(models.TextChoices):
    VISIT = "visit", _("visit")
    SUMMIT = "summit", _("summit")
    UN_VOTE = "un-vote", _("UN vote")
    ARMS_TRANSFER = "arms-transfer", _("arms transfer")
    MILITARY_EXERCISE = "military-exercise", _("military exercise")
    SANCTION = "sanction", _("sanction")
    STATEMENT = "statement", _("statement")
    DIPLOMACY = "diplomacy", _("diplomacy")
    LEGAL_ACTION = "legal-action", _("legal action")
    ELECTION = "election", _("election")
    AGREEMENT = "agreement", _("agreement")


class Certainty(models.TextChoices):
    CONFIRMED = "confirmed", _("confirmed")
    REPORTED = "reported", _("reported")
    ALLEGED = "alleged", _("alleged")
    DISPUTED = "disputed", _("disputed")


class VoteScope(models.TextChoices):
    """What a roll call decided on: a whole resolution, an amendment or a paragraph."""

    WHOLE = "whole", _("the whole resolution")
    AMENDMENT = "amendment", _("an amendment")
    PARAGRAPH = "paragraph", _("a paragraph")


class VoteIssue(models.TextChoices):
    """Issues of roll calls, as in Voeten's data."""

    PALESTINE = "me", _("the Palestinian conflict")
    NUCLEAR = "nu", _("nuclear weapons")
    ARMS = "di", _("arms control")
    HUMAN_RIGHTS = "hr", _("human rights")
    COLONIALISM = "co", _("colonialism")
    ECONOMY = "ec", _("economic development")


#: The years of the first and last possible day of an event.
EVENT_YEARS = (YearOf("date_earliest"), YearOf("date_latest"))


class YearlyCounts(NamedTuple):
    """The number of events per year; ``uncertain`` counts those that may be of several years."""

    counts: dict[int, int]
    uncertain: int

    @classmethod
    def of(cls, numbers: Mapping[tuple[int | None, int | None], int]) -> "YearlyCounts":
        """Build the counts from numbers of events by (year of first day, year of last day)."""
        sure = {first: n for (first, last), n in numbers.items() if first == last and first}
        return cls(sure, sum(numbers.values()) - sum(sure.values()))

    @property
    def total(self) -> list[tuple[int, int]]:
        """(year, count) for every year from the first to the last, including years without any."""
        if not self.counts:
            return []
        years = range(min(self.counts), max(self.counts) + 1)
        return [(year, self.counts.get(year, 0)) for year in years]


def validate_issues(text: str) -> None:
    """Raise ValidationError unless the text has distinct codes of ``VoteIssue``, by spaces."""
    codes = text.split(" ")
    if len(set(codes)) < len(codes) or not set(codes) <= set(VoteIssue.values):
        raise ValidationError(
            _("Codes of issues, each once, separated by spaces. Accepted are: %(codes)s."),
            params={"codes": ", ".join(VoteIssue.values)},
        )


class EventQuerySet(EvidencedQuerySet["Event"]):
    target = "event"

    def published(self) -> "EventQuerySet":
        """Filter for public events: published, and supported by a published source."""
        return self.filter(status=Status.PUBLISHED).supported()

    def roll_calls(self) -> "EventQuerySet":
        """Filter for UN votes."""
        return self.filter(kind=EventKind.UN_VOTE)

    def except_roll_calls(self) -> "EventQuerySet":
        """Filter for all events but UN votes, which are nothing *between* two countries."""
        return self.filter(~Q(kind=EventKind.UN_VOTE))

    def with_participant(self, country: Country | None = None, role: str = "") -> "EventQuerySet":
        """Filter for events with a participant, optionally of this country or in this role."""
        parts = Participation.objects.filter(
            event=OuterRef("pk"),
            **({"country": country} if country else {}),
            **({"role": role} if role else {}),
        )
        return self.filter(Exists(parts))

    def until(self, day: dt.date) -> "EventQuerySet":
        """Filter for events that may have happened on or before a day."""
        return self.filter(Q(date_earliest__isnull=True) | Q(date_earliest__lte=day))

    def by_year(self) -> YearlyCounts:
        """Count them by year; one query.

        An event counts in a year if its first and its last possible day are both in that year.
        """
        first, last = EVENT_YEARS
        found = self.order_by().values(first=first, last=last).annotate(number=Count("pk"))
        return YearlyCounts.of({(row["first"], row["last"]): row["number"] for row in found})

    def newest_first(self) -> "EventQuerySet":
        """Order by the last possible day, latest first; events without one come before all."""
        return self.order_by(F("date_latest").desc(nulls_first=True), "-date_earliest", "slug")


class Event(TitleMixin, EvidencedModel):
    """Something dated that bears on a tie between countries."""

    identifier = models.CharField(
        _("data-set ID"),
        max_length=80,
        blank=True,
        default="",
        help_text=_("The ID in a data set."),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=EventKind)
    certainty = models.CharField(
        _("certainty"), max_length=10, choices=Certainty, default=Certainty.REPORTED
    )
    date = EDTFField(_("date"), blank=False)
    date_earliest = EarliestDayField("date", db_index=True)
    date_latest = LatestDayField("date")  # covered by the index event_newest
    place_en = models.CharField(_("place (English)"), max_length=200, blank=True, default="")
    place_ind = models.CharField(_("place (Indonesian)"), max_length=200, blank=True, default="")
    attributed_to_en = models.CharField(
        _("attributed to (English)"),
        max_length=300,
        blank=True,
        default="",
        help_text=_("Who says so, if it is not confirmed."),
    )
    attributed_to_ind = models.CharField(
        _("attributed to (Indonesian)"), max_length=300, blank=True, default=""
    )
    alliance = models.ForeignKey(
        Alliance,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="events",
    )
    summary_en = ProseField(
        _("summary (English)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )
    summary_ind = ProseField(
        _("summary (Indonesian)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )
    # Only of UN votes:
    session = models.PositiveSmallIntegerField(
        _("session"), null=True, blank=True, help_text=_("The session of the General Assembly.")
    )
    resolution = models.CharField(
        _("resolution"),
        max_length=40,
        blank=True,
        default="",
        help_text=_("Like A/RES/2758(XXVI)."),
    )
    scope = models.CharField(
        _("voted on"), max_length=10, choices=VoteScope, blank=True, default=""
    )
    issues = models.CharField(
        _("issues"),
        max_length=40,
        blank=True,
        default="",
        validators=[validate_issues],
        help_text=_("Codes of issues, separated by spaces, like “me hr”."),
    )
    is_important = models.BooleanField(
        _("important vote"),
        null=True,
        blank=True,
        help_text=_("Whether the US State Department calls it important."),
    )
    folded = NormalizedTextField(
        "title_en", "title_ind", "place_en", "place_ind", "identifier", "resolution"
    )

    place = TranslatedAttribute()
    attributed_to = TranslatedAttribute()
    summary = TranslatedAttribute()
    objects = EventQuerySet.as_manager()

    class Meta(EvidencedModel.Meta):
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["slug"]
        indexes = [
            # The order of ``newest_first``, so that a page reads only the rows it shows.
            models.Index(
                fields=["status", "-date_latest", "-date_earliest", "slug"], name="event_newest"
            ),
            # The same without roll calls, of which there are hundreds for each other event.
            models.Index(
                fields=["status", "-date_latest", "-date_earliest", "slug"],
                condition=~Q(kind=EventKind.UN_VOTE),
                name="event_newest_not_votes",
            ),
            models.Index(
                fields=["session", "resolution"],
                condition=Q(kind=EventKind.UN_VOTE),
                name="event_votes_by_session",
            ),
        ]
        constraints = [
            choices_constraint("event", "status", Status),
            choices_constraint("event", "kind", EventKind),
            choices_constraint("event", "certainty", Certainty),
            models.CheckConstraint(
                condition=Q(scope="") | Q(scope__in=sorted(VoteScope.values)),
                name="event_scope_known",
            ),
            models.CheckConstraint(
                condition=Q(kind=EventKind.UN_VOTE)
                | Q(session=None, resolution="", scope="", issues="", is_important=None),
                name="event_vote_fields_of_votes",
                violation_error_message=_("Only UN votes have a session, resolution and issues."),
            ),
            published_requires_text("event", "title"),
            models.CheckConstraint(
                condition=~Q(date=""),
                name="event_has_date",
                violation_error_message=_("Enter a date, as precise as it is known."),
            ),
            models.UniqueConstraint(
                fields=["identifier"],
                condition=~Q(identifier=""),
                name="event_identifier_unique",
                violation_error_message=_("Another event already has this data-set ID."),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("allies:event-detail", args=[self.slug])

    @property
    def is_roll_call(self) -> bool:
        return self.kind == EventKind.UN_VOTE

    @property
    def issue_codes(self) -> list[str]:
        """The codes of the issues of a UN vote."""
        return self.issues.split()

    def clean(self) -> None:
        errors: dict[str, object] = {}
        validate_title(errors, self)
        if errors:
            raise ValidationError(errors)

    def publication_issues(self) -> list[PublicationIssue]:
        missing = [*self.support_issues(), *self.missing_title(), *self.missing_cited_keys()]
        missing += [*validation_issues(self)]
        if self.pk is None or not self.participations.exists():
            missing.append(
                PublicationIssue(_("Add at least one participating country."), "participations")
            )
        return missing


class ParticipationRole(models.TextChoices):
    VISITOR = "visitor", _("visitor")
    HOST = "host", _("host")
    PARTICIPANT = "participant", _("participant")
    SUBJECT = "subject", _("subject")
    SIGNATORY = "signatory", _("signatory")
    SUPPLIER = "supplier", _("supplier")
    INTERMEDIARY = "intermediary", _("intermediary")
    RECIPIENT = "recipient", _("recipient")
    INITIATOR = "initiator", _("initiator")
    TARGET = "target", _("target")
    FOR = "for", _("voted for")
    AGAINST = "against", _("voted against")
    ABSTAINED = "abstained", _("abstained")
    ABSENT = "absent", _("absent")
    NOT_INVITED = "not-invited", _("not invited")


class ParticipationQuerySet(ProvenanceQuerySet["Participation"]):
    def evidence(self) -> CitationQuerySet:
        supporting = Citation.objects.from_published_sources().supporting()
        return supporting.filter(event__in=self.order_by().values("event"))

    def is_redistributable(self) -> Q:
        # Not EXISTS: there may be a hundred times as many participations as events.
        return Q(event__in=Event.objects.redistributable().values("pk"))

    def published(self) -> "ParticipationQuerySet":
        """Filter for participations in public events."""
        return self.filter(Exists(Event.objects.published().filter(pk=OuterRef("event"))))

    def bearing_on(self, focus: Country) -> "ParticipationQuerySet":
        """Filter for events in which ``focus`` also took part, or no other country did."""
        others = Participation.objects.filter(event=OuterRef("event")).exclude(
            country=OuterRef("country")
        )
        return self.filter(Exists(others.filter(country=focus)) | ~Exists(others))

    def except_roll_calls(self) -> "ParticipationQuerySet":
        """Filter for participations in all events but UN votes."""
        return self.filter(event__in=Event.objects.except_roll_calls())

    def until(self, day: dt.date) -> "ParticipationQuerySet":
        """Filter for participations in events that may have happened on or before a day."""
        return self.filter(event__in=Event.objects.until(day))

    def latest_per_country(self, number: int) -> "ParticipationQuerySet":
        """Filter for each country's ``number`` latest events; the latest come first."""
        latest = [F("event__date_latest").desc(nulls_first=True), F("event__date_earliest").desc()]
        return (
            self.annotate(
                rank=Window(
                    RowNumber(), partition_by="country", order_by=[*latest, "event__slug", "role"]
                )
            )
            .filter(rank__lte=number)
            .order_by("country", "rank")
        )


class Participation(Record):
    """A country's role in an event."""

    # The index on event and role below also serves look-ups by event.
    event = models.ForeignKey(
        Event,
        verbose_name=_("event"),
        on_delete=models.CASCADE,
        related_name="participations",
        db_index=False,
    )
    country = models.ForeignKey(
        Country,
        verbose_name=_("country"),
        on_delete=models.PROTECT,
        related_name="participations",
    )
    role = models.CharField(_("role"), max_length=12, choices=ParticipationRole)

    objects = ParticipationQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("participation")
        verbose_name_plural = _("participations")
        ordering = ["event", "country", "role"]
        indexes = [models.Index(fields=["event", "role"], name="participation_event_role")]
        constraints = [
            choices_constraint("participation", "role", ParticipationRole),
            models.UniqueConstraint(
                fields=["event", "country", "role"],
                name="participation_once",
                violation_error_message=_("This country already has this role in the event."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country}: {self.get_role_display()}"

    @property
    def publication_root(self) -> Event:
        return self.event
