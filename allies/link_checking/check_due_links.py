"""Run checks of all due links, host by host; a claim stops two runs from checking the same link."""

import datetime as dt
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.link_checking.archive import ArchiveClient, ArchiveUnavailable, save_archive_url
from allies.link_checking.checker import check_link
from allies.link_checking.fetch import FetchLimits
from allies.link_checking.host_queue import HostQueue
from allies.link_checking.link_health import CheckResult, postpone, save_result, sync_health_rows
from allies.link_checking.robots import Robots
from allies.link_checking.url_safety import UnsafeUrl, parse_url
from allies.models import LinkField, LinkHealth, LinkResult, Source

logger = logging.getLogger(__name__)

#: Maximum number of links in the queue at a time, however many are due.
BATCH_SIZE = 1000

#: How long a run claims a link. After this, the claim of a run that was killed has expired.
CLAIM_DURATION = dt.timedelta(minutes=15)

#: The name of the queue of requests to the archive, which counts as one host.
_ARCHIVE = "the archive"


@dataclass(frozen=True)
class Options:
    """Options of a run. ``limit`` is the maximum number of links, ``host_delay`` in seconds."""

    limit: int | None = None
    host_delay: float = 2
    #: Check links that are not due yet too.
    everything: bool = False
    archive: ArchiveClient | None = None
    limits: FetchLimits = field(default_factory=FetchLimits)
    #: Stop after this many seconds. The remaining links stay due.
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The outcome of one visit; ``word`` is a LinkResult, or archived, none or broken."""

    key: str
    what: str
    address: str
    word: str
    detail: str = ""


@dataclass(frozen=True)
class _Visit:
    """One request to one host: a check or, if ``what`` is _ARCHIVE, a lookup."""

    what: str
    address: str
    link: LinkHealth
    source: Source | None = None


def run_checks(options: Options) -> Iterator[Outcome]:
    """Check the links that are due and yield the outcome of each visit."""
    begun = time.monotonic()
    now = timezone.now()
    sync_health_rows(now)
    run = _Runner(options)
    due = _due(now, everything=options.everything)
    while options.seconds is None or time.monotonic() - begun < options.seconds:
        run.fill(due)
        if not run.turns:
            return
        outcome = run.step()
        if outcome is not None:
            yield outcome


def _due(now: dt.datetime, *, everything: bool) -> Iterator[LinkHealth]:
    """Yield each link to check once, the longest due first; one query per BATCH_SIZE links."""
    mine = LinkHealth.objects.unclaimed(now)
    if everything:  # without links that another run has checked in the meantime
        mine = mine.filter(Q(last_checked=None) | Q(last_checked__lt=now)).order_by("pk")
    else:
        mine = mine.filter(next_check__lte=now).order_by("next_check", "pk")
    page = list(mine[:BATCH_SIZE])
    while page:
        yield from page
        last = page[-1]
        later = Q(pk__gt=last.pk)
        if not everything:
            later = Q(next_check__gt=last.next_check) | Q(next_check=last.next_check) & later
        page = list(mine.filter(later)[:BATCH_SIZE])


class _Runner:
    """The state of a run: the queue of visits, and the robots.txt files read so far."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._robots = Robots(options.limits)
        self._left = options.limit
        self.turns: HostQueue[_Visit] = HostQueue(options.host_delay)

    def fill(self, due: Iterator[LinkHealth]) -> None:
        wanted = BATCH_SIZE if self._left is None else min(BATCH_SIZE, self._left)
        for link in islice(due, max(wanted - len(self.turns), 0)):
            self.turns.add(_host(link.address), _Visit(LinkField.URL, link.address, link))

    def step(self) -> Outcome | None:
        """Do the next visit; return None if another run has claimed its link.

        If a visit raises an exception, it is logged, the link is postponed, and the run continues.
        """
        host, visit = self.turns.take()
        now = timezone.now()
        if visit.what == LinkField.URL:
            if not LinkHealth.objects.claim(visit.link, now=now, lease=CLAIM_DURATION):
                return None
            self._left = None if self._left is None else self._left - 1
        try:
            return self._do(visit)
        except Exception:
            logger.exception("The check of %s failed", visit.address)
            if visit.what == LinkField.URL:
                postpone(visit.link.pk, now)
            return Outcome(str(visit.link.pk), visit.what, visit.address, "broken")
        finally:
            self.turns.mark_visited(host)

    def _do(self, visit: _Visit) -> Outcome:
        source = visit.source or Source.objects.get(pk=visit.link.pk)
        if visit.what == _ARCHIVE:
            return self._look_up(source)
        result = check_link(visit.address, limits=self._options.limits, robots=self._robots)
        save_result(
            source_id=source.pk,
            what=visit.what,
            address=visit.address,
            result=result,
            at=timezone.now(),
        )
        if visit.what == LinkField.URL:
            self._go_on(source, visit.link, result)
        detail = result.final_url if result.is_good else result.detail
        return Outcome(source.key, visit.what, visit.address, result.result, detail)

    def _go_on(self, source: Source, link: LinkHealth, result: CheckResult) -> None:
        """Queue what follows a check: a lookup of an archived copy, or a check of the one we have.

        The copy is only checked if the original failed.
        """
        copy = source.archive_url
        if copy and not result.is_good and result.result != LinkResult.SKIPPED:
            self.turns.add(_host(copy), _Visit(LinkField.ARCHIVE, copy, link, source))
        # Only for published sources, because the request tells the archive about them.
        if not copy and source.is_published and self._options.archive is not None:
            self.turns.add(_ARCHIVE, _Visit(_ARCHIVE, source.url, link, source))

    def _look_up(self, source: Source) -> Outcome:
        client: Any = self._options.archive
        told = {"key": source.key, "what": LinkField.ARCHIVE, "address": source.url}
        try:
            copy = client.lookup(source.url, source.date_published_earliest)
            is_kept = bool(copy) and save_archive_url(
                source_id=source.pk, url=source.url, copy=copy
            )
        except ArchiveUnavailable as error:
            return Outcome(**told, word="none", detail=str(error))
        except ValidationError as error:
            return Outcome(**told, word="none", detail=" ".join(error.messages))
        if is_kept:
            return Outcome(**told, word="archived", detail=copy)
        return Outcome(**told, word="none", detail=_("No archived copy was found."))


def _host(address: str) -> str:
    try:
        return parse_url(address).host
    except UnsafeUrl:
        return ""
