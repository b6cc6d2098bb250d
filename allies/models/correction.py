"""Corrections: readers' reports of errors, editors' answers, and data that protects the form."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from allies.models.record_reference import RecordReferenceQuerySet
from allies.models.registry import get_record
from allies.models.stateful import Stateful

#: How long a reader's email address is kept after the decision.
CONTACT_RETENTION = dt.timedelta(days=90)

#: Models whose records readers may report errors in: those with a public page.
CORRECTABLE_MODELS = ("alliance", "allylist", "country", "event", "source")


class Outcome(models.TextChoices):
    WAITING = "waiting", _("waiting")
    ACCEPTED = "accepted", _("accepted")
    PARTLY_ACCEPTED = "partly-accepted", _("accepted in part")
    DECLINED = "declined", _("declined")
    SPAM = "spam", _("spam")


#: Outcomes after which the record was changed.
ACCEPTED_OUTCOMES = (Outcome.ACCEPTED, Outcome.PARTLY_ACCEPTED)


class CorrectionQuerySet(RecordReferenceQuerySet):
    """``published`` contains what the public log shows; all other methods are for editors."""

    def waiting(self) -> Self:
        return self.filter(outcome=Outcome.WAITING)

    def published(self) -> Any:
        """Filter for corrections accepted at least in part, about records that are public now."""
        public = Q()
        for noun in CORRECTABLE_MODELS:
            records: Any = apps.get_model("allies", noun)._default_manager
            public |= Q(noun=noun, record_id__in=records.published().order_by().values("pk"))
        return self.filter(public, outcome__in=ACCEPTED_OUTCOMES)

    def newest_first(self) -> Self:
        return self.order_by("-decided_at", "-pk")

    def purge_contacts(self, now: dt.datetime) -> int:
        """Delete email addresses whose correction was decided ``CONTACT_RETENTION`` ago or more.

        Returns the number of corrections changed.
        """
        decided = self.filter(decided_at__lte=now - CONTACT_RETENTION).exclude(contact="")
        return int(decided.update(contact=""))


class Correction(Stateful):
    """A reader's report of an error in a record. Only editors can read the reader's text."""

    STATE = ("outcome",)

    noun = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    text = models.TextField(_("what is wrong"), max_length=4000)
    evidence = models.TextField(_("evidence"), max_length=1000, blank=True, default="")
    contact = models.EmailField(_("email"), blank=True, default="")
    language = models.CharField(_("language"), max_length=5, default="en")
    created_at = models.DateTimeField(_("sent"), auto_now_add=True)
    outcome = models.CharField(
        _("outcome"), max_length=15, choices=Outcome, default=Outcome.WAITING, db_index=True
    )
    #: The editors' answer, which is public if the correction was accepted.
    answer = models.TextField(_("answer"), max_length=1000, blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, db_index=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        default_permissions = ("view", "change")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["noun", "record_id"], name="correction_about")]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome=Outcome.WAITING, decided_at__isnull=True)
                | (~Q(outcome=Outcome.WAITING) & Q(decided_at__isnull=False)),
                name="correction_decided_at_some_time",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=sorted(Outcome.values)), name="correction_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return str(_("Correction %(number)s") % {"number": self.pk})

    @cached_property
    def record(self) -> Any:
        """The record it is about; None if it no longer exists. One query."""
        return get_record(self.noun, self.record_id)

    @property
    def is_waiting(self) -> bool:
        return self.outcome == Outcome.WAITING


def prefetch_records(corrections: Iterable[Correction]) -> None:
    """Set ``record`` of these corrections; one query per model, for any number of corrections."""
    for noun in CORRECTABLE_MODELS:
        about = [one for one in corrections if one.noun == noun]
        manager = apps.get_model("allies", noun)._default_manager
        found = manager.in_bulk({one.record_id for one in about})
        for one in about:
            one.record = found.get(one.record_id)


class UsedToken(models.Model):
    """The token of a submitted form, which cannot be used again before it expires."""

    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["digest"], name="usedtoken_once")]

    def __str__(self) -> str:
        return self.digest[:8]


class Sending(models.Model):
    """A submission by a client, stored for a day to limit their number.

    ``client`` is a keyed hash that changes every day, so it does not reveal the IP address.
    """

    client = models.CharField(max_length=64)
    sent_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["client", "sent_at"], name="sending_client")]

    def __str__(self) -> str:
        return self.client[:8]
