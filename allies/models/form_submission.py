"""Forms that were sent: once done never done twice, and kept if the sign-in had expired."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils import timezone

#: How long a form that was done is remembered, and how long one that was not taken is kept.
SENT_RETENTION = dt.timedelta(days=2)
KEPT_RETENTION = dt.timedelta(days=3)

#: Forms kept per account, at most; the oldest go first.
MAX_KEPT_FORMS = 10


class SentFormQuerySet(models.QuerySet["SentForm"]):
    def claim(self, digest: str) -> "SentForm":
        """Return the row of a form, locked until the transaction ends; two queries.

        A second transaction waits here for the first, and then finds what that one wrote, or
        nothing if that one failed.
        """
        self.bulk_create([SentForm(digest=digest)], ignore_conflicts=True)
        return self.select_for_update().get(digest=digest)

    def delete_old(self) -> None:
        self.filter(sent_at__lt=timezone.now() - SENT_RETENTION).delete()


class SentForm(models.Model):
    """A form that was done, with what it led to, so that it leads there again."""

    #: SHA-256 of the form's token and its address.
    digest = models.CharField(max_length=64, unique=True)
    #: SHA-256 of what was sent last; other content is another intention.
    content = models.CharField(max_length=64, blank=True, default="")
    #: The answer to it: its address and messages, or what a popup hands over.
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
        """Delete what has expired, and what an account has beyond MOST_KEPT."""
        self.filter(kept_at__lte=timezone.now() - KEPT_RETENTION).delete()
        newest = self.filter(user=user_id).order_by("-pk").values_list("pk", flat=True)
        self.filter(user=user_id, pk__in=list(newest[MAX_KEPT_FORMS : 2 * MAX_KEPT_FORMS])).delete()


class KeptForm(models.Model):
    """What somebody typed and sent in vain, as after their sign-in had expired; theirs alone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: The address it was sent to, without its query.
    path = models.TextField()
    #: Name → values.
    fields = models.JSONField()
    had_files = models.BooleanField(default=False)
    #: It was sent for a record that was deleted or merged meanwhile, and makes a new one.
    is_of_gone_record = models.BooleanField(default=False)
    kept_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = KeptFormQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.path
