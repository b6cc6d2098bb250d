"""Compress response bodies with zstd, Brotli or gzip, as the client accepts."""

import gzip

import brotli
import zstandard

IDENTITY = "identity"
#: Encodings we can send, the best first.
SUPPORTED_ENCODINGS = ("zstd", "br", "gzip", IDENTITY)
#: The encoding in which a body is cached first. It compresses and decompresses fast.
STORED_ENCODING = "zstd"
#: Prefixes of content types that compress well.
_TEXT_TYPES = (
    *("text/", "application/json", "application/atom+xml", "application/xml", "image/svg+xml"),
    *("application/geo+json", "application/ld+json", "application/manifest+json"),
)
#: A smaller body gains nothing from compression.
_MIN_COMPRESSED_BYTES = 500


def negotiate_encoding(header: str) -> str:
    """Return the best encoding for an Accept-Encoding header (RFC 9110, 12.5.3)."""
    if not header:
        return IDENTITY
    weights = {}
    for part in header.lower().split(","):
        name, _semicolon, parameter = part.partition(";")
        weights[name.strip()] = _quality_value(parameter)
    others = weights.get("*", 0)
    best = max(
        SUPPORTED_ENCODINGS,
        key=lambda name: weights.get(name, 0.0001 if name == IDENTITY else others),
    )
    return best


def _quality_value(parameter: str) -> float:
    name, _equals, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1
    try:
        return float(value)
    except ValueError:
        return 0


def is_compressible(content_type: str, body: bytes) -> bool:
    """Return True if a body is worth compressing."""
    return len(body) >= _MIN_COMPRESSED_BYTES and content_type.startswith(_TEXT_TYPES)


def compress(body: bytes, encoding: str) -> bytes:
    """Return a body in an encoding. The same input always gives the same bytes."""
    match encoding:
        case "zstd":
            return zstandard.compress(body, 6)
        case "br":
            return bytes(brotli.compress(body, quality=5))
        case "gzip":
            return gzip.compress(body, 6, mtime=0)
    return body


def decompress(body: bytes, encoding: str) -> bytes:
    """Return the body that ``compress`` was given."""
    match encoding:
        case "zstd":
            return zstandard.decompress(body)
        case "br":
            return bytes(brotli.decompress(body))
        case "gzip":
            return gzip.decompress(body)
    return body
