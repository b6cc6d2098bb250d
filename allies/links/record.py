"""What is remembered of checks, and when a link is called dead.

All of it is written beside the sources: an observation makes no version and changes no date.
"""

import datetime as dt

from django.db import transaction
from django.db.models import OuterRef, Subquery

from allies.links.check import Result
from allies.models import Health, LinkCheck, LinkHealth, LinkPart, LinkResult, Source

#: How often a link is checked; a failing one, until it is known to be dead, more often.
EVERY = dt.timedelta(days=7)
FAILING_EVERY = dt.timedelta(days=1)

#: A link is dead after so many misses in a row, the first and last so far apart.
DEAD_MISSES = 3
DEAD_AFTER = dt.timedelta(days=2)

_BATCH = 1000


def prepare(now: dt.datetime) -> None:
    """Give every source with an address its health; drop that of sources that are gone.

    What was found at an address a source no longer has is no longer about it.
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
def keep(
    *, source_id: int, address: str, result: Result, at: dt.datetime, what: str = LinkPart.URL
) -> None:
    """Remember a check and, where it is of the original, what it says about the link's health."""
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
    if what == LinkPart.URL:
        mine = LinkHealth.objects.select_for_update().filter(pk=source_id, address=address)
        for link in mine:
            mine.update(last_checked=at, claimed_until=None, **_after(link, result, at))


def put_off(source_id: int, now: dt.datetime) -> None:
    """Let go of a link whose check broke down, until tomorrow."""
    LinkHealth.objects.filter(pk=source_id).update(
        claimed_until=None, next_check=now + FAILING_EVERY
    )


def _after(link: LinkHealth, result: Result, at: dt.datetime) -> dict[str, object]:
    """Return how a link is after one more result."""
    if result.result == LinkResult.SKIPPED:  # nothing was seen: nothing is known anew
        return {"next_check": at + _spread(EVERY, link.pk)}
    if result.is_good:
        health, misses, since = Health.OK, 0, None
    elif result.is_miss:
        misses = link.misses + 1
        since = (link.failing_since if link.misses else None) or at
        is_dead = misses >= DEAD_MISSES and at - since >= DEAD_AFTER
        health = Health.DEAD if is_dead or link.health == Health.DEAD else Health.FAILING
    else:  # somebody is there, and turns us away
        health, misses, since = Health.FAILING, 0, link.failing_since or at
    every = FAILING_EVERY if health == Health.FAILING else EVERY
    return {
        "health": health,
        "misses": misses,
        "failing_since": since,
        "next_check": at + _spread(every, link.pk),
    }


def _spread(every: dt.timedelta, pk: int) -> dt.timedelta:
    """Return the time until the next check: up to a twelfth less, each source its own."""
    return every - every / 12 * (pk * 7919 % 1000 / 1000)
