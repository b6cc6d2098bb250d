"""Where a request comes from, for whatever is limited by that."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

#: How some proxies write an address: with the port it came from.
_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9a-fA-F:.]+)\])(?::[0-9]+)?", re.ASCII)


def client_of(request: HttpRequest) -> str:
    """Return the IP address a request comes from, as the proxy in front knows it; "" for none.

    One subscriber has a whole /64 of IPv6 addresses to send from: its first stands for all.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
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
