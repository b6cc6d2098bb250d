"""The audit record of accounts and rights: what was done, by whom, to whom, when."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RightsChange(models.Model):
    """A right given or taken, or another change to an account, a group or how somebody signs in.

    ``order_by_name``, ``whom`` and ``what`` are texts, as they were then: accounts and groups come
    and go. ``what`` is the name of a group or permission, or one of the words of
    ``signing_in.rights_record.EVENT_LABELS``; ``kind`` tells which, since groups may have any name.
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
