"""Results of slow queries, cached in this process until the content changes."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache
from django.db import connections

from allies.db.router import current_alias, current_connection_version

Value = TypeVar("Value")

_memos: list["VersionedMemo"] = []


class VersionedMemo:
    """Cache of up to ``size`` values by key and content version; the least used is dropped first.

    Create instances at module level only: ``clear_all`` keeps a reference to each.
    """

    def __init__(self, size: int) -> None:
        self._kept: LRUCache[Hashable, Any] = LRUCache(size)
        self._lock = Lock()
        _memos.append(self)

    def get_or_compute(self, key: Hashable, count: Callable[[], Value]) -> Value:
        """Return the cached value for this key and the content's version, or call ``count``.

        Nothing is cached inside a transaction, which may be rolled back, nor if the content
        changed during the call. One query on a tiny table, and a second one after ``count``.
        """
        version = _version()
        if version is None:
            return count()
        with self._lock:
            kept: Value | None = self._kept.get((version, key))
        if kept is None:
            kept = count()
            if current_connection_version() == version:
                with self._lock:
                    self._kept[version, key] = kept
        return kept

    def peek(self, key: Hashable) -> Any:
        """Return the cached value for this key, or None. Never computes it."""
        version = _version()
        if version is None:
            return None
        with self._lock:
            return self._kept.get((version, key))

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _version() -> int | None:
    """Return the content's version as a cache key; None if nothing may be cached now."""
    version = current_connection_version()
    return None if connections[current_alias()].in_atomic_block else version


#: Counts over many rows: few values, each slow to compute.
_counts_memo = VersionedMemo(256)
while_unchanged, remembered = _counts_memo.get_or_compute, _counts_memo.peek


def clear_all() -> None:
    """Empty all memos of this process."""
    for memory in _memos:
        memory.clear()
