"""Ports and processes of programs that tests start."""

import contextlib
import os
import signal
import socket
from pathlib import Path


def free_port():
    """Return a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    """Return True if a program on this machine listens on a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def kill(pid):
    """Kill a process and its children with SIGKILL; return when all have ended."""
    processes = _with_children(pid)
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    while any(map(_runs, processes)):
        os.sched_yield()


@contextlib.contextmanager
def frozen(pid):
    """Freeze a process and its children in this context, as if their disk hung."""
    os.kill(pid, signal.SIGSTOP)  # first, so that it starts no more children
    processes = _with_children(pid)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def descendants(pid):
    """Return the process IDs of a process's children, their children, and so on."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = _with_children(pid)[1:]
        return [*children, *(each for child in children for each in descendants(child))]
    return []


def _with_children(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _runs(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
