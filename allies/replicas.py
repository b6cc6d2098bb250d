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

from allies.caching.version import content_version
from allies.pulse import NoAnswer, asked

log = logging.getLogger(__name__)

#: The replicas, by their names in the settings.
REPLICAS = tuple(name for name in settings.DATABASES if name != PRIMARY)
#: Seconds between two looks whether a server that did not answer is back.
PAUSE = 2.0

_now = threading.local()
_turn = count()
_left_alone: set[str] = set()
_lock = threading.Lock()


class Router:
    """Django's reads go where this request reads from, its writes to the primary."""

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return reading_from()

    def db_for_write(self, model: type[Model], **hints: object) -> str:
        return PRIMARY

    def allow_relation(self, one: Model, other: Model, **hints: object) -> bool:
        return True  # they are one database

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == PRIMARY


def reading_from() -> str:
    """Return the name of the server this thread reads from."""
    return getattr(_now, "server", PRIMARY)


def read_from(server: str) -> None:
    """Let this thread read from a server until it is told otherwise."""
    _now.server = server


@contextmanager
def reading_primary() -> Iterator[None]:
    """Read from the primary: for what must not be a moment old."""
    before = reading_from()
    read_from(PRIMARY)
    try:
        yield
    finally:
        read_from(before)


def reading_connection() -> BaseDatabaseWrapper:
    """Return the connection this thread reads with, for SQL of our own."""
    return connections[reading_from()]


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
    read_from(furthest)
    return version


def version_here() -> int | None:
    """Return the version of the content where this thread reads; None where that is away."""
    return version_of(reading_from())


def read_from_equal(version: int) -> None:
    """Let this thread read from a replica with this version of the content, if there is one."""
    if not REPLICAS or reading_from() != PRIMARY:
        return
    first = next(_turn)
    for number in range(len(REPLICAS)):
        name = REPLICAS[(first + number) % len(REPLICAS)]
        if version_of(name) == version:
            read_from(name)
            return


def _let_go(server: str) -> None:
    """Close what is open to a server that does not answer, lest something is asked of it."""
    if not connections[server].in_atomic_block:
        connections[server].close()


def leave_alone(server: str, reason: object) -> None:
    """Ask a server that did not answer nothing, until it answers a thread that waits for that."""
    with _lock:
        if server in _left_alone:
            return
        _left_alone.add(server)
    log.warning(
        "The database server %r is not available (%s); continuing without it.", server, reason
    )
    threading.Thread(target=_wait_for, args=(server,), daemon=True).start()


def _wait_for(server: str) -> None:
    try:
        while True:
            time.sleep(PAUSE)
            try:
                content_version(server)
            except Exception:  # whatever a driver raises
                connections[server].close()
            else:
                break
    finally:
        connections[server].close()
        _left_alone.discard(server)
    log.warning("The database server %r is back.", server)


def is_left_alone(server: str) -> bool:
    """Say whether a server is asked nothing, for it did not answer and another one can."""
    return bool(REPLICAS) and server in _left_alone


def answers(server: str) -> bool:
    """Say whether a server answers, whatever it holds."""
    if is_left_alone(server):
        return False
    try:
        asked(server, "SELECT 1")
    except Exception:  # whatever a driver raises
        _let_go(server)
        return False
    return True


def version_of(server: str) -> int | None:
    """Return the content's version on a server; None where it is away.

    Asked on the driver's own cursor, for this is asked before every answer.
    """
    if is_left_alone(server):
        _let_go(server)
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
            if isinstance(error, NoAnswer) or not tries_left:
                leave_alone(server, error)
                return None
        else:
            return version
    return None
