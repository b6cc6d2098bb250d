"""Rate limits per client and minute, for pages that are not cached, searches and downloads.

Cached pages do not count. The counts are in the shared cache if there is one, for all servers.
Otherwise they are in a file that the processes of this machine share. If neither is available, no
client is refused. Clients are stored as a keyed hash, for a minute.
"""

import codecs
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from django.utils.http import parse_header_parameters
from django.utils.translation import (
    get_language_from_path,
    get_language_from_request,
    override,
)
from django.utils.translation import gettext as _

from allies.downloads.slots import RETRY_AFTER, ClientBusy, lock_client_slot, unlock
from allies.http.client_ip import get_rate_limited_ip
from allies.monitoring.metrics import count_refusal
from allies.page_cache.middleware import UNCACHED_PATHS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

_WINDOW_SECONDS = 60
#: The most characters in a query; pages repeat it in many of their links.
MAX_QUERY_LENGTH = 8_000
_PLAIN = "text/plain; charset=utf-8"
#: Pages that check a password or a code; each try takes a good part of a second of CPU.
_SIGN_IN_PATHS = re.compile(r"/\w+/admin/(login|second-step|set-up|sign-in|password_change)/")
#: Responses for programs, which may request many at once: API records, feeds, preview images.
_DATA_PATHS = re.compile(r"/api/v\d+/|\.atom$|/feed/$|/card\.png$")
#: How many of these may run at once per client.
MAX_CONCURRENT_DATA = 4

_local = threading.local()
_Handler = Callable[[HttpRequest], HttpResponseBase]
_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def require_utf8(application: _Application) -> _Application:
    """Wrap a WSGI application: a request with another encoding in ``Content-Type`` gets a 415.

    Django would use that encoding not only for the body, but also for the URL, before any
    middleware. One URL could then mean two things, one of them cached for everybody. And some of
    Python's codecs fail or take minutes.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        _kind, parameters = parse_header_parameters(environ.get("CONTENT_TYPE") or "")
        if _is_utf8(parameters.get("charset", "utf-8")):
            return application(environ, start_response)
        count_refusal("encoding")
        language = get_language_from_path(environ.get("PATH_INFO", "")) or settings.LANGUAGE_CODE
        with override(language):
            said = _("This encoding is not supported. Send the text as UTF-8.")
        body = f"{said}\n".encode()
        headers = [("Content-Type", _PLAIN), ("Content-Length", str(len(body)))]
        start_response("415 Unsupported Media Type", [*headers, ("Cache-Control", "no-store")])
        return [body]

    return answer


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except (LookupError, ValueError):
        return False


def require_known_host(get_response: _Handler) -> _Handler:
    """Wrap the site: a request for an unknown host gets a 400, and counts towards the rate limit.

    It comes before all other middleware, as most middleware needs the host.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
        except DisallowedHost:
            with override(get_language_from_request(request, check_path=True)):
                return _refuse_host(request)
        return get_response(request)

    return answer


def _refuse_host(request: HttpRequest) -> HttpResponse:
    if _is_over_limit(request, "made", settings.RATE_LIMIT_PER_MINUTE):
        return _wait_text(_seconds_left())
    count_refusal("host")
    host = str(request.META.get("HTTP_HOST", ""))[:100]
    log.warning("Host not in ALLIES_ALLOWED_HOSTS: %s", ascii(host))
    said = _("This site has a different address. Check what you typed.")
    return HttpResponse(f"{said}\n", status=400, content_type=_PLAIN)


def rate_limit_middleware(get_response: _Handler) -> _Handler:
    """Wrap the views: a client over its limit gets a 429 response."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_LENGTH:
            said = _("This address is too long. Use fewer filters.")
            return HttpResponse(f"{said}\n", status=414, content_type=_PLAIN)
        if request.method == "POST" and _SIGN_IN_PATHS.fullmatch(request.path_info):
            what, limit = "sign-in", settings.LOGIN_RATE_LIMIT_PER_MINUTE
        elif UNCACHED_PATHS.match(request.path_info):
            return get_response(request)
        else:
            what, limit = "made", settings.RATE_LIMIT_PER_MINUTE
        if _is_over_limit(request, what, limit):
            return _too_many_requests(request, _seconds_left(), is_signing_in=what == "sign-in")
        if not _DATA_PATHS.search(request.path_info):
            return get_response(request)
        try:
            slot = lock_client_slot(get_rate_limited_ip(request.META), MAX_CONCURRENT_DATA, "data")
        except ClientBusy:
            return _too_many_requests(request, RETRY_AFTER)
        try:
            return get_response(request)
        finally:
            unlock(slot)

    return answer


def _is_over_limit(request: HttpRequest, what: str, limit: int) -> bool:
    """Count a request; return whether its client is over the limit for this minute."""
    client = get_rate_limited_ip(request.META)
    if not (limit and client) or _count_request(client, what) <= limit:
        return False
    count_refusal("rate")
    return True


def _count_request(client: str, what: str) -> int:
    """Count a request of a client; return its number in this minute, or 0 if it is unknown."""
    minute = int(time.time()) // _WINDOW_SECONDS
    counted = f"{what} {client} {minute}"
    digest = salted_hmac("allies.limits", counted, algorithm="sha256").hexdigest()
    try:
        return _in_cache(digest) if settings.CACHE_URL else _in_file(digest, minute)
    except (OSError, ValueError, sqlite3.Error):
        return 0


def _in_cache(digest: str) -> int:
    key = f"made:{digest}"
    cache.add(key, 0, 2 * _WINDOW_SECONDS)
    return int(cache.incr(key))


def _in_file(digest: str, minute: int) -> int:
    if getattr(_local, "path", None) != settings.DATA_DIR:
        _local.file = sqlite3.connect(
            settings.DATA_DIR / "limits.sqlite3", isolation_level=None, timeout=0.2
        )
        _local.path = settings.DATA_DIR
        _local.file.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE IF NOT EXISTS made"
            " (digest TEXT PRIMARY KEY, minute INTEGER NOT NULL, n INTEGER NOT NULL) WITHOUT ROWID"
        )
    count = (
        "INSERT INTO made (digest, minute, n) VALUES (?, ?, 1)"
        " ON CONFLICT (digest) DO UPDATE SET n = n + 1 RETURNING n"
    )
    with closing(_local.file.execute(count, (digest, minute))) as found:
        (number,) = found.fetchone()
    if number == 1:
        _local.file.execute("DELETE FROM made WHERE minute < ?", (minute,))
    return int(number)


def _too_many_requests(
    request: HttpRequest, seconds: int, *, is_signing_in: bool = False
) -> HttpResponse:
    if request.path_info.endswith("/") and not request.path_info.startswith("/api/"):
        shown = {"is_error": True, "is_signing_in": is_signing_in}
        return _with_retry_after(
            render(request, "429_rate_limited.html", shown, status=429), seconds
        )
    return _wait_text(seconds)


def _wait_text(seconds: int) -> HttpResponse:
    said = _("Too many requests. Try again in %(seconds)s seconds.") % {"seconds": seconds}
    return _with_retry_after(HttpResponse(f"{said}\n", status=429, content_type=_PLAIN), seconds)


def _seconds_left() -> int:
    return _WINDOW_SECONDS - int(time.time()) % _WINDOW_SECONDS


def _with_retry_after(response: HttpResponse, seconds: int) -> HttpResponse:
    """Add the header Retry-After to a response, and forbid caching it."""
    response.headers["Retry-After"] = str(seconds)
    response.headers["Cache-Control"] = "no-store"
    return response
