"""Fetching what anybody wrote as an address: only from the open internet, little, and not for long.

Every hop is taken apart, resolved and checked anew, and the connection goes to exactly the machine
that was checked: a name that answers differently the next moment changes nothing.
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

#: What robots.txt may call us.
ROBOT_NAME = "AlliesLinks"

_PERMANENT = {301, 308}
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True)
class FetchLimits:
    """What a visit may cost, in seconds and bytes, and where it may lead."""

    connect: float = 10
    read: float = 10
    total: float = 30
    max_bytes: int = 1_000_000
    redirects: int = 5
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    #: Numeric "address:port" that may be visited although private: for tests, by their own hand.
    allow_private: frozenset[str] = frozenset()
    resolver: Resolver = system_resolver
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class FetchResponse:
    """What a web server said in the end."""

    status: int
    url: str
    body: bytes
    #: Where permanent redirects alone have led; "" where the address stands.
    moved_to: str = ""


class TooManyRedirects(Exception):
    """Redirects that come to no end; ``status`` is that of the last."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


#: Asked before each hop; raises where that place wants no visit.
Permission = Callable[[WebAddress], None]


def user_agent() -> str:
    """Say who is asking, so that who is asked can tell."""
    public = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host not in _local_addresses]
    # A header is one line of plain letters, and brackets would end the remark.
    letters = (char for char in settings.SITE_NAME if " " <= char <= "~" and char not in "()")
    name = "".join(letters).strip() or "a site"
    where = f"; {public[0]}" if public else ""
    return f"{ROBOT_NAME}/1.0 (checks the sources of {name}{where})"


_local_addresses = {"*", "localhost", "127.0.0.1", "[::1]"}


def fetch(
    url: str, *, method: str, limits: FetchLimits, permission: Permission | None = None
) -> FetchResponse:
    """Ask for a web address, follow its redirects and return the answer.

    Raises Refused, Unreachable or LostWay, and what ``permission`` raises.
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
    """Return a header as it was meant: many servers send UTF-8 where Latin-1 is read."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _request_host(
    place: WebAddress, method: str, limits: FetchLimits, clock: Deadline
) -> tuple[int, str, bytes]:
    """Return status, where to instead, and the body's beginning."""
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
    """Return the addresses of a host that may be connected to; raise Refused where none may."""
    try:
        seconds = clock.remaining(limits.connect)
    except TimeoutError as error:
        raise Unreachable(_("The server takes too long to respond.")) from error
    known = {int(spot.rpartition(":")[2]) for spot in limits.allow_private}
    if place.port not in limits.ports | known:
        raise UnsafeUrl(_("Port %(port)d is not checked.") % {"port": place.port})
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
    """Return all that is sent: nothing that was kept from before, such as cookies."""
    host = place.origin.partition("//")[2]
    return {"Host": host, "User-Agent": user_agent(), "Accept": "*/*", "Connection": "close"}


def _read_limited(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < max_bytes and (piece := response.read1(max_bytes - len(pieces))):
        pieces += piece
    return bytes(pieces)


def _resolve_redirect(base: str, location: str) -> str:
    """Return where a redirect leads; what cannot be read as it stands, for who says so."""
    try:
        return urljoin(base, location)
    except ValueError:
        return location
