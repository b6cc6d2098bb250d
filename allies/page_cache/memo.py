"""What takes long to count, remembered by this process while the content is what it was then."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache
from django.db import connections

from allies.db.router import current_alias, current_connection_version

Value = TypeVar("Value")

_memos: list["VersionedMemo"] = []


class VersionedMemo:
    """Remembers up to ``size`` values by their keys; the least used is dropped first.

    Each stands in a module, for as long as the process.
    """

    def __init__(self, size: int) -> None:
        self._kept: LRUCache[Hashable, Any] = LRUCache(size)
        self._lock = Lock()
        _memos.append(self)

    def get_or_compute(self, key: Hashable, count: Callable[[], Value]) -> Value:
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
            if current_connection_version() == version:
                with self._lock:
                    self._kept[version, key] = kept
        return kept

    def peek(self, key: Hashable) -> Any:
        """Return what ``while_unchanged`` remembers for this key; None where that is nothing."""
        version = _version()
        if version is None:
            return None
        with self._lock:
            return self._kept.get((version, key))

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _version() -> int | None:
    """Return the version by which a value may be remembered; None where it may not be."""
    version = current_connection_version()
    return None if connections[current_alias()].in_atomic_block else version


#: What is counted over many rows: few values, each of them dear.
_counts_memo = VersionedMemo(256)
while_unchanged, remembered = _counts_memo.get_or_compute, _counts_memo.peek


def clear_all() -> None:
    """Drop what is remembered, by whomever."""
    for memory in _memos:
        memory.clear()
