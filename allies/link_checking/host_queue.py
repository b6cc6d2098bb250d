"""A queue of visits that takes turns between hosts and waits between visits to the same host."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class HostQueue(Generic[Item]):
    """One queue per host, taken from in turns.

    A host that was visited less than ``delay`` seconds ago has to wait. The others do not.
    """

    def __init__(
        self,
        delay: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._delay, self._now, self._sleep = delay, monotonic, sleep
        self._queues: OrderedDict[str, deque[Item]] = OrderedDict()
        self._ready_at: dict[str, float] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, host: str, item: Item) -> None:
        self._queues.setdefault(host, deque()).append(item)
        self._count += 1

    def take(self) -> tuple[str, Item]:
        """Return the next host and item; sleep first if all hosts have to wait."""
        host = self._next_ready()
        while host is None:
            self._sleep(max(min(map(self._ready, self._queues)) - self._now(), 0))
            host = self._next_ready()
        waiting = self._queues.pop(host)
        item = waiting.popleft()
        self._count -= 1
        if waiting:
            self._queues[host] = waiting  # after all others
        return host, item

    def mark_visited(self, host: str) -> None:
        """Note that a visit to a host has just ended."""
        now = self._now()
        self._ready_at = {h: at for h, at in self._ready_at.items() if at > now}
        self._ready_at[host] = now + self._delay

    def _ready(self, host: str) -> float:
        return self._ready_at.get(host, 0.0)

    def _next_ready(self) -> str | None:
        now = self._now()
        return next((host for host in self._queues if self._ready(host) <= now), None)
