"""Run a tiny query that a database answers at once, with a timeout.

A server whose process is stopped or whose disk hangs accepts connections and queries, but never
responds. The network reports no error then. So the query that comes before every page has a
timeout of a few seconds, and requests do not hang.
"""

import select
import time
from contextlib import closing
from typing import Any

from django.db import connections

#: Seconds that a server has to respond. A busy server needs a small part of this.
TIMEOUT_SECONDS = 3.0


class PingTimeout(Exception):
    """A server accepted a query and did not respond in time."""


def query_integer(server: str, sql: str) -> int:
    """Return the integer that an SQL statement selects.

    It uses the driver directly, because it runs before every response. So it raises the driver's
    own errors, and PingTimeout, after which the connection cannot be used any more.
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
    """Run a query without psycopg's cursor, which has no timeout; outside transactions only.

    Raises PingTimeout, or the error of psycopg for the result.
    """
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
            pass  # the end of the results arrives together with the result
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise errors.error_from_result(result)
    return int(result.get_value(0, 0))
