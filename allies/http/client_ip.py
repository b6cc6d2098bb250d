"""The IP address of a client, for limits and for the log."""

import ipaddress
import re
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Forms in which some proxies write an address: with a port, or with the zone of a link-local one.
_IP_PATTERN = re.compile(
    r"(?:([0-9.]+)|\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\]|([0-9a-fA-F:.]+)(?:%[^:]*)?)(?::[0-9]+)?",
    re.ASCII,
)
#: Private networks: a proxy that names no client, a health check, a user on the local network.
_PRIVATE_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    )
)


def get_client_ip(request: HttpRequest) -> str:
    """Return the IP address of a client, as given by our proxy; "" if there is none.

    If the proxy gives no valid address, use the address of the proxy itself. Clients that cannot be
    distinguished then share one limit instead of having none.

    A subscriber has a whole /64 of IPv6 addresses, so its first address represents all.
    """
    return get_client_ip_from_environ(request.META)


def get_client_ip_from_environ(environ: "WSGIEnvironment") -> str:
    """Return the client's IP address from a WSGI environment; see ``get_client_ip``."""
    return _normalize_ip(_forwarded_ip(environ)) or _normalize_ip(
        str(environ.get("REMOTE_ADDR", ""))
    )


def get_rate_limited_ip(environ: "WSGIEnvironment") -> str:
    """Return the address to rate-limit; "" for private networks, which are not limited.

    Many clients may share an address of a private network. But requests that came through the proxy
    without an address are limited, under the address of the proxy.
    """
    client, forwarded = get_client_ip_from_environ(environ), _forwarded_ip(environ)
    is_known = forwarded is None or bool(_normalize_ip(forwarded))
    return "" if not client or (is_known and _is_private(client)) else client


def _is_private(client: str) -> bool:
    address = ipaddress.ip_address(client)
    return any(address.version == net.version and address in net for net in _PRIVATE_NETWORKS)


def _forwarded_ip(environ: "WSGIEnvironment") -> str | None:
    """Return the address that our proxy wrote into ``X-Forwarded-For``; None if there is no header.

    Only the last part is from the proxy; clients can write the parts before it.
    """
    header = environ.get("HTTP_X_FORWARDED_FOR") if settings.BEHIND_PROXY else None
    return None if header is None else str(header).rpartition(",")[2].strip()


def _normalize_ip(text: str | None) -> str:
    """Return an address in normal form, for IPv6 the first of its /64; "" if it is invalid."""
    match = _IP_PATTERN.fullmatch(text or "")
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
