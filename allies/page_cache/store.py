"""Store of rendered pages: this process's memory and, if there is one, the shared cache."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from cachetools import LRUCache
from django.conf import settings
from django.core.cache import cache

from allies.page_cache.encoding import compress, decompress

#: Seconds that the shared cache keeps a page. A new version of the content has a new key.
TTL_SECONDS = 24 * 3600
#: Seconds a request waits for another one that renders the same page, before it renders it too.
WAIT_SECONDS = 30


@dataclass(frozen=True)
class CachedPage:
    """A response: its headers, and its body in the encodings requested so far.

    ``digest`` is the hash of the body if programs poll the page, else "".
    """

    headers: tuple[tuple[str, str], ...]
    bodies: dict[str, bytes] = field(default_factory=dict)
    digest: str = ""

    def to_json(self) -> list[object]:
        """Return the page as values that the shared cache can serialize."""
        return [self.headers, self.bodies, self.digest]

    @classmethod
    def from_json(cls, found: Any) -> "CachedPage | None":
        """Return the page from the result of ``to_json``; None for anything else."""
        try:
            headers, bodies, digest = found
            pairs = tuple((str(name), str(value)) for name, value in headers)
            if bodies and all(isinstance(body, bytes) for body in bodies.values()):
                return cls(pairs, bodies, str(digest))
        except (TypeError, ValueError, AttributeError):
            pass
        return None

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return 1000 + sum(map(len, self.bodies.values()))

    def body_in(self, encoding: str) -> "CachedPage":
        """Return a page that also has its body in this encoding."""
        if encoding in self.bodies:
            return self
        name, kept = next(iter(self.bodies.items()))
        return replace(
            self, bodies={**self.bodies, encoding: compress(decompress(kept, name), encoding)}
        )


class PageStore:
    """Cache of pages by key, limited to ``size`` bytes; the least used page is dropped first."""

    def __init__(self, size: int) -> None:
        self._pages: LRUCache[str, CachedPage] = LRUCache(size, getsizeof=lambda page: page.size)
        self._lock = threading.Lock()
        self._flights: dict[str, Future[CachedPage | None]] = {}
        self._waiting: Counter[str] = Counter()

    @property
    def size(self) -> int:
        """Size in bytes of the pages in this process's memory."""
        return int(self._pages.currsize)

    def wait_for(self, key: str) -> int:
        """Return how many requests wait for another one that renders this key."""
        return self._waiting[key]

    def get(self, key: str) -> CachedPage | None:
        with self._lock:
            page = self._pages.get(key)
        if page is None and settings.CACHE_URL:
            page = CachedPage.from_json(cache.get(key))
            if page is not None:
                self._store(key, page)
        return page

    def put(self, key: str, page: CachedPage) -> None:
        """Store a page in the shared cache, and in memory if it takes at most an eighth of it."""
        self._store(key, page)
        if settings.CACHE_URL:
            cache.set(key, page.to_json(), TTL_SECONDS)

    def _store(self, key: str, page: CachedPage) -> None:
        with self._lock:
            if page.size <= self._pages.maxsize // 8:
                self._pages[key] = page

    def single_flight(self, key: str, render: Callable[[], CachedPage | None]) -> CachedPage | None:
        """Return the result of ``render``, which only one of simultaneous requests for a key calls.

        The others wait for its page. They get None if it cannot be cached, or after WAIT_SECONDS.
        """
        with self._lock:
            flight = self._flights.get(key)
            if leads := flight is None:
                flight = self._flights[key] = Future()
        assert flight is not None
        if not leads:
            with self._lock:
                self._waiting[key] += 1
            try:
                return flight.result(WAIT_SECONDS)
            except TimeoutError:
                return None
            finally:
                with self._lock:
                    self._waiting[key] -= 1
                    if not self._waiting[key]:
                        del self._waiting[key]
        page = None
        try:
            page = render()
            return page
        finally:
            with self._lock:
                del self._flights[key]
            flight.set_result(page)

    def clear(self) -> None:
        """Drop the pages in this process's memory."""
        with self._lock:
            self._pages.clear()


#: It gets half of the memory for cached pages; ``allies.page_cache.wsgi`` gets the other half.
page_store = PageStore(settings.PAGE_CACHE_BYTES // 2)
