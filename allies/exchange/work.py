"""What a job tells those who wait for it, and what they tell it: small files in its folder.

Not in the database: while a large import is written, nobody else can write there, and the job's
own words could not be read before it ends.
"""

import json
import threading
import time
from pathlib import Path
from typing import Any, Self

from allies.models import Changeset

#: Seconds between two signs of life, and after how many without one a job is taken for dead.
BEAT, DEAD_AFTER = 0.5, 30


class CalledOff(Exception):
    """Somebody asked the job to stop."""


class Work:
    """A job's own side: it says how far it is, and learns that it is to stop."""

    def __init__(self, changeset: Changeset, totals: dict[str, int] | None = None) -> None:
        self._folder = changeset.folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._totals = totals or {}
        self._said: dict[str, Any] = {
            "run": changeset.run,
            "noun": "",
            "done": 0,
            "total": sum(self._totals.values()),
            "started": time.time(),
        }
        self._done: dict[str, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._say()
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._ended.set()
        self._thread.join()
        (self._folder / "progress.json").unlink(missing_ok=True)

    def tell(self, noun: str, done: int) -> None:
        """Say that so many rows of a noun are done; raise CalledOff where the job is to stop."""
        self._done[noun] = done
        self._said["noun"] = noun
        self._said["done"] = sum(self._done.values())
        if (self._folder / "stop").exists():
            raise CalledOff

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            self._say()

    def _say(self) -> None:
        text = json.dumps({**self._said, "at": time.time()})
        new = self._folder / "progress.new"
        try:
            new.write_text(text)
            new.replace(self._folder / "progress.json")
        except OSError:
            return  # the folder was cleared: there is nobody left to tell


def call_off(changeset: Changeset) -> None:
    """Ask the job at work on a changeset to stop."""
    if changeset.folder.is_dir():
        (changeset.folder / "stop").touch()


def forget_call(changeset: Changeset) -> None:
    """Forget that an earlier job was asked to stop."""
    (changeset.folder / "stop").unlink(missing_ok=True)


def progress_of(changeset: Changeset) -> dict[str, Any] | None:
    """Return how far the job says it is (rows, rows a second, seconds); None: it has not begun."""
    path: Path = changeset.folder / "progress.json"
    try:
        said: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if said.get("run") != changeset.run:
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
        "is_alive": time.time() - said["at"] < DEAD_AFTER,
    }
