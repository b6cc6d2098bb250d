"""Which database server a request reads from: the primary, or a replica that holds the same.

Replicas repeat what the primary wrote, a moment later or much later. Readers are sent to one that
has the content's version the primary has, so that nobody sees what was; everybody and everything
else stays with the primary. Where that is away, readers read on from the replica that got furthest.
A server that does not answer is left alone for a while, and asked again after.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS as PRIMARY
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from allies.db.content_version import content_version
from allies.db.ping import PingTimeout, query_integer

log = logging.getLogger(__name__)

#: The replicas, by their names in the settings.
REPLICAS = tuple(name for name in settings.DATABASES if name != PRIMARY)
#: Seconds between two looks whether a server that did not answer is back.
RETRY_SECONDS = 2.0

_thread_state = threading.local()
_round_robin = count()
_down_until: set[str] = set()
_lock = threading.Lock()


class Router:
    """Django's reads go where this request reads from, its writes to the primary."""

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return current_alias()

    def db_for_write(self, model: type[Model], **hints: object) -> str:
        return PRIMARY

    def allow_relation(self, one: Model, other: Model, **hints: object) -> bool:
        return True  # they are one database

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == PRIMARY


def current_alias() -> str:
    """Return the name of the server this thread reads from."""
    return getattr(_thread_state, "server", PRIMARY)


def use_database(server: str) -> None:
    """Let this thread read from a server until it is told otherwise."""
    _thread_state.server = server


@contextmanager
def use_primary() -> Iterator[None]:
    """Read from the primary: for what must not be a moment old."""
    before = current_alias()
    use_database(PRIMARY)
    try:
        yield
    finally:
        use_database(before)


def current_connection() -> BaseDatabaseWrapper:
    """Return the connection this thread reads with, for SQL of our own."""
    return connections[current_alias()]


def current_version() -> int:
    """Return the version of the content there is; where the primary is away, of what is left.

    Then this thread reads from the replica that got furthest. Raises OperationalError where no
    server answers.
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
    """Return the version of the content where this thread reads; None where that is away."""
    return version_of(current_alias())


def use_replica_at_version(version: int) -> None:
    """Let this thread read from a replica with this version of the content, if there is one."""
    if not REPLICAS or current_alias() != PRIMARY:
        return
    first = next(_round_robin)
    for number in range(len(REPLICAS)):
        name = REPLICAS[(first + number) % len(REPLICAS)]
        if version_of(name) == version:
            use_database(name)
            return


def _disconnect(server: str) -> None:
    """Close what is open to a server that does not answer, lest something is asked of it."""
    if not connections[server].in_atomic_block:
        connections[server].close()


def mark_down(server: str, reason: object) -> None:
    """Ask a server that did not answer nothing, until it answers a thread that waits for that."""
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
            except Exception:  # whatever a driver raises
                connections[server].close()
            else:
                break
    finally:
        connections[server].close()
        _down_until.discard(server)
    log.warning("The database server %r is back.", server)


def is_down(server: str) -> bool:
    """Say whether a server is asked nothing, for it did not answer and another one can."""
    return bool(REPLICAS) and server in _down_until


def is_up(server: str) -> bool:
    """Say whether a server answers, whatever it holds."""
    if is_down(server):
        return False
    try:
        query_integer(server, "SELECT 1")
    except Exception:  # whatever a driver raises
        _disconnect(server)
        return False
    return True


def version_of(server: str) -> int | None:
    """Return the content's version on a server; None where it is away.

    Asked on the driver's own cursor, for this is asked before every answer.
    """
    if is_down(server):
        _disconnect(server)
        return None
    connection = connections[server]
    was_open = connection.connection is not None
    # One kept open from before its server was started anew is worth a second try.
    for tries_left in (1, 0) if was_open else (0,):
        try:
            version = content_version(server)
        except Exception as error:  # whatever a driver raises
            if connection.in_atomic_block:
                return None
            connection.close()
            if isinstance(error, PingTimeout) or not tries_left:
                mark_down(server, error)
                return None
        else:
            return version
    return None
