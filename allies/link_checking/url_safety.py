"""Decide which web addresses may be visited, and which IP addresses may be connected to."""

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.utils.translation import gettext as _

#: (host, port) → its IP addresses; raises OSError if it has none.
Resolver = Callable[[str, int], list[str]]

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: IPv4 networks without hosts of the public internet. These are all blocks of the IANA IPv4
#: Special-Purpose Address Registry, even those that are globally reachable, because they belong to
#: no host: anycast to relays and to DNS sinks. Also multicast, and the deprecated 6to4 anycast.
_SPECIAL_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
            *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
#: The part of IPv6 that is allocated for unicast (IANA IPv6 Address Space).
_UNICAST_IPV6 = ipaddress.IPv6Network("2000::/3")
#: The blocks in there of the IANA IPv6 Special-Purpose Address Registry: protocols (Teredo,
#: benchmarking, ORCHID, anycast), documentation, 6to4, direct delegation of AS112.
_SPECIAL_IPV6 = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
#: IPv6 networks that embed an IPv4 address, which is checked instead: IPv4-mapped, and NAT64.
_EMBEDS_IPV4 = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))
#: Characters that are left as they are in a path or query. All others are percent-encoded.
_SAFE_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


class UnsafeUrl(Exception):
    """The address must not be visited; the message says why."""


class Unreachable(Exception):
    """The server cannot be reached or does not respond correctly; the message says why.

    ``met`` is True if a connection was made before the failure.
    """

    def __init__(self, reason: str, *, met: bool = False) -> None:
        super().__init__(reason)
        self.met = met


@dataclass(frozen=True)
class WebAddress:
    """A parsed web address. Checks and requests use the same parts."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"


def parse_url(url: str) -> WebAddress:
    """Return the parts of a URL; raise UnsafeUrl if it is invalid or must not be visited."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UnsafeUrl(_("This address is not valid.")) from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise UnsafeUrl(_("Only http and https addresses are checked."))
    if "@" in parts.netloc:
        raise UnsafeUrl(_("Addresses with a user name and password are not checked."))
    path = quote(parts.path or "/", safe=_SAFE_CHARACTERS)
    if parts.query:
        path += "?" + quote(parts.query, safe=_SAFE_CHARACTERS)
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    return WebAddress(parts.scheme, _ascii_host(parts.hostname or ""), port, path)


def _ascii_host(host: str) -> str:
    if ":" in host:  # IPv6, which urlsplit found in brackets
        return host
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise UnsafeUrl(_("The host name in the address is not valid.")) from error
    if not name or not all(char.isalnum() or char in "-._" for char in name):
        raise UnsafeUrl(_("The host name in the address is not valid."))
    return name


def is_public(text: str) -> bool:
    """Return True if an IP address is a host of the public internet.

    This uses the tables above, because ``is_global`` differs between versions of Python.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if not any(address in network for network in _EMBEDS_IPV4):
            return address in _UNICAST_IPV6 and not any(address in n for n in _SPECIAL_IPV6)
        address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return not any(address in network for network in _SPECIAL_IPV4)


def system_resolver(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host from this machine's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve(resolver: Resolver, host: str, port: int, seconds: float) -> list[str]:
    """Return a host's IP addresses; raise Unreachable if there are none after ``seconds``.

    Resolvers have no timeout. So it runs in a thread of its own, which is abandoned if it is late.
    """
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolver(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise Unreachable(_("The DNS server does not respond.")) from None
    if isinstance(answer, Exception) or not answer:
        raise Unreachable(_("This host does not exist."))
    return answer
