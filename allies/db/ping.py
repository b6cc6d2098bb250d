"""Asks a database one small thing that it answers at once, or that it will not answer at all.

A server whose process was stopped, or whose disk does not come back, takes connections and what is
asked, and says nothing; nothing in the network tells that. What is asked before every page waits
for a few seconds only, so that nobody waits behind it for ever.
"""

import select
import time
from contextlib import closing
from typing import Any

from django.db import connections

#: Seconds a server has to answer. One that is merely busy takes a small part of it.
TIMEOUT_SECONDS = 3.0


class PingTimeout(Exception):
    """A server that took what it was asked, and said nothing in time."""


def query_integer(server: str, sql: str) -> int:
    """Return the one whole number that a statement asks for.

    Asked of the driver itself, for this is asked before every answer; so what it raises are the
    driver's own errors, and NoAnswer, after which nothing more can be asked of this connection.
    """
    connection = connections[server]
    connection.ensure_connection()
    driver = connection.connection
    if connection.vendor == "postgresql" and driver.autocommit:
        return _query_with_timeout(driver, sql)
    with closing(driver.cursor()) as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def _query_with_timeout(connection: Any, sql: str) -> int:
    """Ask past psycopg's cursor, which takes as long as the answer does; outside transactions."""
    from psycopg import errors, pq

    link = connection.pgconn
    with connection.lock:
        link.send_query(sql.encode())
        waiting = select.poll()
        waiting.register(link.socket, select.POLLIN)
        end = time.monotonic() + TIMEOUT_SECONDS
        while link.is_busy():
            if not waiting.poll(max(end - time.monotonic(), 0) * 1000):
                link.finish()
                raise PingTimeout(f"no response within {TIMEOUT_SECONDS:g} seconds")
            link.consume_input()
        result = link.get_result()
        while link.get_result() is not None:
            pass  # the end of what it says comes with the answer
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise errors.error_from_result(result)
    return int(result.get_value(0, 0))
