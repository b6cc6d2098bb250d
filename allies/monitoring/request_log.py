"""Give each request an ID, log it and count it."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings

from allies.monitoring.log_formatters import request_id
from allies.monitoring.metrics import count_response
from allies.page_cache.wsgi import SERVED_FROM_KEY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("allies.request")

#: Allowed request IDs from a proxy: nothing that could forge a line of the log.
_NAME = re.compile(r"[\w.-]{8,64}", re.ASCII)

#: The most characters of a path in the log.
MAX_PATH_CHARS = 500

_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def log_requests(application: _Application) -> _Application:
    """Wrap a WSGI application: log each request (INFO, without its query), and count it.

    Its ID is sent in the X-Request-ID header, and is in all log records about it.
    """

    def observe(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        began = time.perf_counter()
        name = _request_id(environ)
        status = ""

        def start(told: str, headers: list[tuple[str, str]], *error: Any) -> object:
            nonlocal status
            status = told[:3]
            return start_response(told, [*headers, ("X-Request-ID", name)], *error)

        token = request_id.set(name)
        try:
            response = application(environ, start)
            seconds = time.perf_counter() - began
            if log.isEnabledFor(logging.INFO):
                _log_response(environ, status, seconds)
            count_response(
                environ["REQUEST_METHOD"], status, environ.get(SERVED_FROM_KEY, "view"), seconds
            )
            return (
                _StreamingResponseWrapper(response, name)
                if getattr(response, "streaming", False)
                else response
            )
        finally:
            request_id.reset(token)

    return observe


class _StreamingResponseWrapper:
    """A streaming body that sets the request ID while each block is made."""

    def __init__(self, response: Any, name: str) -> None:
        self._response = response
        self._name = name

    def __iter__(self) -> Iterator[bytes]:
        blocks = iter(self._response)
        while True:
            token = request_id.set(self._name)
            try:
                block = next(blocks, None)
            finally:
                request_id.reset(token)
            if block is None:
                return
            yield block

    def close(self) -> None:
        self._response.close()


def _request_id(environ: dict[str, Any]) -> str:
    given = environ.get("HTTP_X_REQUEST_ID", "") if settings.BEHIND_PROXY else ""
    return given if given and _NAME.fullmatch(given) else secrets.token_hex(8)


def _log_response(environ: "WSGIEnvironment", status: str, seconds: float) -> None:
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    told = {
        "method": environ["REQUEST_METHOD"],
        "path": path[:MAX_PATH_CHARS],
        "status": int(status or 0),
        "milliseconds": round(seconds * 1000, 1),
    }
    log.info("%(method)s %(path)r %(status)s %(milliseconds)s ms", told, extra=told)
