"""What takes long to count, remembered by this process while the content is what it was then."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache
from django.db import connections

from allies.replicas import reading_from, version_here

Value = TypeVar("Value")

#: Values remembered; the least used is dropped first.
KEPT = 256

_kept: LRUCache[Hashable, Any] = LRUCache(KEPT)
_lock = Lock()


def while_unchanged(key: Hashable, count: Callable[[], Value]) -> Value:
    """Return what ``count`` returned for this key and this version of the content, or count now.

    Nothing is remembered of a transaction, which may come to nothing, nor of what was counted
    while somebody wrote. Costs a query on a tiny table, and one more when it counts.
    """
    version = version_here()
    if version is None or connections[reading_from()].in_atomic_block:
        return count()
    with _lock:
        kept: Value | None = _kept.get((version, key))
    if kept is None:
        kept = count()
        if version_here() == version:
            with _lock:
                _kept[version, key] = kept
    return kept


def remembered(key: Hashable) -> Any:
    """Return what ``while_unchanged`` remembers for this key; None where that is nothing."""
    version = version_here()
    if version is None or connections[reading_from()].in_atomic_block:
        return None
    with _lock:
        return _kept.get((version, key))


def forget() -> None:
    """Drop what is remembered."""
    with _lock:
        _kept.clear()
