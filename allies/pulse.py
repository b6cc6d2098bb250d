"""Asks PostgreSQL one small thing that it answers at once, or that it will not answer at all.

A server whose process was stopped, or whose disk does not come back, takes connections and what is
asked, and says nothing; nothing in the network tells that. What is asked before every page waits
for a few seconds only, so that nobody waits behind it for ever.
"""

import select
import time
from typing import Any

#: Seconds a server has to answer. One that is merely busy takes a small part of it.
PATIENCE = 3.0


class NoAnswer(Exception):
    """A server that took what it was asked, and said nothing in time."""


def asked(connection: Any, sql: str) -> str | None:
    """Return the one value of a statement as text, None for NULL.

    ``connection`` is psycopg's, with no transaction begun. Its cursor is passed over, which takes
    as long as the answer does. Raises psycopg's errors, and NoAnswer, after which nothing more can
    be asked of this connection.
    """
    from psycopg import errors, pq

    link = connection.pgconn
    with connection.lock:
        link.send_query(sql.encode())
        waiting = select.poll()
        waiting.register(link.socket, select.POLLIN)
        end = time.monotonic() + PATIENCE
        while link.is_busy():
            if not waiting.poll(max(end - time.monotonic(), 0) * 1000):
                link.finish()
                raise NoAnswer(f"no answer in {PATIENCE:g} seconds")
            link.consume_input()
        result = link.get_result()
        while link.get_result() is not None:
            pass  # the end of what it says comes with the answer
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise errors.error_from_result(result)
    value: bytes | None = result.get_value(0, 0)
    return None if value is None else value.decode()
