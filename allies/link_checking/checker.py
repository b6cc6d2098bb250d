"""Checking one link: is anybody there, and is it still that address."""

import time
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from allies.link_checking.fetch import FetchLimits, FetchResponse, TooManyRedirects, fetch
from allies.link_checking.robots import DisallowedByRobots, Robots
from allies.link_checking.url_safety import Unreachable, UnsafeUrl, parse_url
from allies.models import LinkResult

_GONE = {404, 410}
#: Longest final address that is noted; a longer one is left out rather than cut.
_MAX_DETAIL_LENGTH = 2000


@dataclass(frozen=True)
class CheckResult:
    """What a check found."""

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
        """Whether there was nothing where the link leads.

        A server that turns robots away (401, 403, 429 …) is there: that is an error, not a miss.
        """
        is_broken = self.result == LinkResult.ERROR and 500 <= (self.http_status or 0) < 600
        return is_broken or self.result in (LinkResult.GONE, LinkResult.UNREACHABLE)


def check_link(url: str, *, limits: FetchLimits, robots: Robots) -> CheckResult:
    """Look whether a web address can be reached: by HEAD, and by GET where HEAD is no help."""
    begun = time.monotonic()
    try:
        found = _classify(url, _visit(url, limits, robots))
    except UnsafeUrl as error:
        found = CheckResult(LinkResult.REFUSED, detail=str(error))
    except DisallowedByRobots as error:
        found = CheckResult(LinkResult.SKIPPED, detail=str(error))
    except TooManyRedirects as error:
        found = CheckResult(LinkResult.ERROR, error.status, detail=str(error))
    except Unreachable as error:
        found = CheckResult(LinkResult.UNREACHABLE, detail=str(error))
    return replace(found, duration_ms=round((time.monotonic() - begun) * 1000))


def _visit(url: str, limits: FetchLimits, robots: Robots) -> FetchResponse:
    try:
        answer = fetch(url, method="HEAD", limits=limits, permission=robots.check_allowed)
        if answer.status < 400:
            return answer
    except TooManyRedirects:
        pass
    except Unreachable as error:
        if not error.met:
            raise
    # Of the page itself nothing is wanted but that it begins.
    limits = replace(limits, max_bytes=min(limits.max_bytes, 1024))
    return fetch(url, method="GET", limits=limits, permission=robots.check_allowed)


def _classify(url: str, answer: FetchResponse) -> CheckResult:
    final = answer.url if answer.url != parse_url(url).url else ""
    final = "" if len(final) > _MAX_DETAIL_LENGTH else final
    if 200 <= answer.status < 300:
        if answer.moved_to and len(answer.moved_to) <= _MAX_DETAIL_LENGTH:
            return CheckResult(LinkResult.MOVED, answer.status, answer.moved_to)
        return CheckResult(LinkResult.OK, answer.status, final)
    kind = LinkResult.GONE if answer.status in _GONE else LinkResult.ERROR
    detail = _("The server responds with HTTP %(status)d.") % {"status": answer.status}
    return CheckResult(kind, answer.status, final, detail)
