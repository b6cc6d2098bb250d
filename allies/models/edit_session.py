"""Open forms: which users have a record's form open now."""

import datetime as dt
from typing import Any

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import models
from django.utils import timezone

from allies.models.record_reference import RecordReference, RecordReferenceQuerySet

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
