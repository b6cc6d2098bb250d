"""What an import has seen so far, kept on disk so that memory does not grow with the file."""

import json
import pickle
import sqlite3
from collections.abc import Iterator
from typing import Any, Self

from django.db import models

from allies.exchange.reader import Row


class Ledger:
    """Notes of one run: identities seen, records it would create, rows to look at again.

    A private SQLite database without a name: it lives in a temporary file that SQLite removes.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(
            """
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            CREATE TABLE seen (noun TEXT, key TEXT, row INTEGER, PRIMARY KEY (noun, key))
                WITHOUT ROWID;
            CREATE TABLE pending (noun TEXT, key TEXT, record BLOB, PRIMARY KEY (noun, key))
                WITHOUT ROWID;
            CREATE TABLE links (noun TEXT, child TEXT, parent TEXT, PRIMARY KEY (noun, child))
                WITHOUT ROWID;
            CREATE TABLE deferred (round INTEGER, row INTEGER, cells TEXT);
            BEGIN;
            """
        )
        self._ids = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._db.close()

    def first_row(self, noun: str, key: tuple[Any, ...], row: int) -> int:
        """Note that a row has this key; return the first row that had it, which may be this one."""
        text = json.dumps(key, default=str)
        self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (noun, text, row))
        (first,) = self._db.execute(
            "SELECT row FROM seen WHERE noun = ? AND key = ?", (noun, text)
        ).fetchone()
        return int(first)

    def provisional_id(self) -> int:
        """Return an id for a record that is not written: negative, so that it meets no real one."""
        self._ids -= 1
        return self._ids

    def expect(self, noun: str, keys: list[str], record: models.Model) -> None:
        """Note a record this run would create, under each word files may call it by."""
        blob = pickle.dumps(record)
        self._db.executemany(
            "INSERT OR REPLACE INTO pending VALUES (?, ?, ?)",
            [(noun, key, blob) for key in keys if key],
        )

    def expected(self, noun: str, key: str) -> Any:
        """Return the record this run would create under this word, or None."""
        found = self._db.execute(
            "SELECT record FROM pending WHERE noun = ? AND key = ?", (noun, key)
        ).fetchone()
        # The pickle is our own, made in this process a moment ago.
        return pickle.loads(found[0]) if found else None  # noqa: S301

    def link(self, noun: str, child: str, parent: str) -> None:
        """Note that in this run the child's parent is this one ("" for none)."""
        self._db.execute("INSERT OR REPLACE INTO links VALUES (?, ?, ?)", (noun, child, parent))

    def parent(self, noun: str, child: str) -> str | None:
        """Return the parent this run gave the child; None where it said nothing."""
        found = self._db.execute(
            "SELECT parent FROM links WHERE noun = ? AND child = ?", (noun, child)
        ).fetchone()
        return found[0] if found else None

    def defer(self, round_: int, row: int, cells: dict[str, str]) -> None:
        """Keep a row for the next round."""
        self._db.execute("INSERT INTO deferred VALUES (?, ?, ?)", (round_, row, json.dumps(cells)))

    def deferred(self, round_: int) -> Iterator[Row]:
        """Yield the rows kept in a round, in their order."""
        for row, cells in self._db.execute(
            "SELECT row, cells FROM deferred WHERE round = ? ORDER BY row", (round_,)
        ):
            yield Row(row, json.loads(cells))

    def count_deferred(self, round_: int) -> int:
        (count,) = self._db.execute(
            "SELECT count(*) FROM deferred WHERE round = ?", (round_,)
        ).fetchone()
        return int(count)

    def forget_deferred(self) -> None:
        self._db.execute("DELETE FROM deferred")
