"""Audit log of accounts and permissions: what was changed, by whom, for whom, and when."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RightsChange(models.Model):
    """A permission granted or revoked, or another change to an account, a group or a sign-in.

    ``by_name``, ``whom`` and ``what`` are texts as they were at that time, because accounts and
    groups may be renamed or deleted later. ``what`` is the name of a group or permission, or a key
    of ``allies.accounts.permission_audit.EVENT_LABELS``. ``kind`` says which of the two, because
    groups may have any name.
    """

    RIGHT, ACCOUNT = "right", "account"

    at = models.DateTimeField(_("when"), auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Empty for the command line."),
    )
    by_name = models.CharField(_("by"), max_length=200, blank=True, default="")
    whom = models.CharField(_("account"), max_length=200)
    kind = models.CharField(max_length=10, default=RIGHT)
    what = models.CharField(_("permission"), max_length=300)
    given = models.BooleanField(_("granted"))

    class Meta:
        verbose_name = _("change to accounts and permissions")
        verbose_name_plural = _("changes to accounts and permissions")
        ordering = ("-at", "-pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        sign = "+" if self.given else "−"
        return f"{self.whom}: {sign} {self.what}"
