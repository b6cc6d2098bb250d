"""Communication between a running job and the people who wait for it.

The notes are written outside the job's transaction. While a large import is written, nobody else
can write to an SQLite database, and the job's own changes are not visible until it ends.
"""

import json
import threading
import time
from typing import Any, Self, TypedDict

from django.db import DatabaseError, connection

from allies.imports.shared_files import delete_note, has_other_servers, read_note, write_note
from allies.models import Changeset

#: Interval between two heartbeats, and silence after which a job counts as dead. In seconds.
BEAT, DEAD_AFTER = 0.5, 30

#: Names of the notes.
PROGRESS, STOP = "progress.json", "stop"


class Cancelled(Exception):
    """Somebody asked the job to stop."""


class ProgressReporter:
    """The job's side: reports its progress, and notices a request to stop."""

    def __init__(self, changeset: Changeset, totals: dict[str, int] | None = None) -> None:
        self._changeset = changeset
        self._totals = totals or {}
        self._said: dict[str, object] = {
            "run": changeset.run,
            "noun": "",
            "done": 0,
            "total": sum(self._totals.values()),
            "started": time.time(),
        }
        self._done: dict[str, int] = {}
        self._began = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._heartbeat, daemon=True)

    def __enter__(self) -> Self:
        self._changeset.folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        self._began.wait()
        return self

    def __exit__(self, *args: object) -> None:
        self._ended.set()
        self._thread.join()
        delete_note(self._changeset, PROGRESS)

    def report(self, noun: str, done: int) -> None:
        """Report how many rows of a record type are done; raise Cancelled if asked to stop."""
        self._done[noun] = done
        self._said["noun"] = noun
        self._said["done"] = sum(self._done.values())
        if read_note(self._changeset, STOP) is not None:
            raise Cancelled

    def _heartbeat(self) -> None:
        # This thread writes all notes: the job's own transaction is not visible until it ends.
        while True:
            self._write_note()
            self._began.set()
            if self._ended.wait(BEAT):
                break
        connection.close()  # this thread's own

    def _write_note(self) -> None:
        try:
            write_note(self._changeset, PROGRESS, json.dumps({**self._said, "at": time.time()}))
        except (OSError, DatabaseError):
            return  # the folder was deleted: nobody reads the note any more


def request_cancel(changeset: Changeset) -> None:
    """Ask the job at work on a changeset to stop."""
    if changeset.folder.is_dir() or has_other_servers():
        write_note(changeset, STOP, "")


def clear_cancel(changeset: Changeset) -> None:
    """Forget that an earlier job was asked to stop."""
    delete_note(changeset, STOP)


class Progress(TypedDict):
    """A job's progress: rows, rows per second, seconds left."""

    noun: str
    done: int
    total: int
    rate: int
    left: int | None
    is_alive: bool


def get_progress(changeset: Changeset) -> Progress | None:
    """Return the progress that a job has reported; None if it has not started."""
    found = read_note(changeset, PROGRESS)
    try:
        said: dict[str, Any] = json.loads(found[0]) if found else {}
    except ValueError:
        return None
    if found is None or said.get("run") != changeset.run:
        return None
    seconds = max(said["at"] - said["started"], 0.001)
    rate = said["done"] / seconds
    left = (said["total"] - said["done"]) / rate if rate and said["total"] else None
    return {
        "noun": said["noun"],
        "done": said["done"],
        "total": max(said["total"], said["done"]) if said["total"] else 0,
        "rate": round(rate),
        "left": max(round(left), 0) if left is not None else None,
        "is_alive": found[1] < DEAD_AFTER,
    }
