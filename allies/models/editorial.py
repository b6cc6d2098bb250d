"""Editorial data about records: scheduled steps, preview links and open forms.

Each row names its record by model name and id, so that it never prevents the record's deletion.
"""

import datetime as dt
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission
from django.core import signing
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.models.registry import get_record
from allies.models.stateful import Stateful


class RecordReferenceQuerySet(models.QuerySet[Any]):
    """Querysets of rows that refer to one record by model name and id."""

    def about(self, record: models.Model) -> Self:
        return self.filter(noun=record._meta.model_name, record_id=record.pk)


class RecordReference(models.Model):
    """Base class of rows that refer to one record by model name and id."""

    noun = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True
        default_permissions = ()

    @property
    def record(self) -> Any:
        """The record it is about; None if it no longer exists. One query."""
        return get_record(self.noun, self.record_id)


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


#: How long a preview link can be valid, in days.
PREVIEW_DAYS = (1, 7, 30)

_SALT = "allies.preview"


class PreviewLinkQuerySet(RecordReferenceQuerySet):
    def valid(self) -> Self:
        """Filter for links that are not expired or revoked and whose creator may see the record."""
        made_by = OuterRef("created_by")
        codenames = Q(codename=Concat(Value("view_"), OuterRef("noun"))) | Q(
            codename=Concat(Value("change_"), OuterRef("noun"))
        )
        may_see = Permission.objects.filter(
            codenames,
            Q(user=made_by) | Q(group__user=made_by),
            content_type__app_label="allies",
        )
        return self.filter(
            Q(created_by__is_superuser=True) | Exists(may_see),
            revoked_at=None,
            expires_at__gt=timezone.now(),
            created_by__is_active=True,
            created_by__is_staff=True,
        )

    def with_validity(self) -> Self:
        """Annotate ``is_valid``."""
        valid = PreviewLink.objects.valid().filter(pk=OuterRef("pk"))
        return self.annotate(is_valid=Exists(valid))

    def signed(self, token: str) -> "PreviewLink | None":
        """Return the valid link with this token; None if there is none."""
        try:
            number = signing.loads(token, salt=_SALT)
        except signing.BadSignature:
            return None
        return self.valid().filter(pk=number).first()


class PreviewLink(Stateful, RecordReference):
    """A link with which somebody without an account can read a draft, until it expires.

    It works only while the account that created it may see the draft.
    """

    STATE = ("revoked_at",)

    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(null=True, blank=True)
    purpose = models.CharField(_("recipient"), max_length=200, blank=True, default="")

    objects = PreviewLinkQuerySet.as_manager()

    class Meta(RecordReference.Meta):
        indexes = [models.Index(fields=["noun", "record_id"], name="previewlink_about")]

    def __str__(self) -> str:
        return f"{self.noun} {self.record_id}"

    @property
    def token(self) -> str:
        return signing.dumps(self.pk, salt=_SALT)

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


#: How long a form counts as open after the last sign of its browser.
SESSION_TIMEOUT = dt.timedelta(minutes=5)


class OpenFormQuerySet(RecordReferenceQuerySet):
    def seen(self, record: models.Model, user: AbstractUser | AnonymousUser) -> list[Any]:
        """Note that a user has a record's form open; return the rows of other users.

        The latest row comes first. Rows of any record older than ``SESSION_TIMEOUT`` are deleted.
        """
        now = timezone.now()
        self.filter(seen_at__lt=now - SESSION_TIMEOUT).delete()
        self.update_or_create(
            noun=record._meta.model_name,
            record_id=record.pk,
            created_by=user,
            defaults={"seen_at": now},
        )
        others = self.about(record).exclude(created_by=user).select_related("created_by")
        return list(others.order_by("-seen_at"))


class OpenForm(RecordReference):
    """A user has a record's form open."""

    seen_at = models.DateTimeField(db_index=True)

    objects = OpenFormQuerySet.as_manager()

    class Meta(RecordReference.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["noun", "record_id", "created_by"], name="openform_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_by}: {self.noun} {self.record_id}"
