"""Preview links: with one, somebody without an account can read a draft."""

from typing import Self

from django.contrib.auth.models import Permission
from django.core import signing
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allies.models.record_reference import RecordReference, RecordReferenceQuerySet
from allies.models.stateful import Stateful

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
