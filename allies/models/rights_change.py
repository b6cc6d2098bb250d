"""Rights given and taken: who did it, to whom, when."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RightsChange(models.Model):
    """That somebody was given a right, or that it was taken from them.

    ``whom`` and ``what`` are words, as they were then: accounts and groups come and go.
    """

    at = models.DateTimeField(_("when"), auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by whom"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Nobody: from the command line."),
    )
    whom = models.CharField(_("whose"), max_length=200)
    what = models.CharField(_("right"), max_length=300)
    given = models.BooleanField(_("given"))

    class Meta:
        verbose_name = _("right given or taken")
        verbose_name_plural = _("rights given and taken")
        ordering = ("-at", "-pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        sign = "+" if self.given else "−"
        return f"{self.whom}: {sign} {self.what}"
