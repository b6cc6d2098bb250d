"""Fetch untrusted addresses safely: from the public internet only, with limits on size and time.

The address of every redirect is parsed, resolved and checked again. The connection goes to exactly
the IP address that was checked, so a host name that resolves differently afterwards has no effect.
"""

import http.client
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings
from django.utils.translation import gettext as _

from allies.link_checking.connection import Connection, Deadline
from allies.link_checking.url_safety import (
    Resolver,
    Unreachable,
    UnsafeUrl,
    WebAddress,
    is_public,
    parse_url,
    resolve,
    system_resolver,
)

#: Our name in robots.txt files and in the User-Agent header.
ROBOT_NAME = "AlliesLinks"

_PERMANENT = {301, 308}
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True)
class FetchLimits:
    """Limits of a visit: times in seconds, the size in bytes, redirects, and allowed ports."""

    connect: float = 10
    read: float = 10
    total: float = 30
    max_bytes: int = 1_000_000
    redirects: int = 5
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    #: Private addresses that may be visited, as "IP address:port". Only tests set this.
    allow_private: frozenset[str] = frozenset()
    resolver: Resolver = system_resolver
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class FetchResponse:
    """The final response of a web server."""

    status: int
    url: str
    body: bytes
    #: The address after the permanent redirects that came before any other; "" if there were none.
    moved_to: str = ""


class TooManyRedirects(Exception):
    """There are too many redirects, or they form a loop; ``status`` is that of the last one."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


#: Called before each request; raises an exception if the host does not allow it.
Permission = Callable[[WebAddress], None]


def user_agent() -> str:
    """Return the User-Agent header: our robot, the site's name and its first public host."""
    public = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host not in _local_addresses]
    # A header may contain printable ASCII only, and parentheses would end the comment.
    letters = (char for char in settings.SITE_NAME if " " <= char <= "~" and char not in "()")
    name = "".join(letters).strip() or "a site"
    where = f"; {public[0]}" if public else ""
    return f"{ROBOT_NAME}/1.0 (checks the sources of {name}{where})"


_local_addresses = {"*", "localhost", "127.0.0.1", "[::1]"}


def fetch(
    url: str, *, method: str, limits: FetchLimits, permission: Permission | None = None
) -> FetchResponse:
    """Request a web address, follow its redirects and return the final response.

    Raises UnsafeUrl, Unreachable or TooManyRedirects, and whatever ``permission`` raises.
    """
    clock = Deadline(limits.total)
    place = parse_url(url)
    visited = [place.url]
    moved_to, still_permanent = "", True
    while True:
        if permission is not None:
            permission(place)
        status, location, body = _request_host(place, method, limits, clock)
        if status not in _REDIRECTS or not location:
            return FetchResponse(status, place.url, body, moved_to)
        place = parse_url(_resolve_redirect(place.url, _text(location)))
        still_permanent = still_permanent and status in _PERMANENT
        if still_permanent:
            moved_to = place.url
        if place.url in visited:
            raise TooManyRedirects(_("The redirects form a loop."), status)
        visited.append(place.url)
        if len(visited) > limits.redirects + 1:
            raise TooManyRedirects(_("Too many redirects."), status)


def _text(location: str) -> str:
    """Decode a header as UTF-8 if possible. Many servers send it; http.client assumes Latin-1."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _request_host(
    place: WebAddress, method: str, limits: FetchLimits, clock: Deadline
) -> tuple[int, str, bytes]:
    """Return the status, the Location header or "", and the start of the body.

    All addresses of the host are tried until a connection can be made. Raises Unreachable or
    UnsafeUrl.
    """
    failure: Unreachable | None = None
    for address in _allowed_addresses(place, limits, clock):
        try:
            return _request(place, address, method, limits, clock)
        except Unreachable as error:
            if error.met:
                raise
            failure = error  # the host may have another address that works
    assert failure is not None
    raise failure


def _allowed_addresses(place: WebAddress, limits: FetchLimits, clock: Deadline) -> list[str]:
    """Return the IP addresses of a host that may be visited.

    Raises UnsafeUrl if none may, Unreachable if the host cannot be resolved in time.
    """
    try:
        seconds = clock.remaining(limits.connect)
    except TimeoutError as error:
        raise Unreachable(_("The server takes too long to respond.")) from error
    known = {int(spot.rpartition(":")[2]) for spot in limits.allow_private}
    if place.port not in limits.ports | known:
        raise UnsafeUrl(_("Links to port %(port)d are not checked.") % {"port": place.port})
    found = resolve(limits.resolver, place.host, place.port, seconds)
    allowed = [
        address
        for address in found
        if f"{address}:{place.port}" in limits.allow_private
        or (place.port in limits.ports and is_public(address))
    ]
    if not allowed:
        raise UnsafeUrl(_("The address is not on the public internet."))
    return allowed


def _request(
    place: WebAddress, address: str, method: str, limits: FetchLimits, clock: Deadline
) -> tuple[int, str, bytes]:
    connection = Connection(
        place, address, clock=clock, connect=limits.connect, read=limits.read, tls=limits.tls
    )
    try:
        connection.request(method, place.path, headers=_headers(place))
        response = connection.getresponse()
        with response:
            location = response.getheader("Location", "")
            redirects = response.status in _REDIRECTS and location
            body = b"" if redirects else _read_limited(response, limits.max_bytes)
            return response.status, location, body
    except TimeoutError as error:
        raise Unreachable(_("The server takes too long to respond."), met=connection.met) from error
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or type(error).__name__
        reason = _("No secure connection: %(reason)s.") % {"reason": reason}
        raise Unreachable(reason, met=connection.met) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = (
            _("The server does not respond as a web server.")
            if connection.met
            else _("The server cannot be reached.")
        )
        raise Unreachable(reason, met=connection.met) from error
    finally:
        connection.close_connection()


def _headers(place: WebAddress) -> dict[str, str]:
    """Return all headers to send. There is nothing from earlier requests, such as cookies."""
    host = place.origin.partition("//")[2]
    return {"Host": host, "User-Agent": user_agent(), "Accept": "*/*", "Connection": "close"}


def _read_limited(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < max_bytes and (piece := response.read1(max_bytes - len(pieces))):
        pieces += piece
    return bytes(pieces)


def _resolve_redirect(base: str, location: str) -> str:
    """Return the address of a redirect; an invalid one unchanged, for ``parse_url`` to refuse."""
    try:
        return urljoin(base, location)
    except ValueError:
        return location
