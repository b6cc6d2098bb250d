"""Each request by a name of its own: in the log, in the answer, in the figures."""

import logging
import re
import secrets
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from allies.observing.log import request_id
from allies.observing.metrics import count

log = logging.getLogger("allies.request")

#: How a proxy may call a request: nothing that could make a line of its own in a log.
_NAME = re.compile(r"[\w.-]{8,64}", re.ASCII)

_Handler = Callable[[HttpRequest], HttpResponseBase]


def observed(get_response: _Handler) -> _Handler:
    """Wrap the site: name each request, log it (INFO, without its query), and count it."""

    def observe(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        name = _name(request)
        token = request_id.set(name)
        try:
            response = get_response(request)
            seconds = time.perf_counter() - began
            if log.isEnabledFor(logging.INFO):
                _tell(request, response, seconds)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = name
        count(request, response, seconds)
        return response

    return observe


def _name(request: HttpRequest) -> str:
    given = request.headers.get("X-Request-ID", "") if settings.BEHIND_PROXY else ""
    return given if _NAME.fullmatch(given) else secrets.token_hex(8)


def _tell(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    told = {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "milliseconds": round(seconds * 1000, 1),
    }
    log.info("%(method)s %(path)s %(status)s %(milliseconds)s ms", told, extra=told)
