"""The IP address a request comes from, for limits and for the log."""

import ipaddress
import re
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: How some proxies write an address: with a port, or with the zone of a link-local one.
_IP_PATTERN = re.compile(
    r"(?:([0-9.]+)|\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\]|([0-9a-fA-F:.]+)(?:%[^:]*)?)(?::[0-9]+)?",
    re.ASCII,
)
#: Networks of one's own: a proxy that names no client, a health check, a colleague.
_PRIVATE_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    )
)


def get_client_ip(request: HttpRequest) -> str:
    """Return the IP address a request comes from, as the proxy in front gives it; "" for none.

    If the proxy gives none that can be read, it is the address of the proxy itself: clients
    that cannot be told apart share its limits instead of having none.

    One subscriber has a whole /64 of IPv6 addresses to send from: its first stands for all.
    """
    return get_client_ip_from_environ(request.META)


def get_client_ip_from_environ(environ: "WSGIEnvironment") -> str:
    """Return the same of a WSGI environment."""
    return _normalize_ip(_forwarded_ip(environ)) or _normalize_ip(
        str(environ.get("REMOTE_ADDR", ""))
    )


def get_rate_limited_ip(environ: "WSGIEnvironment") -> str:
    """Return the address whose requests are limited; "" for a private network, which is not.

    Many clients may share an address of a private network. But what came through the proxy
    without an address is limited, under the address of the proxy.
    """
    client, forwarded = get_client_ip_from_environ(environ), _forwarded_ip(environ)
    is_known = forwarded is None or bool(_normalize_ip(forwarded))
    return "" if not client or (is_known and _is_private(client)) else client


def _is_private(client: str) -> bool:
    address = ipaddress.ip_address(client)
    return any(address.version == net.version and address in net for net in _PRIVATE_NETWORKS)


def _forwarded_ip(environ: "WSGIEnvironment") -> str | None:
    """Return what our proxy wrote into ``X-Forwarded-For``; None if it wrote nothing.

    Only the last part is the proxy's; anybody can write the ones before it.
    """
    header = environ.get("HTTP_X_FORWARDED_FOR") if settings.BEHIND_PROXY else None
    return None if header is None else str(header).rpartition(",")[2].strip()


def _normalize_ip(text: str | None) -> str:
    """Return an address in its usual form, a network's first for IPv6; "" if it is not one."""
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
