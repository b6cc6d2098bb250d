"""Download slots: a few per client on this machine, a few per web process.

A download occupies a thread of a web process for a long time. The slots keep the other threads free
for pages. The slot of a client is a locked file in the data folder. The operating system unlocks it
when its process ends, even after a crash.
"""

import fcntl
import os
import threading
from pathlib import Path

from django.conf import settings
from django.utils.crypto import salted_hmac

#: Seconds after which a refused client should try again.
RETRY_AFTER = 5


class ClientBusy(Exception):
    """The client already has as many downloads running as allowed."""


class ProcessBusy(Exception):
    """This web process already has as many downloads running as allowed."""


class Slot:
    """The right to run one download for a client; ``release`` may be called twice.

    Raises ClientBusy or ProcessBusy immediately. ``client`` is the result of
    ``get_rate_limited_ip``; "" is limited only by the slots of the process.
    """

    def __init__(self, client: str) -> None:
        self._file = lock_client_slot(client, settings.DOWNLOADS_PER_CLIENT)
        try:
            _process.take(settings.DOWNLOADS_PER_PROCESS)
        except ProcessBusy:
            unlock(self._file)
            raise
        self._is_held = True
        self._lock = threading.Lock()

    def release(self) -> None:
        with self._lock:
            was_held, self._is_held = self._is_held, False
        if was_held:
            _process.release()
            unlock(self._file)


class _ProcessSlots:
    """The slots of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, limit: int) -> None:
        with self._lock:
            if limit and self._taken >= limit:
                raise ProcessBusy
            self._taken += 1

    def release(self) -> None:
        with self._lock:
            self._taken -= 1


_process = _ProcessSlots()


def lock_client_slot(client: str, limit: int, kind: str = "download") -> tuple[Path, int] | None:
    """Lock one of the files of this kind for a client; return its path and descriptor.

    Returns None if the client is not limited, or if the data folder is not writable; then no client
    is refused. Raises ClientBusy if all ``limit`` files are locked.
    """
    if not (limit and client):
        return None
    folder = settings.DATA_DIR / "slots"
    digest = salted_hmac("allies.slots", f"{kind} {client}", algorithm="sha256").hexdigest()[:32]
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in range(limit):
            path = folder / f"{digest}-{number}"
            if (descriptor := _lock(path)) is not None:
                return path, descriptor
    except OSError:
        return None
    raise ClientBusy


def _lock(path: Path) -> int | None:
    """Return the descriptor of the locked file; None if another process holds the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The previous holder deletes the file, and a lock on a deleted file excludes nobody.
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def unlock(file: tuple[Path, int] | None) -> None:
    """Remove and unlock a file that ``lock_client_slot`` returned."""
    if file is not None:
        path, descriptor = file
        path.unlink(missing_ok=True)
        os.close(descriptor)
