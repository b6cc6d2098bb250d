"""An HTTP connection to one checked IP address, with a deadline for everything together."""

import http.client
import io
import ipaddress
import socket
import ssl
import time
from typing import Any

from allies.link_checking.url_safety import WebAddress


class Deadline:
    """The time limit of a whole visit in seconds, redirects included."""

    def __init__(self, total: float) -> None:
        self._end = time.monotonic() + total

    def remaining(self, seconds: float) -> float:
        """Return ``seconds`` or the time left, whichever is less; raise TimeoutError if none is."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(seconds, left)


class _DeadlineReader(io.RawIOBase):
    """A reader of a socket. Each read has a timeout of at most the time left."""

    def __init__(self, sock: socket.socket, clock: Deadline, patience: float) -> None:
        self._sock, self._clock, self._patience = sock, clock, patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._clock.remaining(self._patience))
        return self._sock.recv_into(buffer)


class _SocketAdapter:
    """The part of a socket that ``http.client`` needs, with our timeouts."""

    def __init__(self, sock: socket.socket, clock: Deadline, patience: float) -> None:
        self._sock, self._clock, self._patience = sock, clock, patience

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._sock, self._clock, self._patience))

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._clock.remaining(self._patience))
        self._sock.sendall(data)

    def close(self) -> None:
        """Do nothing, because ``http.client`` closes a socket that it still reads from.

        ``Connection.close_connection`` closes the socket.
        """


class Connection(http.client.HTTPConnection):
    """A connection to the given IP address only. It never resolves a host name.

    ``met`` becomes True once the connection is open, for https including TLS.
    """

    def __init__(
        self,
        place: WebAddress,
        address: str,
        *,
        clock: Deadline,
        connect: float,
        read: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(place.host, place.port)
        self._place, self._address, self._clock = place, address, clock
        self._connect, self._read, self._tls = connect, read, tls
        self.met = False
        self._raw: socket.socket | None = None

    def connect(self) -> None:
        version = ipaddress.ip_address(self._address).version
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(self._clock.remaining(self._connect))
            sock.connect((self._address, self._place.port))
            if self._place.scheme == "https":
                context = self._tls or ssl.create_default_context()
                sock.settimeout(self._clock.remaining(self._connect))
                sock = context.wrap_socket(sock, server_hostname=self._place.host)
        except BaseException:
            sock.close()
            raise
        self.met = True
        self._raw = sock
        self.sock = _SocketAdapter(sock, self._clock, self._read)

    def close_connection(self) -> None:
        self.close()
        if self._raw is not None:
            self._raw.close()
