"""A Redis cache backend that acts as an empty cache while its server is down."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: Seconds to wait before trying a server again that did not respond.
RETRY_SECONDS = 5


class FaultTolerantRedisCache(RedisCache):
    """Django's Redis cache, which acts as if it were empty while its server is down."""

    def __init__(self, server: Any, params: dict[str, object]) -> None:
        super().__init__(server, params)
        self._away_until = 0.0

    def _call_server(self, ask: Callable[[], object], otherwise: object) -> object:
        if time.monotonic() < self._away_until:
            return otherwise
        try:
            return ask()
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + RETRY_SECONDS
            log.warning("The shared cache is not available (%s); continuing without it.", error)
            return otherwise

    def add(self, key: object, value: object, *args: Any, **kwargs: Any) -> Any:
        return self._call_server(
            lambda: super(FaultTolerantRedisCache, self).add(key, value, *args, **kwargs), True
        )

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        try:
            return self._call_server(
                lambda: super(FaultTolerantRedisCache, self).get(key, default, version), default
            )
        except ValueError:  # not JSON, so not written by this release
            return default

    def set(self, key: object, value: object, *args: Any, **kwargs: Any) -> None:
        self._call_server(
            lambda: super(FaultTolerantRedisCache, self).set(key, value, *args, **kwargs), None
        )

    def touch(self, key: object, *args: Any, **kwargs: Any) -> Any:
        return self._call_server(
            lambda: super(FaultTolerantRedisCache, self).touch(key, *args, **kwargs), False
        )

    def delete(self, key: object, version: Any = None) -> Any:
        return self._call_server(
            lambda: super(FaultTolerantRedisCache, self).delete(key, version), False
        )

    def get_many(self, keys: Any, version: Any = None) -> Any:
        try:
            return self._call_server(
                lambda: super(FaultTolerantRedisCache, self).get_many(keys, version), {}
            )
        except ValueError:
            return {}

    def has_key(self, key: object, version: Any = None) -> Any:
        return self._call_server(
            lambda: super(FaultTolerantRedisCache, self).has_key(key, version), False
        )

    def incr(self, key: object, delta: int = 1, version: Any = None) -> Any:
        return self._call_server(
            lambda: super(FaultTolerantRedisCache, self).incr(key, delta, version), 0
        )

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return self._call_server(
            lambda: super(FaultTolerantRedisCache, self).set_many(data, *args, **kwargs), [*data]
        )

    def clear(self) -> Any:
        return self._call_server(super().clear, False)
