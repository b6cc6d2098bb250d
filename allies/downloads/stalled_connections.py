"""Connections whose readers take nothing more: the operating system closes them."""

import contextlib
import os
import socket
import stat
from functools import cache
from pathlib import Path

#: Milliseconds a reader may take nothing at all, while there is something for it.
STALLED_MILLISECONDS = 60_000


@cache
def abort_stalled_connections() -> None:
    """Let the system close connections whose readers are stalled; once per process.

    The option is set on the sockets this process listens at, and connections inherit it. The web
    server has no option for this, and a thread that waits for such a reader would wait for ever.
    Does nothing on systems other than Linux.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        return
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            number = int(path.name)
            # A duplicate of a pipe would stay open: only a socket closes it.
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as found:
                if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.setsockopt(socket.IPPROTO_TCP, option, STALLED_MILLISECONDS)
