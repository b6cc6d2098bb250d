"""What an import would do, worked out in full before the first record is touched.

A plan is a SQLite file of its own, not the site's database: making one takes no lock there, and
memory does not grow with the file. It holds what was seen on the way (which row is which record,
records that other rows name before they exist), what a person looks at (the outcome of every row),
and what the writer writes (the records, ready to be stored).
"""

import hashlib
import json
import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Self

from django.db import models

from allies.imports.rows import LEFT_OUT, Cell, CellProblem, Row


class Outcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    REFUSED = "refused"
    REPEATED = "repeated"
    LEFT_OUT = "left-out"


class OutcomeRow(NamedTuple):
    """A row's outcome as it is shown: ``detail`` is {column: cell} or {column: [old, new]}."""

    noun: str
    row: int
    kind: str
    record: str
    detail: object
    likely: str


_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;
CREATE TABLE seen (kind TEXT, key TEXT, row INTEGER, digest INTEGER, PRIMARY KEY (kind, key))
    WITHOUT ROWID;
CREATE TABLE pending (noun TEXT, key TEXT, record BLOB, PRIMARY KEY (noun, key)) WITHOUT ROWID;
CREATE TABLE links (noun TEXT, child TEXT, parent TEXT, PRIMARY KEY (noun, child)) WITHOUT ROWID;
CREATE TABLE deferred (round INTEGER, row INTEGER, cells TEXT);
CREATE TABLE gathered (spec TEXT, key TEXT, value TEXT, place INTEGER PRIMARY KEY,
    UNIQUE (spec, key, value));
CREATE TABLE outcome (noun TEXT, row INTEGER, kind TEXT, record TEXT, detail TEXT, likely TEXT);
CREATE TABLE unknown (text TEXT PRIMARY KEY, rows INTEGER, advice TEXT) WITHOUT ROWID;
CREATE TABLE old_slug (noun TEXT, slug TEXT, id INTEGER);
BEGIN;
"""


class Plan:
    """A plan under way or made; without a path it is gone when it is closed.

    ``keep_rows`` keeps every row's outcome for a person to look at.
    """

    def __init__(self, path: Path | None = None, *, keep_rows: bool = False) -> None:
        self.keep_rows = keep_rows
        self._path = path
        self._work = path.with_suffix(".new") if path else None
        if self._work:
            self._work.unlink(missing_ok=True)
        self._db = sqlite3.connect(self._work or "", isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._ids: dict[str, int] = {}
        self._tables: dict[str, str] = {}

    @classmethod
    def open(cls, path: Path) -> "Plan":
        """Open a plan that was made before; raise FileNotFoundError where there is none."""
        if not path.exists():
            raise FileNotFoundError(path)
        plan = cls.__new__(cls)
        plan.keep_rows, plan._path, plan._work = True, path, None
        plan._db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        plan._ids, plan._tables = {}, {}
        return plan

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._db.close()
        if self._work:
            self._work.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the plan where it is to lie, whole."""
        self._db.execute("CREATE INDEX outcome_kind ON outcome (kind, row, noun)")
        for table in ("seen", "pending", "links", "deferred", "gathered"):
            self._db.execute(f"DROP TABLE {table}")  # a name of our own
        self._db.execute("COMMIT")
        if self._work and self._path:
            self._work.replace(self._path)

    # What was seen: which row was which record first.

    def first_rows(
        self, kind: str, keys: Sequence[str], rows: Sequence[int], digests: Sequence[int]
    ) -> dict[int, tuple[int, bool]]:
        """Note the rows' keys; return those seen before: row → (first row, whether it is equal)."""
        before = self._db.total_changes
        entries = [
            (kind, key, row, digest) for key, row, digest in zip(keys, rows, digests, strict=True)
        ]
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", entries)
        if self._db.total_changes - before == len(entries):
            return {}
        repeated = {}
        for _kind, key, row, digest in entries:
            first, its_digest = self._db.execute(
                "SELECT row, digest FROM seen WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
            if first != row:
                repeated[row] = (first, its_digest == digest)
        return repeated

    # Records to be, which other rows may name.

    def provisional_id(self, noun: str) -> int:
        """Return the id of a record to be: -1, -2, … a noun, so that it meets no real one."""
        self._ids[noun] = self._ids.get(noun, 0) - 1
        return self._ids[noun]

    def expect_key(self, noun: str, keys: Iterable[str], record: models.Model) -> None:
        """Note a record to be under each word files may call it by."""
        blob = pickle.dumps(record)
        self._db.executemany(
            "INSERT OR REPLACE INTO pending VALUES (?, ?, ?)",
            [(noun, key, blob) for key in keys if key],
        )

    def expect_old_keys(self, noun: str, keys: Iterable[str]) -> None:
        """Note words that will lead to records which files name by another word."""
        self._db.executemany(
            "INSERT OR IGNORE INTO pending VALUES (?, ?, NULL)", ((noun, key) for key in keys)
        )

    def expected(self, noun: str, key: str) -> Any:
        """Return the record to be that goes by this word, or None."""
        found = self._db.execute(
            "SELECT record FROM pending WHERE noun = ? AND key = ?", (noun, key)
        ).fetchone()
        # The pickle is our own, made in this process a moment ago.
        return pickle.loads(found[0]) if found and found[0] else None  # noqa: S301

    def expects(self, noun: str, key: str) -> bool:
        """Say whether a record to be goes by this word."""
        query = "SELECT 1 FROM pending WHERE noun = ? AND key = ?"
        return self._db.execute(query, (noun, key)).fetchone() is not None

    def link(self, noun: str, child: str, parent: str) -> None:
        """Note that in this file the child's parent is this one ("" for none)."""
        self._db.execute("INSERT OR REPLACE INTO links VALUES (?, ?, ?)", (noun, child, parent))

    def parent(self, noun: str, child: str) -> str | None:
        """Return the parent this file gave the child; None where it said nothing."""
        found = self._db.execute(
            "SELECT parent FROM links WHERE noun = ? AND child = ?", (noun, child)
        ).fetchone()
        return found[0] if found else None

    # Rows to look at again.

    def defer(self, round_: int, row: Row[Cell]) -> None:
        """Keep a row for the next round."""
        cells = json.dumps([_encode_cell(cell) for cell in row.cells])
        self._db.execute("INSERT INTO deferred VALUES (?, ?, ?)", (round_, row.number, cells))

    def deferred(self, round_: int) -> Iterator[Row[Cell]]:
        """Yield the rows kept in a round, in their order."""
        for number, cells in self._db.execute(
            "SELECT row, cells FROM deferred WHERE round = ? ORDER BY row", (round_,)
        ):
            yield Row(number, [_decode_cell(cell) for cell in json.loads(cells)])

    def count_deferred(self, round_: int) -> int:
        query = "SELECT count(*) FROM deferred WHERE round = ?"
        return int(self._db.execute(query, (round_,)).fetchone()[0])

    def forget_deferred(self) -> None:
        self._db.execute("DELETE FROM deferred")

    # Values gathered over the rows of one record.

    def add_collected(self, spec: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Note which values go with which keys, each once, in the order they come."""
        self._db.executemany(
            "INSERT OR IGNORE INTO gathered (spec, key, value) VALUES (?, ?, ?)",
            ((spec, key, value) for key, value in pairs),
        )

    def collected_values(self, spec: str, key: str) -> list[str]:
        rows = self._db.execute(
            "SELECT value FROM gathered WHERE spec = ? AND key = ? ORDER BY place", (spec, key)
        )
        return [value for (value,) in rows]

    # What a person looks at.

    def set_note(self, rows: Iterable[tuple[str, int, str, str, str, str]]) -> None:
        """Keep outcomes, as (noun, row, kind, record, detail as JSON, likely)."""
        self._db.executemany("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?)", rows)

    def add_unknown_country(self, text: str, advice: str) -> None:
        """Count a row that names a country nobody knows."""
        self._db.execute(
            "INSERT INTO unknown VALUES (?, 1, ?) ON CONFLICT (text) DO UPDATE SET rows = rows + 1",
            (text, advice),
        )

    def unknown_countries(self) -> list[tuple[str, int, str]]:
        """Return the countries nobody knows: text, rows, advice; the most frequent first."""
        return self._db.execute(
            "SELECT text, rows, advice FROM unknown ORDER BY rows DESC, text LIMIT 200"
        ).fetchall()

    def outcomes(
        self, kind: str, start: int = 0, number: int | None = None, *, likely: bool = False
    ) -> Iterator[OutcomeRow]:
        """Yield rows of one outcome, in the file's order; ``likely``: only likely duplicates."""
        query = "SELECT * FROM outcome WHERE kind = ?"
        query += " AND likely != ''" if likely else ""
        for noun, row, found, record, detail, like in self._db.execute(
            f"{query} ORDER BY row, noun LIMIT ? OFFSET ?", (kind, number or -1, start)
        ):
            yield OutcomeRow(noun, row, found, record, json.loads(detail), like)

    def reasons(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every refused row of the file with what is wrong with it, in the file's order."""
        query = "SELECT row, detail FROM outcome WHERE kind = ? AND row > 0 ORDER BY row, rowid"
        last, reasons = 0, list[str]()
        for row, detail in self._db.execute(query, (Outcome.REFUSED,)):
            if row != last and reasons:
                yield last, reasons
                reasons = []
            last = row
            reasons += [
                f"{column}: {message}" if column else message
                for column, _value, message in json.loads(detail)
            ]
        if reasons:
            yield last, reasons

    # What the writer writes.

    def add(self, kind: str, noun: str, width: int, rows: Iterable[Sequence[object]]) -> None:
        """Keep records of a noun to be written: ``kind`` is new or changed, a row its values."""
        table = f'"{kind} {noun}"'
        insert = self._tables.get(table)
        if insert is None:
            columns = ", ".join(f"c{n}" for n in range(width))
            self._db.execute(f"CREATE TABLE {table} ({columns})")
            insert = f"INSERT INTO {table} VALUES ({', '.join('?' * width)})"
            self._tables[table] = insert
        self._db.executemany(insert, rows)

    def count(self, kind: str, noun: str) -> int:
        if not self._has(f"{kind} {noun}"):
            return 0
        return int(self._db.execute(f'SELECT count(*) FROM "{kind} {noun}"').fetchone()[0])

    def written(self, kind: str, noun: str) -> Iterator[tuple[object, ...]]:
        """Yield the records kept by ``add``, in their order."""
        if not self._has(f"{kind} {noun}"):
            return iter(())
        return self._db.execute(f'SELECT * FROM "{kind} {noun}" ORDER BY rowid')

    def digest(self) -> str:
        """Return a hash of all that would change, from what to what: the same for the same."""
        total = hashlib.sha256()
        query = "SELECT name FROM sqlite_schema WHERE name LIKE 'new %' OR name LIKE 'changed %'"
        for (table,) in self._db.execute(f"{query} ORDER BY name").fetchall():
            total.update(table.encode())
            for row in self._db.execute(f'SELECT * FROM "{table}" ORDER BY rowid'):
                total.update(repr(row).encode())
        query = "SELECT noun, row, detail FROM outcome WHERE kind = ? ORDER BY rowid"
        for row in self._db.execute(query, (Outcome.CHANGED,)):
            total.update(repr(row).encode())
        return total.hexdigest()

    def _has(self, table: str) -> bool:
        query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
        return self._db.execute(query, (table,)).fetchone() is not None

    def add_old_slug(self, noun: str, slug: str, record_id: int) -> None:
        """Note that a record gives up a slug."""
        self._db.execute("INSERT INTO old_slug VALUES (?, ?, ?)", (noun, slug, record_id))

    def old_slugs(self, noun: str) -> list[tuple[str, int]]:
        return self._db.execute("SELECT slug, id FROM old_slug WHERE noun = ?", (noun,)).fetchall()


def _encode_cell(cell: Cell) -> Any:
    """Return a cell as JSON: its text, a problem's two texts, or null where it is left out."""
    if isinstance(cell, CellProblem):
        return None if cell is LEFT_OUT else [cell.value, cell.message]
    return cell


def _decode_cell(kept: object) -> Cell:
    if kept is None:
        return LEFT_OUT
    return CellProblem(*kept) if isinstance(kept, list) else str(kept)
