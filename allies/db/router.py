"""Choose the database server that a request reads from: the primary or an up-to-date replica.

Replicas repeat the writes of the primary with a delay. Readers are sent to a replica with the same
content version as the primary, so that they never see old content. Everything else uses the
primary. If the primary is down, readers get the replica with the highest version. A server that
does not respond is left out until a background thread finds that it responds again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS as PRIMARY
from django.db import DatabaseError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from allies.db.content_version import content_version
from allies.db.ping import PingTimeout, query_integer

log = logging.getLogger(__name__)

#: The replicas, by their names in the settings.
REPLICAS = tuple(name for name in settings.DATABASES if name != PRIMARY)
#: Seconds between two checks whether a server that did not respond is back.
RETRY_SECONDS = 2.0

_thread_state = threading.local()
_round_robin = count()
_down_until: set[str] = set()
_lock = threading.Lock()


class Router:
    """Route reads to the server of this request, writes to the primary."""

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return current_alias()

    def db_for_write(self, model: type[Model], **hints: object) -> str:
        return PRIMARY

    def allow_relation(self, one: Model, other: Model, **hints: object) -> bool:
        return True  # all servers hold the same database

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == PRIMARY


def current_alias() -> str:
    """Return the name of the server that this thread reads from."""
    return getattr(_thread_state, "server", PRIMARY)


def use_database(server: str) -> None:
    """Make this thread read from a server, until the next call."""
    _thread_state.server = server


@contextmanager
def use_primary() -> Iterator[None]:
    """Read from the primary, for data that must be current."""
    before = current_alias()
    use_database(PRIMARY)
    try:
        yield
    finally:
        use_database(before)


def current_connection() -> BaseDatabaseWrapper:
    """Return the connection that this thread reads with, for raw SQL."""
    return connections[current_alias()]


def current_version() -> int:
    """Return the content version of the primary.

    If the primary is down, make this thread read from the replica with the highest version, and
    return that. Raises OperationalError if no server responds.
    """
    version = version_of(PRIMARY)
    if version is not None:
        return version
    found = [(number, name) for name in REPLICAS if (number := version_of(name)) is not None]
    if not found:
        raise OperationalError("No database server is available.")
    version, furthest = max(found)
    use_database(furthest)
    return version


def current_connection_version() -> int | None:
    """Return the content version of the server that this thread reads from; None if it is down."""
    return version_of(current_alias())


def use_replica_at_version(version: int) -> None:
    """Make this thread read from a replica with this content version, if there is one."""
    if not REPLICAS or current_alias() != PRIMARY:
        return
    first = next(_round_robin)
    for number in range(len(REPLICAS)):
        name = REPLICAS[(first + number) % len(REPLICAS)]
        if version_of(name) == version:
            use_database(name)
            return


def run_view_on_replica(
    view: Callable[[HttpRequest], HttpResponseBase], request: HttpRequest, version: int
) -> HttpResponseBase:
    """Run a view on a server with this content version, and on another one if that fails."""
    use_replica_at_version(version)
    response = view(request)
    if REPLICAS and getattr(response, "database_was_away", False):
        mark_down(current_alias(), "it went away while a page was made")
        use_database(PRIMARY)
        try:
            current_version()
        except DatabaseError:
            return response
        response = view(request)
    return response


def _disconnect(server: str) -> None:
    """Close the connection to a server that does not respond, so that nothing uses it."""
    if not connections[server].in_atomic_block:
        connections[server].close()


def mark_down(server: str, reason: object) -> None:
    """Stop using a server, and start a thread that waits until it responds again."""
    with _lock:
        if server in _down_until:
            return
        _down_until.add(server)
    log.warning(
        "The database server %r is not available (%s); continuing without it.", server, reason
    )
    threading.Thread(target=_wait_for, args=(server,), daemon=True).start()


def _wait_for(server: str) -> None:
    try:
        while True:
            time.sleep(RETRY_SECONDS)
            try:
                content_version(server)
            except Exception:  # any error of a driver
                connections[server].close()
            else:
                break
    finally:
        connections[server].close()
        _down_until.discard(server)
    log.warning("The database server %r is back.", server)


def is_down(server: str) -> bool:
    """Return True if a server is not used now: it did not respond, and there are other servers."""
    return bool(REPLICAS) and server in _down_until


def is_up(server: str) -> bool:
    """Return True if a server responds, whatever its content version."""
    if is_down(server):
        return False
    try:
        query_integer(server, "SELECT 1")
    except Exception:  # any error of a driver
        _disconnect(server)
        return False
    return True


def version_of(server: str) -> int | None:
    """Return the content version of a server; None if it is down. One query.

    An open connection that fails is opened again once, unless it timed out.
    """
    if is_down(server):
        _disconnect(server)
        return None
    connection = connections[server]
    was_open = connection.connection is not None
    # An open connection also fails if its server was restarted since, so it is tried twice.
    for tries_left in (1, 0) if was_open else (0,):
        try:
            version = content_version(server)
        except Exception as error:  # any error of a driver
            if connection.in_atomic_block:
                return None
            connection.close()
            if isinstance(error, PingTimeout) or not tries_left:
                mark_down(server, error)
                return None
        else:
            return version
    return None
