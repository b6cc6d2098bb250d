"""Serialize cache values as signed JSON.

An attacker with write access to the cache server could run code on the site if values were
pickles, and change pages if they were not signed. Bytes, such as images and compressed pages, are
encoded in Base64.
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

#: The only key of a JSON object that encodes bytes.
_BYTES = "$bytes"


class JsonSerializer:
    """A serializer for Django's cache backends. Integers are stored as they are."""

    def dumps(self, value: object) -> int | str:
        """Return the stored form of a value. Raises TypeError if JSON cannot represent it."""
        if type(value) is int:  # so that the server can increment it
            return value
        text = json.dumps(value, default=_from_bytes, separators=(",", ":"))
        return f"{_sign(text)}:{text}"

    def loads(self, written: Any) -> object:
        """Return the value of a stored form. Raises ValueError if this site did not write it."""
        try:
            return int(written)
        except ValueError:
            signed = written.decode() if isinstance(written, bytes) else str(written)
        signature, _colon, text = signed.partition(":")
        if not compare_digest(signature.encode(), _sign(text).encode()):
            raise ValueError("Its signature is not this site's.")
        return json.loads(text, object_hook=_to_bytes)


def _sign(text: str) -> str:
    """Return the hash of a text, keyed with SECRET_KEY, in 32 hexadecimal digits."""
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
    """Django's in-memory cache with our serializer, so that it behaves like the shared cache."""

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
