"""Where rendered pages are kept: this process's memory and, if there is one, the shared cache."""

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

#: Seconds the shared cache keeps a page; a newer version has another key.
TTL_SECONDS = 24 * 3600
#: Seconds one waits for somebody else who renders the same page, before one does it oneself.
WAIT_SECONDS = 30


@dataclass(frozen=True)
class CachedPage:
    """An answer as it was: its headers, and its body in the encodings asked for so far.

    ``digest`` names the body of an answer that programs follow; "" for others.
    """

    headers: tuple[tuple[str, str], ...]
    bodies: dict[str, bytes] = field(default_factory=dict)
    digest: str = ""

    def to_json(self) -> list[object]:
        """Return the page as the shared cache takes it."""
        return [self.headers, self.bodies, self.digest]

    @classmethod
    def from_json(cls, found: Any) -> "CachedPage | None":
        """Return the page that ``to_json`` gave; None for anything else."""
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
        """Bytes it takes, roughly."""
        return 1000 + sum(map(len, self.bodies.values()))

    def body_in(self, encoding: str) -> "CachedPage":
        """Return the page with this encoding of its body among the others."""
        if encoding in self.bodies:
            return self
        name, kept = next(iter(self.bodies.items()))
        return replace(
            self, bodies={**self.bodies, encoding: compress(decompress(kept, name), encoding)}
        )


class PageStore:
    """Pages by key, the least used dropped first; what it may take is counted in bytes."""

    def __init__(self, size: int) -> None:
        self._pages: LRUCache[str, CachedPage] = LRUCache(size, getsizeof=lambda page: page.size)
        self._lock = threading.Lock()
        self._flights: dict[str, Future[CachedPage | None]] = {}
        self._waiting: Counter[str] = Counter()

    @property
    def size(self) -> int:
        """Bytes the pages in this process's memory take."""
        return int(self._pages.currsize)

    def wait_for(self, key: str) -> int:
        """Return how many wait for somebody else who renders this key."""
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
        """Keep a page, unless it is too large for that."""
        self._store(key, page)
        if settings.CACHE_URL:
            cache.set(key, page.to_json(), TTL_SECONDS)

    def _store(self, key: str, page: CachedPage) -> None:
        with self._lock:
            if page.size <= self._pages.maxsize // 8:
                self._pages[key] = page

    def single_flight(self, key: str, render: Callable[[], CachedPage | None]) -> CachedPage | None:
        """Return what ``render`` does; of those who ask for one key at once, one renders.

        The others get its page, or None where it could not be kept.
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


#: Half of what pages may take; the other half is ``front``'s.
page_store = PageStore(settings.PAGE_CACHE_BYTES // 2)
