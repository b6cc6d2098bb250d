"""Links of sources: the results of checks, and the current status of each link.

These are observations, not edits. They write no version of a source, and an undo does not restore
them.
"""

import datetime as dt

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from allies.models.source import Source

#: Number of checks stored per source.
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
        """The last check of each URL of each source."""
        same = LinkCheck.objects.filter(source=OuterRef("source"), what=OuterRef("what"))
        return self.filter(pk=Subquery(same.newest_first().values("pk")[:1]))

    def dead(self) -> "LinkCheckQuerySet":
        """The last checks of dead links."""
        return self.latest_per_source().filter(
            what=LinkField.URL, source__in=LinkHealth.objects.dead().values("source")
        )

    def prune(self, source_id: int) -> None:
        """Delete all checks of a source except the last ``MAX_KEPT_CHECKS``."""
        mine = self.filter(source_id=source_id)
        kept = mine.newest_first().values("pk")[:MAX_KEPT_CHECKS]
        mine.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()

    def orphans(self) -> "LinkCheckQuerySet":
        return self.exclude(Exists(Source.objects.filter(pk=OuterRef("source_id"))))


class LinkCheck(models.Model):
    """The result of one check of one URL of a source."""

    # No database constraint, because an undo deletes sources by SQL. The next run of the link
    # checker deletes rows whose source is gone.
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
        """Filter for rows about the current URL of their source."""
        return self.filter(address=F("source__url"))

    def dead(self) -> "LinkHealthQuerySet":
        return self.current().filter(health=LinkStatus.DEAD)

    def unclaimed(self, now: dt.datetime) -> "LinkHealthQuerySet":
        """Filter for links that no checker is working on."""
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lte=now))

    def claim(self, link: "LinkHealth", *, now: dt.datetime, lease: dt.timedelta) -> bool:
        """Reserve a link for one checker until ``now + lease``.

        Returns False if another checker took it, or an edit changed it, since ``link`` was read.
        """
        # Not with `current`, which joins: after an UPDATE waited for a lock, PostgreSQL checks the
        # conditions on the row's own columns again, but not those on joined tables.
        unedited = Exists(Source.objects.filter(pk=OuterRef("pk"), url=link.address))
        as_read = self.unclaimed(now).filter(
            unedited, pk=link.pk, address=link.address, next_check=link.next_check
        )
        return bool(as_read.update(claimed_until=now + lease))

    def orphans(self) -> "LinkHealthQuerySet":
        return self.exclude(Exists(Source.objects.filter(pk=OuterRef("pk")).exclude(url="")))


class LinkHealth(models.Model):
    """The current status of a source's link. It is valid only for the URL in ``address``."""

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
    #: Number of consecutive failed checks (``link_checking.link_health.CheckResult.is_failure``).
    misses = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    last_checked = models.DateTimeField(_("last checked"), null=True)
    next_check = models.DateTimeField(_("next check"), db_index=True)
    #: Until when one checker has reserved it.
    claimed_until = models.DateTimeField(null=True)

    objects = LinkHealthQuerySet.as_manager()

    class Meta:
        verbose_name = _("link status")
        verbose_name_plural = _("link status")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.address} {self.get_health_display()}".strip()
