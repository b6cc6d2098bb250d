"""What takes long to count, remembered by this process while the content is what it was then."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache
from django.db import connections

from allies.replicas import reading_from, version_here

Value = TypeVar("Value")

_all: list["Memory"] = []


class Memory:
    """Remembers up to ``size`` values by their keys; the least used is dropped first.

    Each stands in a module, for as long as the process.
    """

    def __init__(self, size: int) -> None:
        self._kept: LRUCache[Hashable, Any] = LRUCache(size)
        self._lock = Lock()
        _all.append(self)

    def while_unchanged(self, key: Hashable, count: Callable[[], Value]) -> Value:
        """Return what ``count`` returned for this key and version of the content, or count now.

        Nothing is remembered of a transaction, which may come to nothing, nor of what was counted
        while somebody wrote. Costs a query on a tiny table, and one more when it counts.
        """
        version = _version()
        if version is None:
            return count()
        with self._lock:
            kept: Value | None = self._kept.get((version, key))
        if kept is None:
            kept = count()
            if version_here() == version:
                with self._lock:
                    self._kept[version, key] = kept
        return kept

    def remembered(self, key: Hashable) -> Any:
        """Return what ``while_unchanged`` remembers for this key; None where that is nothing."""
        version = _version()
        if version is None:
            return None
        with self._lock:
            return self._kept.get((version, key))

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


def _version() -> int | None:
    """Return the version by which a value may be remembered; None where it may not be."""
    version = version_here()
    return None if connections[reading_from()].in_atomic_block else version


#: What is counted over many rows: few values, each of them dear.
_counts = Memory(256)
while_unchanged, remembered = _counts.while_unchanged, _counts.remembered


def forget() -> None:
    """Drop what is remembered, by whomever."""
    for memory in _all:
        memory.forget()
