"""Links of sources: what each check found, and how each link is by now.

Observations, not edits: no version of a source is written for them, and no undo restores them.
"""

import datetime as dt

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from allies.models.source import Source

#: Checks remembered a source.
MAX_KEPT_CHECKS = 20


class LinkResult(models.TextChoices):
    OK = "ok", _("works")
    MOVED = "moved", _("moved permanently")
    GONE = "gone", _("gone")
    ERROR = "error", _("responds with an error")
    UNREACHABLE = "unreachable", _("cannot be reached")
    REFUSED = "refused", _("not an address we check")
    SKIPPED = "skipped", _("not checked (robots.txt)")


class LinkStatus(models.TextChoices):
    OK = "ok", _("works")
    FAILING = "failing", _("failing")
    DEAD = "dead", _("dead")


class LinkField(models.TextChoices):
    """Which of a source's two addresses was checked."""

    URL = "url", _("address")
    ARCHIVE = "archive_url", _("archived copy")


class LinkCheckQuerySet(models.QuerySet["LinkCheck"]):
    def newest_first(self) -> "LinkCheckQuerySet":
        return self.order_by("-checked_at", "-pk")

    def latest_per_source(self) -> "LinkCheckQuerySet":
        """The last check of each source's each address."""
        same = LinkCheck.objects.filter(source=OuterRef("source"), what=OuterRef("what"))
        return self.filter(pk=Subquery(same.newest_first().values("pk")[:1]))

    def dead(self) -> "LinkCheckQuerySet":
        """The last checks of the links that are dead."""
        return self.latest_per_source().filter(
            what=LinkField.URL, source__in=LinkHealth.objects.dead().values("source")
        )

    def prune(self, source_id: int) -> None:
        """Forget all but the last checks of a source."""
        mine = self.filter(source_id=source_id)
        kept = mine.newest_first().values("pk")[:MAX_KEPT_CHECKS]
        mine.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()

    def orphans(self) -> "LinkCheckQuerySet":
        return self.exclude(Exists(Source.objects.filter(pk=OuterRef("source_id"))))


class LinkCheck(models.Model):
    """What one look at one address of a source found."""

    # No constraint: an undo deletes sources by SQL. The next run drops what it leaves behind.
    source = models.ForeignKey(
        Source,
        verbose_name=_("source"),
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="link_checks",
    )
    what = models.CharField(_("type"), max_length=11, choices=LinkField, default=LinkField.URL)
    address = models.CharField(_("address"), max_length=1000)
    checked_at = models.DateTimeField(_("checked"))
    result = models.CharField(_("result"), max_length=11, choices=LinkResult)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    final_url = models.CharField(_("final address"), max_length=2000, blank=True, default="")
    detail = models.CharField(_("details"), max_length=300, blank=True, default="")
    duration_ms = models.PositiveIntegerField(_("milliseconds"), default=0)

    objects = LinkCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("link check")
        verbose_name_plural = _("link checks")
        default_permissions = ()
        indexes = [models.Index(fields=["source", "-checked_at"], name="linkcheck_source_newest")]

    def __str__(self) -> str:
        return f"{self.checked_at:%Y-%m-%d %H:%M} {self.get_result_display()}"


class LinkHealthQuerySet(models.QuerySet["LinkHealth"]):
    def current(self) -> "LinkHealthQuerySet":
        """Those about the address their source has now."""
        return self.filter(address=F("source__url"))

    def dead(self) -> "LinkHealthQuerySet":
        return self.current().filter(health=LinkStatus.DEAD)

    def unclaimed(self, now: dt.datetime) -> "LinkHealthQuerySet":
        """Those no checker is at work on."""
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lte=now))

    def claim(self, link: "LinkHealth", *, now: dt.datetime, lease: dt.timedelta) -> bool:
        """Take a link as it was read; say whether no other checker, and no edit, was quicker."""
        # Not by way of `current`: PostgreSQL asks a waiting update's own columns anew, joins not.
        unedited = Exists(Source.objects.filter(pk=OuterRef("pk"), url=link.address))
        as_read = self.unclaimed(now).filter(
            unedited, pk=link.pk, address=link.address, next_check=link.next_check
        )
        return bool(as_read.update(claimed_until=now + lease))

    def orphans(self) -> "LinkHealthQuerySet":
        return self.exclude(Exists(Source.objects.filter(pk=OuterRef("pk")).exclude(url="")))


class LinkHealth(models.Model):
    """How a source's link is by now; of the address it names, and no other."""

    source = models.OneToOneField(
        Source,
        verbose_name=_("source"),
        primary_key=True,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="link_health",
    )
    address = models.CharField(_("address"), max_length=1000)
    health = models.CharField(_("status"), max_length=7, choices=LinkStatus, blank=True, default="")
    #: Checks in a row that found nobody and nothing there.
    misses = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    last_checked = models.DateTimeField(_("last checked"), null=True)
    next_check = models.DateTimeField(_("next check"), db_index=True)
    #: Until when a checker has it to itself.
    claimed_until = models.DateTimeField(null=True)

    objects = LinkHealthQuerySet.as_manager()

    class Meta:
        verbose_name = _("link status")
        verbose_name_plural = _("link status")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.address} {self.get_health_display()}".strip()
