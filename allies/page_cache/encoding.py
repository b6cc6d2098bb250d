"""How bodies travel: zstd, Brotli, gzip or as they are, as the asker accepts them."""

import gzip

import brotli
import zstandard

IDENTITY = "identity"
#: Encodings we have, the best first.
SUPPORTED_ENCODINGS = ("zstd", "br", "gzip", IDENTITY)
#: The encoding in which a body is kept before anybody asked for another: quick both ways.
STORED_ENCODING = "zstd"
#: Kinds of content that grow smaller.
_TEXT_TYPES = (
    *("text/", "application/json", "application/atom+xml", "application/xml", "image/svg+xml"),
    *("application/geo+json", "application/ld+json", "application/manifest+json"),
)
#: Bytes below which nothing is won.
_MIN_COMPRESSED_BYTES = 500


def negotiate_encoding(header: str) -> str:
    """Return the encoding to answer with, of a request's Accept-Encoding (RFC 9110, 12.5.3)."""
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
    """Say whether a body is worth compressing."""
    return len(body) >= _MIN_COMPRESSED_BYTES and content_type.startswith(_TEXT_TYPES)


def compress(body: bytes, encoding: str) -> bytes:
    """Return a body in an encoding; the same bytes whenever it is asked."""
    match encoding:
        case "zstd":
            return zstandard.compress(body, 6)
        case "br":
            return bytes(brotli.compress(body, quality=5))
        case "gzip":
            return gzip.compress(body, 6, mtime=0)
    return body


def decompress(body: bytes, encoding: str) -> bytes:
    """Return what was packed."""
    match encoding:
        case "zstd":
            return zstandard.decompress(body)
        case "br":
            return bytes(brotli.decompress(body))
        case "gzip":
            return gzip.decompress(body)
    return body
