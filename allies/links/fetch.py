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

from allies.links.addresses import (
    Place,
    Refused,
    Resolver,
    Unreachable,
    is_public,
    read_url,
    resolve,
    system_resolver,
)
from allies.links.wire import Clock, Connection

#: What robots.txt may call us.
ROBOT = "AlliesLinks"

_PERMANENT = {301, 308}
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True)
class Limits:
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
class Answer:
    """What a web server said in the end."""

    status: int
    url: str
    body: bytes
    #: Where permanent redirects alone have led; "" where the address stands.
    moved_to: str = ""


class LostWay(Exception):
    """Redirects that come to no end; ``status`` is that of the last."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


#: Asked before each hop; raises where that place wants no visit.
Permission = Callable[[Place], None]


def user_agent() -> str:
    """Say who is asking, so that who is asked can tell."""
    public = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host not in _LOCAL]
    # A header is one line of plain letters, and brackets would end the remark.
    letters = (char for char in settings.SITE_NAME if " " <= char <= "~" and char not in "()")
    name = "".join(letters).strip() or "a site"
    where = f"; {public[0]}" if public else ""
    return f"{ROBOT}/1.0 (checks the sources of {name}{where})"


_LOCAL = {"*", "localhost", "127.0.0.1", "[::1]"}


def fetch(url: str, *, method: str, limits: Limits, permission: Permission | None = None) -> Answer:
    """Ask for a web address, follow its redirects and return the answer.

    Raises Refused, Unreachable or LostWay, and what ``permission`` raises.
    """
    clock = Clock(limits.total)
    place = read_url(url)
    visited = [place.url]
    moved_to, still_permanent = "", True
    while True:
        if permission is not None:
            permission(place)
        status, location, body = _ask(place, method, limits, clock)
        if status not in _REDIRECTS or not location:
            return Answer(status, place.url, body, moved_to)
        place = read_url(_joined(place.url, _text(location)))
        still_permanent = still_permanent and status in _PERMANENT
        if still_permanent:
            moved_to = place.url
        if place.url in visited:
            raise LostWay(_("The redirects form a loop."), status)
        visited.append(place.url)
        if len(visited) > limits.redirects + 1:
            raise LostWay(_("Too many redirects."), status)


def _text(location: str) -> str:
    """Return a header as it was meant: many servers send UTF-8 where Latin-1 is read."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _ask(place: Place, method: str, limits: Limits, clock: Clock) -> tuple[int, str, bytes]:
    """Return status, where to instead, and the body's beginning."""
    failure: Unreachable | None = None
    for address in _checked(place, limits, clock):
        try:
            return _speak(place, address, method, limits, clock)
        except Unreachable as error:
            if error.met:
                raise
            failure = error  # the host may have another address that works
    assert failure is not None
    raise failure


def _checked(place: Place, limits: Limits, clock: Clock) -> list[str]:
    """Return the addresses of a host that may be connected to; raise Refused where none may."""
    try:
        seconds = clock.at_most(limits.connect)
    except TimeoutError as error:
        raise Unreachable(_("The server takes too long to respond.")) from error
    known = {int(spot.rpartition(":")[2]) for spot in limits.allow_private}
    if place.port not in limits.ports | known:
        raise Refused(_("Port %(port)d is not checked.") % {"port": place.port})
    found = resolve(limits.resolver, place.host, place.port, seconds)
    allowed = [
        address
        for address in found
        if f"{address}:{place.port}" in limits.allow_private
        or (place.port in limits.ports and is_public(address))
    ]
    if not allowed:
        raise Refused(_("The address is not on the public internet."))
    return allowed


def _speak(
    place: Place, address: str, method: str, limits: Limits, clock: Clock
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
            body = b"" if redirects else _beginning(response, limits.max_bytes)
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
        connection.hang_up()


def _headers(place: Place) -> dict[str, str]:
    """Return all that is sent: nothing that was kept from before, such as cookies."""
    host = place.origin.partition("//")[2]
    return {"Host": host, "User-Agent": user_agent(), "Accept": "*/*", "Connection": "close"}


def _beginning(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < max_bytes and (piece := response.read1(max_bytes - len(pieces))):
        pieces += piece
    return bytes(pieces)


def _joined(base: str, location: str) -> str:
    """Return where a redirect leads; what cannot be read as it stands, for who says so."""
    try:
        return urljoin(base, location)
    except ValueError:
        return location
