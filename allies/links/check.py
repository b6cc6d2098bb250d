"""Checking one link: is anybody there, and is it still that address."""

import time
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from allies.links.addresses import Refused, Unreachable, read_url
from allies.links.fetch import Answer, Limits, LostWay, fetch
from allies.links.robots import NotWelcome, Robots
from allies.models import LinkResult

_GONE = {404, 410}
#: Longest final address that is noted; a longer one is left out rather than cut.
_LONGEST = 2000


@dataclass(frozen=True)
class Result:
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
    def is_miss(self) -> bool:
        """Whether there was nothing where the link leads.

        A server that turns robots away (401, 403, 429 …) is there: that is an error, not a miss.
        """
        is_broken = self.result == LinkResult.ERROR and 500 <= (self.http_status or 0) < 600
        return is_broken or self.result in (LinkResult.GONE, LinkResult.UNREACHABLE)


def check(url: str, *, limits: Limits, robots: Robots) -> Result:
    """Look whether a web address can be reached: by HEAD, and by GET where HEAD is no help."""
    begun = time.monotonic()
    try:
        found = _judge(url, _visit(url, limits, robots))
    except Refused as error:
        found = Result(LinkResult.REFUSED, detail=str(error))
    except NotWelcome as error:
        found = Result(LinkResult.SKIPPED, detail=str(error))
    except LostWay as error:
        found = Result(LinkResult.ERROR, error.status, detail=str(error))
    except Unreachable as error:
        found = Result(LinkResult.UNREACHABLE, detail=str(error))
    return replace(found, duration_ms=round((time.monotonic() - begun) * 1000))


def _visit(url: str, limits: Limits, robots: Robots) -> Answer:
    try:
        answer = fetch(url, method="HEAD", limits=limits, permission=robots.permit)
        if answer.status < 400:
            return answer
    except LostWay:
        pass
    except Unreachable as error:
        if not error.met:
            raise
    # Of the page itself nothing is wanted but that it begins.
    limits = replace(limits, max_bytes=min(limits.max_bytes, 1024))
    return fetch(url, method="GET", limits=limits, permission=robots.permit)


def _judge(url: str, answer: Answer) -> Result:
    final = answer.url if answer.url != read_url(url).url else ""
    final = "" if len(final) > _LONGEST else final
    if 200 <= answer.status < 300:
        if answer.moved_to and len(answer.moved_to) <= _LONGEST:
            return Result(LinkResult.MOVED, answer.status, answer.moved_to)
        return Result(LinkResult.OK, answer.status, final)
    kind = LinkResult.GONE if answer.status in _GONE else LinkResult.ERROR
    detail = _("The server responds with HTTP %(status)d.") % {"status": answer.status}
    return Result(kind, answer.status, final, detail)
