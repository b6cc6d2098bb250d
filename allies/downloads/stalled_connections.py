"""Let the operating system close connections whose clients stop reading."""

import contextlib
import os
import socket
import stat
from functools import cache
from pathlib import Path

#: Milliseconds that a client may read nothing although data is waiting for it.
STALLED_MILLISECONDS = 60_000


@cache
def abort_stalled_connections() -> None:
    """Let the system close connections with stalled clients; runs once per process.

    The option is set on the sockets on which this process listens, and connections inherit it. The
    web server has no option for this, and a thread that waits for such a client would wait forever.
    Does nothing on systems other than Linux.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        return
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            number = int(path.name)
            # A duplicate of a pipe would stay open, because only sockets are closed below.
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as found:
                if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.setsockopt(socket.IPPROTO_TCP, option, STALLED_MILLISECONDS)
