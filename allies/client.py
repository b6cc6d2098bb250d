"""Where a request comes from, for whatever is limited by that."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

#: How some proxies write an address: with the port it came from.
_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9a-fA-F:.]+)\])(?::[0-9]+)?", re.ASCII)

#: Private networks: a proxy that does not pass on addresses, a probe, a colleague.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    )
)


def client_of(request: HttpRequest) -> str:
    """Return the IP address a request comes from, as the proxy in front knows it; "" for none.

    One subscriber has a whole /64 of IPv6 addresses to send from: its first stands for all.
    """
    return client_in(request.META)


def client_in(environ: Mapping[str, Any]) -> str:
    """Return the same of a WSGI environment."""
    address = str(environ.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", ""))
        # Only the last was written by our proxy; what is before it, anybody can write.
        address = forwarded.rpartition(",")[2].strip() or address
    if match := _WITH_PORT.fullmatch(address):
        address = match[1] or match[2]
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_loopback:
            return str(ip)
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip), 64), strict=False).network_address)
    return str(ip)


def is_private(client: str) -> bool:
    """Return whether an address is in a private network; many clients may share such a one."""
    address = ipaddress.ip_address(client)
    return any(address.version == net.version and address in net for net in _PRIVATE)
