"""Before Django: what is kept goes out again to who asks for it in the same words.

A kept page costs Django ten times what it costs to send: making a request of what was asked, then
an answer, then both into what the server wants. So the last step is remembered too, by what came
over the wire. Only ``middleware.page_cache_middleware`` decides what is kept and whose it is; here
stands what it answered, for as long as the content's version and the day are those it answered by.
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

#: Where the middleware says by which state of the content it answered: (version, day).
STATE_KEY = "allies.kept_by"
#: Where an answer came from, for who counts them.
SERVED_FROM_KEY = "allies.answered_from"

#: How the paths of pages in a language begin: these ask for no header and no cookie.
LANGUAGE_PATH = tuple(f"/{code}/" for code, _name in settings.LANGUAGES)
#: What the answer at such a path depends on, besides the content.
_CONDITIONAL_HEADERS = (
    *("HTTP_HOST", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "SCRIPT_NAME"),
    *("PATH_INFO", "QUERY_STRING", "HTTP_ACCEPT_ENCODING"),
)
#: Characters of what is asked, beyond which nothing of it is remembered here.
MAX_KEY_LENGTH = 2000
#: Headers of a 304 (RFC 9110, 15.4.5).
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
    """Wrap a WSGI application whose answers may say by which state of the content they are."""
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
    """Return the content's version and the day; None where no database is to be reached."""
    try:
        return current_version(), timezone.localdate().toordinal()
    except DatabaseError:  # Django asks again, and says what is wrong
        return None
