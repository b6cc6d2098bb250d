"""Submitted forms: one is never processed twice, and saved if the session had expired."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils import timezone

#: How long processed forms are remembered.
SENT_RETENTION = dt.timedelta(days=2)
#: How long rejected forms are saved.
KEPT_RETENTION = dt.timedelta(days=3)

#: Maximum number of saved forms per account; the oldest are deleted first.
MAX_KEPT_FORMS = 10


class SentFormQuerySet(models.QuerySet["SentForm"]):
    def claim(self, digest: str) -> "SentForm":
        """Return the row of a form, locked until the transaction ends; two queries.

        A second transaction waits here for the first. Then it finds the outcome that the first
        one wrote, or a row without outcome if the first one failed.
        """
        self.bulk_create([SentForm(digest=digest)], ignore_conflicts=True)
        return self.select_for_update().get(digest=digest)

    def delete_old(self) -> None:
        self.filter(sent_at__lt=timezone.now() - SENT_RETENTION).delete()


class SentForm(models.Model):
    """A processed form with its response, which a repeated submission gets again."""

    #: SHA-256 of the form's token and its URL.
    digest = models.CharField(max_length=64, unique=True)
    #: SHA-256 of the values sent last; a submission with other values is processed again.
    content = models.CharField(max_length=64, blank=True, default="")
    #: The response: its redirect URL and messages, or the data of an admin popup.
    outcome = models.JSONField(default=dict)
    sent_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = SentFormQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.digest[:8]


class KeptFormQuerySet(models.QuerySet["KeptForm"]):
    def current(self) -> "KeptFormQuerySet":
        return self.filter(kept_at__gt=timezone.now() - KEPT_RETENTION)

    def delete_old(self, user_id: int) -> None:
        """Delete expired forms, and those of this account beyond ``MAX_KEPT_FORMS``."""
        self.filter(kept_at__lte=timezone.now() - KEPT_RETENTION).delete()
        newest = self.filter(user=user_id).order_by("-pk").values_list("pk", flat=True)
        self.filter(user=user_id, pk__in=list(newest[MAX_KEPT_FORMS : 2 * MAX_KEPT_FORMS])).delete()


class KeptForm(models.Model):
    """A submitted form that was not processed, for example because the session had expired.

    Only its own account can open it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: The path it was sent to, without the query string.
    path = models.TextField()
    #: Field name → list of values.
    fields = models.JSONField()
    had_files = models.BooleanField(default=False)
    #: Whether its record was deleted or merged meanwhile, so that it makes a new record.
    is_of_gone_record = models.BooleanField(default=False)
    kept_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = KeptFormQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.path
