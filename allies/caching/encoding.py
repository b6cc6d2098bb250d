"""How bodies travel: zstd, Brotli, gzip or as they are, as the asker accepts them."""

import gzip

import brotli
import zstandard

IDENTITY = "identity"
#: Encodings we have, the best first.
KNOWN = ("zstd", "br", "gzip", IDENTITY)
#: The encoding in which a body is kept before anybody asked for another: quick both ways.
KEPT_AS = "zstd"
#: Kinds of content that grow smaller.
_TEXTS = (
    *("text/", "application/json", "application/atom+xml", "application/xml", "image/svg+xml"),
    *("application/geo+json", "application/ld+json", "application/manifest+json"),
)
#: Bytes below which nothing is won.
_SMALL = 500


def accepted(header: str) -> str:
    """Return the encoding to answer with, of a request's Accept-Encoding (RFC 9110, 12.5.3)."""
    if not header:
        return IDENTITY
    weights = {}
    for part in header.lower().split(","):
        name, _semicolon, parameter = part.partition(";")
        weights[name.strip()] = _weight(parameter)
    others = weights.get("*", 0)
    best = max(KNOWN, key=lambda name: weights.get(name, 0.0001 if name == IDENTITY else others))
    return best


def _weight(parameter: str) -> float:
    name, _equals, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1
    try:
        return float(value)
    except ValueError:
        return 0


def shrinks(content_type: str, body: bytes) -> bool:
    """Say whether a body is worth compressing."""
    return len(body) >= _SMALL and content_type.startswith(_TEXTS)


def packed(body: bytes, encoding: str) -> bytes:
    """Return a body in an encoding; the same bytes whenever it is asked."""
    match encoding:
        case "zstd":
            return zstandard.compress(body, 6)
        case "br":
            return bytes(brotli.compress(body, quality=5))
        case "gzip":
            return gzip.compress(body, 6, mtime=0)
    return body


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return what was packed."""
    match encoding:
        case "zstd":
            return zstandard.decompress(body)
        case "br":
            return bytes(brotli.decompress(body))
        case "gzip":
            return gzip.decompress(body)
    return body
