"""Web addresses: normalised for storage, and as keys that tell if two lead to one document."""

import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from allies.text.normalize import truncate_key

_PORTS = {"http": 80, "https": 443}

#: Parameters that say where a reader came from, not which document it is. These prefixes are
#: those of Google Analytics, Matomo, AT Internet (used by the BBC), HubSpot and comScore.
_TRACKING_PREFIXES = ("utm_", "mtm_", "at_", "hsa_", "_hs", "ns_")
#: Ids of clicks (Facebook, Google, Microsoft, Twitter, TikTok, Yandex, LinkedIn) and of mails,
#: and the campaigns of newspapers: ``maca`` is Deutsche Welle's, ``taid`` Reuters'.
_TRACKING = {
    *("fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "twclid", "ttclid"),
    *("yclid", "li_fat_id", "mc_cid", "mc_eid", "igshid", "igsh", "ref_src", "ref_url", "cmpid"),
    *("pk_campaign", "pk_source", "icid", "ito", "maca", "taid", "xtor", "smid", "_ga", "_gl"),
}


def is_tracking(name: str) -> bool:
    """Return whether a parameter of this name only says where a reader came from."""
    return name.startswith(_TRACKING_PREFIXES) or name in _TRACKING


#: Subdomains that lead to another version of the same page.
_EQUIVALENT_SUBDOMAINS = {"www", "m", "amp", "mobile"}
#: Path segments, and below parameters, that do the same.
_AMP = {"amp", "amp.html"}
_AMP_PARAMETERS = {"amp", "outputtype"}

_ARCHIVE_TODAY = {f"archive.{end}" for end in ("today", "is", "li", "vn", "md", "fo", "ph")}
#: The path of an archived copy: a timestamp or similar, then the original address, which may
#: lack "http://".
_ARCHIVE_PATH = re.compile(
    r"^/(?:(?:web|wayback)/)?"
    r"(?:(?:\d{4}[\d.\-]*(?:[a-z]{2}_)?\*?|\*|newest|oldest|save|o/\w+)/(.+)|(https?:/.+))$",
    re.IGNORECASE,
)
_ARCHIVES = {"web.archive.org", "arquivo.pt", "wayback.archive-it.org", *_ARCHIVE_TODAY}


def normalize_url(url: str) -> str:
    """Return the address as it is stored, without parts that can be omitted.

    Scheme and host are in lower case. The default port, the fragment and tracking parameters are
    removed (a fragment with ``#!`` stays, because it is part of the address). The original address
    in an archive's address is not changed. A text that is no web address is returned as it is.
    """
    url = url.strip()
    parts = _parts(url)
    if parts is None:
        return url
    host = _host(parts)
    if is_archive_url(url):
        return urlunsplit(parts._replace(scheme=parts.scheme.lower(), netloc=host))
    return urlunsplit(
        (
            parts.scheme.lower(),
            host,
            parts.path,
            "&".join(_parameters(parts)),
            parts.fragment if parts.fragment.startswith("!") else "",
        )
    )


def comparison_key(url: str) -> str:
    """Return what all addresses of one document have in common; "" if this is no web address.

    The scheme, ``www.``, ``m.`` and ``amp.``, a slash at the end and the order of parameters do
    not count. An archived copy has the key of its original.
    """
    url = archived_url_target(url) or url
    parts = _parts(normalize_url(url))
    if parts is None:
        return ""
    labels = _host(parts).split(".")
    host = ".".join(
        [*(part for part in labels[:-2] if part not in _EQUIVALENT_SUBDOMAINS), *labels[-2:]]
    )
    if host in _ARCHIVE_TODAY:
        host = "archive.ph"
    steps = [step for step in unquote(parts.path).split("/") if step]
    steps = steps[1:] if steps and steps[0] in _AMP else steps
    steps = steps[:-1] if steps and steps[-1] in _AMP else steps
    parameters = sorted(
        unquote(text)
        for text in _parameters(parts)
        if text.partition("=")[0].lower() not in _AMP_PARAMETERS
    )
    query = f"?{'&'.join(parameters)}" if parameters else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return "/".join([host, *steps]) + query + fragment


def url_key(url: str) -> str:
    """Return the comparison key in a length that can be indexed."""
    return truncate_key(comparison_key(url))


def is_archive_url(url: str) -> bool:
    """Return whether this is the address of a web archive."""
    parts = _parts(url)
    return parts is not None and _host(parts).removeprefix("www.") in _ARCHIVES


def archived_url_target(url: str) -> str:
    """Return the original address of an archived copy; "" if the address does not contain it."""
    parts = _parts(url.strip())
    if parts is None or not is_archive_url(url):
        return ""
    found = _ARCHIVE_PATH.match(parts.path)
    if not found:
        return ""
    kept = re.sub(r"^(https?):/+", r"\1://", found[1] or found[2], flags=re.IGNORECASE)
    kept = kept if "://" in kept else f"http://{kept}"
    query = f"?{parts.query}" if parts.query else ""
    return kept + query if _parts(kept) and "." in kept.split("/")[2] else ""


def _parts(url: str) -> SplitResult | None:
    """Return the parts of a web address; None for any other text."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in _PORTS and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:  # half an IPv6 address, or a port that is not a number
        return None
    return parts if usable else None


def _host(parts: SplitResult) -> str:
    """Return the host in lower case, with user name, and with its port unless it is the default."""
    user, at, host = parts.netloc.rpartition("@")
    host = host.lower()
    if parts.port == _PORTS[parts.scheme.lower()]:
        host = host.rpartition(":")[0]
    return f"{user}{at}{host.removesuffix(':')}"


def _parameters(parts: SplitResult) -> list[str]:
    """Return the parameters that are not for tracking, as they are written."""
    return [text for text in parts.query.split("&") if text and not _is_tracking(text)]


def _is_tracking(parameter: str) -> bool:
    name = unquote(parameter.partition("=")[0]).lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def wikidata_url(item: str) -> str:
    """Return the URL of a Wikidata item, like Q7184; "" for no item."""
    return f"https://www.wikidata.org/wiki/{item}" if item else ""
