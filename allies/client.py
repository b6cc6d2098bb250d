"""The IP address a request comes from, for limits and for the log."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

#: How some proxies write an address: with a port, or with the zone of a link-local one.
_ADDRESS = re.compile(
    r"(?:([0-9.]+)|\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\]|([0-9a-fA-F:.]+)(?:%[^:]*)?)(?::[0-9]+)?",
    re.ASCII,
)
#: Networks of one's own: a proxy that names no client, a health check, a colleague.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    )
)


def client_of(request: HttpRequest) -> str:
    """Return the IP address a request comes from, as the proxy in front gives it; "" for none.

    If the proxy gives none that can be read, it is the address of the proxy itself: clients
    that cannot be told apart share its limits instead of having none.

    One subscriber has a whole /64 of IPv6 addresses to send from: its first stands for all.
    """
    return _read(_forwarded(request)) or _read(str(request.META.get("REMOTE_ADDR", "")))


def is_exempt(request: HttpRequest) -> bool:
    """Say whether a request comes from a private network, and so is not counted."""
    if (forwarded := _forwarded(request)) is not None and not _read(forwarded):
        return False  # it came through the proxy, from nobody knows where
    client = client_of(request)
    address = ipaddress.ip_address(client) if client else None
    return address is None or any(
        address.version == network.version and address in network for network in _PRIVATE
    )


def _forwarded(request: HttpRequest) -> str | None:
    """Return what our proxy wrote into ``X-Forwarded-For``; None if it wrote nothing.

    Only the last part is the proxy's; anybody can write the ones before it.
    """
    header = request.META.get("HTTP_X_FORWARDED_FOR") if settings.BEHIND_PROXY else None
    return None if header is None else str(header).rpartition(",")[2].strip()


def _read(text: str | None) -> str:
    """Return an address in its usual form, a network's first for IPv6; "" if it is not one."""
    match = _ADDRESS.fullmatch(text or "")
    try:
        ip = ipaddress.ip_address(match[1] or match[2] or match[3] if match else "")
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_loopback:
            return str(ip)
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip), 64), strict=False).network_address)
    return str(ip)
