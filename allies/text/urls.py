"""Addresses on the web: tidy to store, and folded to see that two lead to one document."""

import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from allies.text.normalize import truncate_key

_PORTS = {"http": 80, "https": 443}

#: Parameters that say where a reader came from, not what is read. Names that begin so are those
#: of Google Analytics, Matomo, AT Internet (the BBC's), HubSpot and comScore …
_TRACKING_PREFIXES = ("utm_", "mtm_", "at_", "hsa_", "_hs", "ns_")
#: … and these are ids of clicks (Facebook, Google, Microsoft, Twitter, TikTok, Yandex, LinkedIn)
#: and of mails, and the campaigns of newspapers: ``maca`` is Deutsche Welle's, ``taid`` Reuters'.
_TRACKING = {
    *("fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "twclid", "ttclid"),
    *("yclid", "li_fat_id", "mc_cid", "mc_eid", "igshid", "igsh", "ref_src", "ref_url", "cmpid"),
    *("pk_campaign", "pk_source", "icid", "ito", "maca", "taid", "xtor", "smid", "_ga", "_gl"),
}


def is_tracking(name: str) -> bool:
    """Say whether a parameter of this name only tells where a reader came from."""
    return name.startswith(_TRACKING_PREFIXES) or name in _TRACKING


#: Parts of a host that lead to another dress of the same page.
_EQUIVALENT_SUBDOMAINS = {"www", "m", "amp", "mobile"}
#: Parts of a path, and parameters, that do.
_AMP = {"amp", "amp.html"}
_AMP_PARAMETERS = {"amp", "outputtype"}

_ARCHIVE_TODAY = {f"archive.{end}" for end in ("today", "is", "li", "vn", "md", "fo", "ph")}
#: What stands in the path of an archive's address before the one it keeps: a moment or the like,
#: after which the address may go without "http://".
_MEANINGFUL_PARAMETERS = re.compile(
    r"^/(?:(?:web|wayback)/)?"
    r"(?:(?:\d{4}[\d.\-]*(?:[a-z]{2}_)?\*?|\*|newest|oldest|save|o/\w+)/(.+)|(https?:/.+))$",
    re.IGNORECASE,
)
_ARCHIVES = {"web.archive.org", "arquivo.pt", "wayback.archive-it.org", *_ARCHIVE_TODAY}


def normalize_url(url: str) -> str:
    """Return the address as it is stored: the same document, by nothing that can be left out.

    Scheme and host are small, the port is not the usual one, and neither a place in the page nor
    a tracking parameter is left (a ``#!`` is part of the address). What an archive keeps stays as
    it is; so does what is no address.
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
    """Return what two addresses of one document have in common; "" for no address.

    The scheme, ``www.``, ``m.`` and ``amp.``, a slash at the end and the order of parameters do
    not count, and an archived copy is what it is a copy of.
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
    """Return the comparable address in a length that an index holds."""
    return truncate_key(comparison_key(url))


def is_archive_url(url: str) -> bool:
    """Say whether this is an address at a web archive."""
    parts = _parts(url)
    return parts is not None and _host(parts).removeprefix("www.") in _ARCHIVES


def archived_url_target(url: str) -> str:
    """Return the address an archive's address is a copy of; "" where it does not say."""
    parts = _parts(url.strip())
    if parts is None or not is_archive_url(url):
        return ""
    found = _MEANINGFUL_PARAMETERS.match(parts.path)
    if not found:
        return ""
    kept = re.sub(r"^(https?):/+", r"\1://", found[1] or found[2], flags=re.IGNORECASE)
    kept = kept if "://" in kept else f"http://{kept}"
    query = f"?{parts.query}" if parts.query else ""
    return kept + query if _parts(kept) and "." in kept.split("/")[2] else ""


def _parts(url: str) -> SplitResult | None:
    """Return the parts of an address on the web; None of anything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in _PORTS and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:  # half an IPv6 address, a port that is no number
        return None
    return parts if usable else None


def _host(parts: SplitResult) -> str:
    """Return the host, small, with its port where that is not the usual one."""
    user, at, host = parts.netloc.rpartition("@")
    host = host.lower()
    if parts.port == _PORTS[parts.scheme.lower()]:
        host = host.rpartition(":")[0]
    return f"{user}{at}{host.removesuffix(':')}"


def _parameters(parts: SplitResult) -> list[str]:
    """Return the parameters that say what is read, as they are written."""
    return [text for text in parts.query.split("&") if text and not _is_tracking(text)]


def _is_tracking(parameter: str) -> bool:
    name = unquote(parameter.partition("=")[0]).lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)
