"""WSGI page cache: answer identical requests with a cached response, without Django.

For a cached page, Django takes ten times as long as sending it, because it builds a request and a
response and converts both. So the final response is cached here too, by the raw request. Only
``middleware.page_cache_middleware`` decides which responses are cached. They are valid while the
content's version and the day are the same.
"""

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from cachetools import LRUCache
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from allies.db.router import current_version

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: WSGI key in which the middleware notes the state of a cacheable response: (version, day).
STATE_KEY = "allies.kept_by"
#: WSGI key for where a response came from, for the metrics: "asker" (a 304) or "memory".
SERVED_FROM_KEY = "allies.answered_from"

#: Prefixes of the paths of pages in a language. They depend neither on Accept-Language nor on a
#: cookie.
LANGUAGE_PATH = tuple(f"/{code}/" for code, _name in settings.LANGUAGES)
#: WSGI keys that the response at such a path depends on, besides the content.
_CONDITIONAL_HEADERS = (
    *("HTTP_HOST", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "SCRIPT_NAME"),
    *("PATH_INFO", "QUERY_STRING", "HTTP_ACCEPT_ENCODING"),
)
#: Total characters of these values. Longer requests are not cached here.
MAX_KEY_LENGTH = 2000
#: Headers of a 304 response (RFC 9110, 15.4.5).
_NOT_MODIFIED_HEADERS = {"etag", "cache-control", "vary", "expires", "content-location"}

_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _CachedResponse(NamedTuple):
    state: tuple[int, int]
    headers: list[tuple[str, str]]
    body: bytes
    tag: str
    size: int


def wsgi_page_cache(
    application: _Application, size: int = settings.PAGE_CACHE_BYTES // 2
) -> "WSGIApplication":
    """Wrap a WSGI application, and cache the responses for which it sets ``STATE_KEY``.

    ``size`` is the maximum size of the cache in bytes.
    """
    answers: LRUCache[tuple[object, ...], _CachedResponse] = LRUCache(
        size, getsizeof=lambda answer: answer.size
    )
    lock = threading.Lock()

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_page = environ["PATH_INFO"].startswith(LANGUAGE_PATH)
        if environ["REQUEST_METHOD"] != "GET" or not is_page:
            return application(environ, start_response)
        asked = tuple(map(environ.get, _CONDITIONAL_HEADERS))
        if sum(map(len, filter(None, asked))) > MAX_KEY_LENGTH:
            return application(environ, start_response)
        with lock:
            found = answers.get(asked)
        if found is not None and found.state == _content_state():
            wanted = environ.get("HTTP_IF_NONE_MATCH")
            if wanted == found.tag:
                environ[SERVED_FROM_KEY] = "asker"
                left = [pair for pair in found.headers if pair[0].lower() in _NOT_MODIFIED_HEADERS]
                start_response("304 Not Modified", left)
                return ()
            if wanted is None and "HTTP_IF_MODIFIED_SINCE" not in environ:
                environ[SERVED_FROM_KEY] = "memory"
                start_response("200 OK", [*found.headers])
                return (found.body,)
        return remember(asked, environ, start_response)

    def remember(
        asked: tuple[Any, ...], environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        told: list[Any] = []

        def start(
            status: str, headers: list[tuple[str, str]], *error: Any
        ) -> Callable[[bytes], object]:
            told[:] = status, headers
            return start_response(status, headers, *error)

        response: Any = application(environ, start)
        state = environ.get(STATE_KEY)
        if state is not None and told[0].startswith("200 "):
            body = response.content
            tag = next((value for name, value in told[1] if name.lower() == "etag"), "")
            size_of = 2000 + len(body) + sum(map(len, filter(None, asked)))
            kept = _CachedResponse(state, [*told[1]], body, tag, size_of)
            with lock:
                if tag and len(body) < size // 8:
                    answers[asked] = kept
        return response  # type: ignore[no-any-return]

    return answer


def _content_state() -> tuple[int, int] | None:
    """Return the content's version and the day; None if no database is available."""
    try:
        return current_version(), timezone.localdate().toordinal()
    except DatabaseError:  # Django queries again, and reports the error
        return None
