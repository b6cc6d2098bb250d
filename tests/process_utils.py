"""Programs that run beside a test: their ports, and their ends."""

import contextlib
import os
import signal
import socket
from pathlib import Path


def free_port():
    """Return the number of a port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    """Say whether somebody answers at a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def kill(pid):
    """End a process and its children as a loss of power would; return when all have ended."""
    processes = _with_children(pid)
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    while any(map(_runs, processes)):
        os.sched_yield()


@contextlib.contextmanager
def frozen(pid):
    """Let a process and its children stand still, as where a disk does not come back."""
    os.kill(pid, signal.SIGSTOP)  # first, so that it begins no more children
    processes = _with_children(pid)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def _with_children(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _runs(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
