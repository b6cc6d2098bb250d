"""Serve readers' pages from the cache until the content changes."""

import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DEFAULT_DB_ALIAS as PRIMARY
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import cc_delim_re, get_conditional_response, patch_vary_headers
from django.utils.http import parse_etags, parse_http_date

from allies.db.router import (
    current_connection_version,
    current_version,
    run_view_on_replica,
    use_database,
    version_of,
)
from allies.page_cache.encoding import (
    IDENTITY,
    STORED_ENCODING,
    SUPPORTED_ENCODINGS,
    compress,
    is_compressible,
    negotiate_encoding,
)
from allies.page_cache.store import CachedPage, page_store
from allies.page_cache.wsgi import LANGUAGE_PATH, SERVED_FROM_KEY, STATE_KEY

#: Paths that are never cached: the admin is personal, and health checks must be current.
UNCACHED_PATHS = re.compile(r"/(\w+/admin/|healthz$|readyz$|metrics$)")
#: Paths that need no database connection, or check each server themselves.
NO_DATABASE_PATHS = re.compile(r"/(healthz|readyz)$")
#: Headers that a cached response may vary by. The cache handles both.
_VARY_HEADERS = {"accept-encoding", "accept-language"}
#: Paths that programs poll. Their ETag is a hash of the body, so it changes only if the body does.
#: The ETag of other pages comes from the content's version, so it is known before rendering.
_POLLED_PATHS = re.compile(r"/api/v\d+/|\.atom$|/corrections/feed/$")
#: Suffix of a download's ETag in place of the encoding. Downloads are never cached.
_STREAM = "stream"
#: Prefixes of headers that a 304 response needs too, so that pages of other origins can read it.
_NOT_MODIFIED_PREFIXES = ("Access-Control-", "Cross-Origin-")

_Handler = Callable[[HttpRequest], HttpResponseBase]


def page_cache_middleware(get_response: _Handler) -> _Handler:
    """Answer from the page cache if the content's version and the URL match; else run the view."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        use_database(PRIMARY)
        asks = request.method in ("GET", "HEAD") and settings.PAGE_CACHE_BYTES
        if not asks or UNCACHED_PATHS.match(request.path_info):
            if not NO_DATABASE_PATHS.match(request.path_info):
                version_of(PRIMARY)  # closes the connection if the server does not respond
            return get_response(request)
        try:
            state = current_version(), timezone.localdate().toordinal()
            key = _cache_key(request, state)
        except (DisallowedHost, DatabaseError):
            return get_response(request)  # which reports the error
        encoding = negotiate_encoding(request.headers.get("Accept-Encoding", ""))
        wanted = request.headers.get("If-None-Match")
        if wanted and _is_in_a_language(request) and (tag := _matching_tag(key, wanted)):
            request.META[SERVED_FROM_KEY] = "asker"
            return _not_modified(tag)
        page = page_store.get(key)
        if page is not None:
            request.META[SERVED_FROM_KEY] = "memory"
            request.META[STATE_KEY] = state
            return _build_response(request, key, page, encoding)
        own: list[HttpResponseBase] = []

        def render() -> CachedPage | None:
            own.append(run_view_on_replica(get_response, request, state[0]))
            page = _cacheable_page(request, own[0], state)
            if page is not None:
                page_store.put(key, page)
            return page

        page = page_store.single_flight(key, render)
        if page is not None:
            request.META[STATE_KEY] = state
            return _build_response(request, key, page, encoding)
        response = own[0] if own else run_view_on_replica(get_response, request, state[0])
        if response.streaming and _is_public_response(request, response):
            # Weak, because the stream may contain later changes. The ETag is outdated by then.
            response["ETag"] = f"W/{_tag(key, _STREAM)}"
            response.headers.setdefault("Cache-Control", _cache_control())
        return response

    return answer


@cache
def _release_hash() -> bytes:
    """Return a hash of the settings, code, templates and static files of this release."""
    seen = blake2b(settings.SETTINGS_HASH)
    folders = [settings.BASE_DIR / name for name in ("allies", "config", "templates")]
    files = [path for folder in folders for path in folder.rglob("*.*")]
    files.append(Path(settings.STATIC_ROOT) / "staticfiles.json")
    for path in sorted(files):
        if path.suffix != ".pyc" and path.is_file():
            seen.update(f"{path}:{path.stat().st_size}".encode())
            seen.update(blake2b(path.read_bytes()).digest())
    return seen.digest()


def _is_in_a_language(request: HttpRequest) -> bool:
    return request.path_info.startswith(LANGUAGE_PATH)


def _cache_key(request: HttpRequest, state: tuple[int, int]) -> str:
    """Return the hash of everything a response depends on.

    ``state`` is the content's version and the day. The other parts come from the request and from
    the release. Pages outside a language path also depend on the reader's language.
    """
    language: tuple[object, ...] = ()
    if not _is_in_a_language(request):
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        language = (request.headers.get("Accept-Language"), cookie)
    parts = (
        *state,
        request.scheme,
        request.get_host(),
        request.path_info,
        # Not normalised: two spellings of a query may be different queries.
        request.META.get("QUERY_STRING", ""),
        *language,
    )
    secret = settings.SECRET_KEY.encode()[:64]
    return blake2b(repr(parts).encode() + _release_hash(), key=secret, digest_size=16).hexdigest()


def _tag(key: str, encoding: str) -> str:
    return f'"{key}-{encoding}"'


def _matching_tag(key: str, wanted: str) -> str | None:
    """Return the ETag of this page in ``wanted`` (an If-None-Match header), or None."""
    asked = {tag.removeprefix("W/") for tag in parse_etags(wanted)}
    return next(
        (tag for name in (*SUPPORTED_ENCODINGS, _STREAM) if (tag := _tag(key, name)) in asked),
        None,
    )


def _not_modified(tag: str) -> HttpResponse:
    headers = {"ETag": tag, "Cache-Control": _cache_control(), "Vary": "Accept-Encoding"}
    return HttpResponseNotModified(headers=headers)


def _cache_control() -> str:
    """Return the Cache-Control header: browsers revalidate each time, CDNs keep it as set."""
    seconds = settings.CDN_MAX_AGE_SECONDS
    return f"public, max-age=0, s-maxage={seconds}, stale-while-revalidate={seconds}"


def _cacheable_page(
    request: HttpRequest, response: HttpResponseBase, state: tuple[int, int]
) -> CachedPage | None:
    """Return the page to cache for a response, or None if it must not be cached.

    A page must show a single version of the content. If the content changed while the page was
    rendered, it is not cached.
    """
    if not (isinstance(response, HttpResponse) and _is_public_response(request, response)):
        return None
    if current_connection_version() != state[0]:
        return None
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = _cache_control()
    body = response.content
    encoding = IDENTITY
    if is_compressible(response.get("Content-Type", ""), body):
        patch_vary_headers(response, ["Accept-Encoding"])
        encoding = STORED_ENCODING
    del response["Content-Length"]
    digest = ""
    if _POLLED_PATHS.search(request.path_info):
        secret = settings.SECRET_KEY.encode()[:64]
        digest = blake2b(body, key=secret, digest_size=16).hexdigest()
    return CachedPage(tuple(response.items()), {encoding: compress(body, encoding)}, digest)


def _is_public_response(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return True if a response may be cached for everyone, judging by its headers and session."""
    if response.status_code != 200 or response.has_header("ETag"):
        return False
    control = cc_delim_re.split(response.get("Cache-Control", "").lower())
    varies = {name.lower() for name in cc_delim_re.split(response.get("Vary", "")) if name}
    session: Any = getattr(request, "session", None)
    return not (
        response.cookies
        or {"no-store", "private"} & set(control)
        or varies - _VARY_HEADERS
        or (session is not None and session.accessed)
    )


def _build_response(
    request: HttpRequest, key: str, page: CachedPage, encoding: str
) -> HttpResponse:
    if IDENTITY in page.bodies and len(page.bodies) == 1:
        encoding = IDENTITY
    elif encoding not in page.bodies:
        page = page.body_in(encoding)
        page_store.put(key, page)
    response = HttpResponse(page.bodies[encoding], headers=dict(page.headers))
    response["ETag"] = _tag(page.digest or key, encoding)
    if encoding != IDENTITY:
        response["Content-Encoding"] = encoding
    response["Content-Length"] = str(len(page.bodies[encoding]))
    changed = response.get("Last-Modified")
    last_modified = parse_http_date(changed) if changed else None
    found = get_conditional_response(request, response["ETag"], last_modified, response)
    if found is None or found is response:
        return response
    for name, value in page.headers:
        if name.startswith(_NOT_MODIFIED_PREFIXES):
            found[name] = value
    return found
