"""How values lie in the cache: as signed JSON.

Whoever can write to the cache's server could run code in the site's processes if these were
pickles, and change what readers see if they were not signed. Bytes, such as pictures and
compressed pages, are written in Base64.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache

#: The key of an object that stands for bytes.
_BYTES = "$bytes"


class JsonSerializer:
    """What Django's cache backends ask to write and read values; integers stay what they are."""

    def dumps(self, value: object) -> int | str:
        """Return a value as it is written. Raises TypeError for what JSON cannot hold."""
        if type(value) is int:  # so that the server can count it up
            return value
        text = json.dumps(value, default=_from_bytes, separators=(",", ":"))
        return f"{_sign(text)}:{text}"

    def loads(self, written: Any) -> object:
        """Return what was written. Raises ValueError for what this site did not write."""
        try:
            return int(written)
        except ValueError:
            signed = written.decode() if isinstance(written, bytes) else str(written)
        signature, _colon, text = signed.partition(":")
        if not compare_digest(signature.encode(), _sign(text).encode()):
            raise ValueError("Its signature is not this site's.")
        return json.loads(text, object_hook=_to_bytes)


def _sign(text: str) -> str:
    """Return the keyed hash of a text, in 32 hexadecimal digits."""
    key = settings.SECRET_KEY.encode()[:64]
    return blake2b(text.encode(), key=key, digest_size=16, person=b"allies.cache").hexdigest()


def _from_bytes(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {_BYTES: b64encode(value).decode()}
    raise TypeError(f"A {type(value).__name__} cannot be cached")


def _to_bytes(found: Mapping[str, object]) -> bytes | Mapping[str, object]:
    written = found.get(_BYTES) if len(found) == 1 else None
    return b64decode(written) if isinstance(written, str) else found


class JsonLocMemCache(LocMemCache):
    """Django's cache in memory, which takes and gives what a shared cache would."""

    def __init__(self, name: str, params: dict[str, object]) -> None:
        super().__init__(name, params)
        self._serializer = JsonSerializer()

    def add(
        self, key: object, value: object, timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> bool:
        return super().add(key, self._serializer.dumps(value), timeout, version)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        found = super().get(key, self, version)
        return default if found is self else self._serializer.loads(found)

    def set(
        self, key: object, value: object, timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> None:
        super().set(key, self._serializer.dumps(value), timeout, version)
