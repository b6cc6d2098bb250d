"""Scheduled steps: a record is to be published or withdrawn at a given time."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from allies.models.record_reference import RecordReference, RecordReferenceQuerySet
from allies.models.stateful import Stateful


class AppointmentQuerySet(RecordReferenceQuerySet):
    def waiting(self) -> Self:
        return self.filter(done_at=None).order_by("due_at")

    def failed(self) -> Self:
        """Filter for scheduled actions that failed when they were due."""
        return self.exclude(done_at=None).exclude(problem="")


class Appointment(Stateful, RecordReference):
    """A scheduled publication or withdrawal of a record."""

    STATE = ("done_at",)

    step = models.CharField(max_length=10)
    due_at = models.DateTimeField(_("scheduled for"), db_index=True)
    done_at = models.DateTimeField(null=True, blank=True)
    #: Why the step could not be taken, in the language of its author; empty if it was taken.
    problem = models.TextField(blank=True, default="")
    language = models.CharField(max_length=5, default="en")
    #: SHA-256 of the content and status when a publication was scheduled. Empty for a withdrawal,
    #: which does not depend on the content, and for rows older than this field.
    content = models.CharField(max_length=64, blank=True, default="")

    objects = AppointmentQuerySet.as_manager()

    class Meta(RecordReference.Meta):
        indexes = [models.Index(fields=["noun", "record_id"], name="appointment_about")]

    def __str__(self) -> str:
        return f"{self.step} {self.noun} {self.record_id}"
