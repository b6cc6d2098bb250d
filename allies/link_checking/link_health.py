"""Health of links: save the results of checks, and decide when a link is failing or dead.

Results have tables of their own, so a check creates no version of a source and changes no date.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import OuterRef, Subquery

from allies.models import LinkCheck, LinkField, LinkHealth, LinkResult, LinkStatus, Source

#: How often links are checked. Failing links are checked more often until they count as dead.
CHECK_INTERVAL = dt.timedelta(days=7)
FAILING_CHECK_INTERVAL = dt.timedelta(days=1)

#: A link is dead after this many failures in a row, if the last is this long after the first.
DEAD_MISSES = 3
DEAD_AFTER = dt.timedelta(days=2)

_BATCH = 1000


@dataclass(frozen=True)
class CheckResult:
    """The result of a check. ``http_status`` is None if there was no HTTP response."""

    result: LinkResult
    http_status: int | None = None
    final_url: str = ""
    detail: str = ""
    duration_ms: int = 0

    @property
    def is_good(self) -> bool:
        return self.result in (LinkResult.OK, LinkResult.MOVED)

    @property
    def is_failure(self) -> bool:
        """True if the page was not found or its server did not work.

        A server that refuses robots (401, 403, 429 …) works. That is an error, but not a failure.
        """
        is_broken = self.result == LinkResult.ERROR and 500 <= (self.http_status or 0) < 600
        return is_broken or self.result in (LinkResult.GONE, LinkResult.UNREACHABLE)


def sync_health_rows(now: dt.datetime) -> None:
    """Create a LinkHealth row for every source with an address; delete those of deleted sources.

    If the address of a source has changed, its row is reset, because the results were about the
    old address.
    """
    LinkHealth.objects.orphans().delete()
    LinkCheck.objects.orphans().delete()
    own = Source.objects.filter(pk=OuterRef("pk")).values("url")
    LinkHealth.objects.exclude(address=Subquery(own)).update(
        address=Subquery(own),
        health="",
        misses=0,
        failing_since=None,
        last_checked=None,
        next_check=now,
        claimed_until=None,
    )
    new = Source.objects.filter(link_health=None).exclude(url="").values_list("pk", "url")
    while batch := list(new[:_BATCH]):
        LinkHealth.objects.bulk_create(
            [LinkHealth(source_id=pk, address=url, next_check=now) for pk, url in batch],
            ignore_conflicts=True,
        )


@transaction.atomic
def save_result(
    *, source_id: int, address: str, result: CheckResult, at: dt.datetime, what: str = LinkField.URL
) -> None:
    """Save a check and, unless it is of the archived copy, update the health of the link."""
    LinkCheck.objects.create(
        source_id=source_id,
        what=what,
        address=address,
        checked_at=at,
        result=result.result,
        http_status=result.http_status,
        final_url=result.final_url,
        detail=result.detail[:300],
        duration_ms=result.duration_ms,
    )
    LinkCheck.objects.prune(source_id)
    if what == LinkField.URL:
        mine = LinkHealth.objects.select_for_update().filter(pk=source_id, address=address)
        for link in mine:
            mine.update(last_checked=at, claimed_until=None, **_next_health(link, result, at))


def postpone(source_id: int, now: dt.datetime) -> None:
    """Release a link whose check raised an exception, and make it due again tomorrow."""
    LinkHealth.objects.filter(pk=source_id).update(
        claimed_until=None, next_check=now + FAILING_CHECK_INTERVAL
    )


def _next_health(link: LinkHealth, result: CheckResult, at: dt.datetime) -> dict[str, object]:
    """Return the fields of a link's health after one more result."""
    if result.result == LinkResult.SKIPPED:  # the page was not requested
        return {"next_check": at + _next_check_delay(CHECK_INTERVAL, link.pk)}
    if result.is_good:
        health, misses, since = LinkStatus.OK, 0, None
    elif result.is_failure:
        misses = link.misses + 1
        since = (link.failing_since if link.misses else None) or at
        is_dead = misses >= DEAD_MISSES and at - since >= DEAD_AFTER
        health = (
            LinkStatus.DEAD if is_dead or link.health == LinkStatus.DEAD else LinkStatus.FAILING
        )
    else:  # the server works but refuses us, or the address must not be visited
        health, misses, since = LinkStatus.FAILING, 0, link.failing_since or at
    every = FAILING_CHECK_INTERVAL if health == LinkStatus.FAILING else CHECK_INTERVAL
    return {
        "health": health,
        "misses": misses,
        "failing_since": since,
        "next_check": at + _next_check_delay(every, link.pk),
    }


def _next_check_delay(every: dt.timedelta, pk: int) -> dt.timedelta:
    """Return the time until the next check: ``every``, less up to a twelfth of it.

    The reduction depends on the source, so that sources added together are not checked together.
    """
    return every - every / 12 * (pk * 7919 % 1000 / 1000)
