"""Check one link: whether the server responds, and whether the page has moved."""

import time
from dataclasses import replace

from django.utils.translation import gettext as _

from allies.link_checking.fetch import FetchLimits, FetchResponse, TooManyRedirects, fetch
from allies.link_checking.link_health import CheckResult
from allies.link_checking.robots import DisallowedByRobots, Robots
from allies.link_checking.url_safety import Unreachable, UnsafeUrl, parse_url
from allies.models import LinkResult

_GONE = {404, 410}
#: Maximum characters of a final address. A longer one is left out instead of cut.
_MAX_DETAIL_LENGTH = 2000


def check_link(url: str, *, limits: FetchLimits, robots: Robots) -> CheckResult:
    """Check a web address with HEAD, and with GET if HEAD does not give a page."""
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
    # Only the status matters, so the start of the body is enough.
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
