"""The plan of an import: everything it would do, computed before the first record is changed.

A plan is its own SQLite file, not part of the site's database. So planning locks nothing there, and
memory use does not grow with the file. The plan holds intermediate results (which row is which
record, and new records that other rows refer to), the outcome of every row for the preview, and the
records ready to be written.
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
    """The result of planning a row."""

    NEW = "new"
    CHANGED = "changed"
    REFUSED = "refused"
    REPEATED = "repeated"
    LEFT_OUT = "left-out"
    MATCHED = "matched"
    MOVED = "moved"


class OutcomeRow(NamedTuple):
    """The outcome of a row, for the preview.

    ``detail`` maps columns to the cell of a new record, to the old and the new value of a changed
    one, or to the value of a matched one and that in the file. The key "" has the reason why.
    """

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
CREATE TABLE skipped (noun TEXT, key TEXT, PRIMARY KEY (noun, key)) WITHOUT ROWID;
CREATE TABLE claims (kind TEXT, id INTEGER, identity TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
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
    """A plan being made or read; without a path it is temporary and deleted when closed.

    ``keep_rows`` keeps every row's outcome for the preview.
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
        """Open an existing plan, read-only; raise FileNotFoundError if there is none."""
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
        """Drop the intermediate results and move the plan to its final path."""
        self._db.execute("CREATE INDEX outcome_kind ON outcome (kind, row, noun)")
        for table in ("seen", "claims", "pending", "skipped", "links", "deferred", "gathered"):
            self._db.execute(f"DROP TABLE {table}")  # the names are constants
        self._db.execute("COMMIT")
        if self._work and self._path:
            self._work.replace(self._path)

    # Rows seen so far: which row described a record first.

    def first_rows(
        self, kind: str, keys: Sequence[str], rows: Sequence[int], digests: Sequence[int]
    ) -> dict[int, tuple[int, bool]]:
        """Store the rows' keys; return the repeated ones: row → (first row, whether equal)."""
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

    # Existing records that a rule of the mapping recognised.

    def claim(self, kind: str, record_id: int, identity: str) -> None:
        """Store which identity of the file an existing record was recognised as."""
        self._db.execute(
            "INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", (kind, record_id, identity)
        )

    def claimant(self, kind: str, record_id: int) -> str | None:
        """Return the identity that an existing record was recognised as, if any."""
        found = self._db.execute(
            "SELECT identity FROM claims WHERE kind = ? AND id = ?", (kind, record_id)
        ).fetchone()
        return found[0] if found else None

    # New records, which other rows may refer to.

    def provisional_id(self, noun: str) -> int:
        """Return the next provisional id of a new record: -1, -2, … per record type.

        Real ids are positive, so the two cannot be confused.
        """
        self._ids[noun] = self._ids.get(noun, 0) - 1
        return self._ids[noun]

    def expect_key(self, noun: str, keys: Iterable[str], record: models.Model) -> None:
        """Store a new record under each key that files may use for it."""
        blob = pickle.dumps(record)
        self._db.executemany(
            "INSERT OR REPLACE INTO pending VALUES (?, ?, ?)",
            [(noun, key, blob) for key in keys if key],
        )

    def expect_old_keys(self, noun: str, keys: Iterable[str]) -> None:
        """Store old slugs that will lead to records which now have another slug."""
        self._db.executemany(
            "INSERT OR IGNORE INTO pending VALUES (?, ?, NULL)", ((noun, key) for key in keys)
        )

    def expected(self, noun: str, key: str) -> Any:
        """Return the new record with this key, or None."""
        found = self._db.execute(
            "SELECT record FROM pending WHERE noun = ? AND key = ?", (noun, key)
        ).fetchone()
        # Safe to unpickle: this process has just pickled it.
        return pickle.loads(found[0]) if found and found[0] else None  # noqa: S301

    def expects(self, noun: str, key: str) -> bool:
        """Return whether a new record or an old slug has this key."""
        query = "SELECT 1 FROM pending WHERE noun = ? AND key = ?"
        return self._db.execute(query, (noun, key)).fetchone() is not None

    def skip_key(self, noun: str, key: str) -> None:
        """Store the key of a record that is left out; rows that refer to it are left out too."""
        self._db.execute("INSERT OR IGNORE INTO skipped VALUES (?, ?)", (noun, key))

    def skips(self, noun: str, key: str) -> bool:
        query = "SELECT 1 FROM skipped WHERE noun = ? AND key = ?"
        return self._db.execute(query, (noun, key)).fetchone() is not None

    def link(self, noun: str, child: str, parent: str) -> None:
        """Store the child's parent in this file ("" for none)."""
        self._db.execute("INSERT OR REPLACE INTO links VALUES (?, ?, ?)", (noun, child, parent))

    def parent(self, noun: str, child: str) -> str | None:
        """Return the parent that this file gives the child; None if it gives none."""
        found = self._db.execute(
            "SELECT parent FROM links WHERE noun = ? AND child = ?", (noun, child)
        ).fetchone()
        return found[0] if found else None

    # Rows to try again.

    def defer(self, round_: int, row: Row[Cell]) -> None:
        """Keep a row for the next round."""
        cells = json.dumps(
            [
                [_encode_cell(cell) for cell in cells]
                for cells in (row.cells, row.earlier, row.hints)
            ]
        )
        self._db.execute("INSERT INTO deferred VALUES (?, ?, ?)", (round_, row.number, cells))

    def deferred(self, round_: int) -> Iterator[Row[Cell]]:
        """Yield the rows deferred in a round, in their order."""
        for number, cells in self._db.execute(
            "SELECT row, cells FROM deferred WHERE round = ? ORDER BY row", (round_,)
        ):
            own, earlier, hints = ([_decode_cell(c) for c in kept] for kept in json.loads(cells))
            yield Row(number, own, "", earlier, hints)

    def count_deferred(self, round_: int) -> int:
        query = "SELECT count(*) FROM deferred WHERE round = ?"
        return int(self._db.execute(query, (round_,)).fetchone()[0])

    def forget_deferred(self) -> None:
        self._db.execute("DELETE FROM deferred")

    # Values collected over the rows of one record.

    def add_collected(self, values: Iterable[tuple[str, str, str]]) -> None:
        """Store the distinct values of each (spec, key, value), in order of appearance."""
        self._db.executemany(
            "INSERT OR IGNORE INTO gathered (spec, key, value) VALUES (?, ?, ?)", values
        )

    def collected_values(self, spec: str, key: str) -> list[str]:
        rows = self._db.execute(
            "SELECT value FROM gathered WHERE spec = ? AND key = ? ORDER BY place", (spec, key)
        )
        return [value for (value,) in rows]

    # Outcomes, for the preview.

    def set_note(self, rows: Iterable[tuple[str, int, str, str, str, str]]) -> None:
        """Store outcomes as (record type, row, kind, record, detail as JSON, likely)."""
        self._db.executemany("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?)", rows)

    def add_unknown_country(self, text: str, advice: str) -> None:
        """Count a row that names an unknown country."""
        self._db.execute(
            "INSERT INTO unknown VALUES (?, 1, ?) ON CONFLICT (text) DO UPDATE SET rows = rows + 1",
            (text, advice),
        )

    def unknown_countries(self) -> list[tuple[str, int, str]]:
        """Return at most 200 unknown countries as (text, rows, advice), the most frequent first."""
        return self._db.execute(
            "SELECT text, rows, advice FROM unknown ORDER BY rows DESC, text LIMIT 200"
        ).fetchall()

    def outcomes(
        self, kind: str, start: int = 0, number: int | None = None, *, likely: bool = False
    ) -> Iterator[OutcomeRow]:
        """Yield rows with one outcome, in the file's order; ``likely``: only likely duplicates."""
        query = "SELECT * FROM outcome WHERE kind = ?"
        query += " AND likely != ''" if likely else ""
        for noun, row, found, record, detail, like in self._db.execute(
            f"{query} ORDER BY row, noun LIMIT ? OFFSET ?", (kind, number or -1, start)
        ):
            yield OutcomeRow(noun, row, found, record, json.loads(detail), like)

    def reasons(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every refused row of the file with its errors, in the file's order."""
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

    # Records to write.

    def add(self, kind: str, noun: str, width: int, rows: Iterable[Sequence[object]]) -> None:
        """Store records to be written, as rows of values; ``kind`` is "new" or "changed"."""
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
        """Yield the records stored by ``add``, in their order."""
        if not self._has(f"{kind} {noun}"):
            return iter(())
        return self._db.execute(f'SELECT * FROM "{kind} {noun}" ORDER BY rowid')

    def digest(self) -> str:
        """Return a hash of all changes, with old and new values: equal plans have equal hashes."""
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
        """Store a slug that a record gives up."""
        self._db.execute("INSERT INTO old_slug VALUES (?, ?, ?)", (noun, slug, record_id))

    def old_slugs(self, noun: str) -> list[tuple[str, int]]:
        return self._db.execute("SELECT slug, id FROM old_slug WHERE noun = ?", (noun,)).fetchall()


def _encode_cell(cell: Cell) -> Any:
    """Return a cell as JSON: its text, [value, message] of a problem, or null if it is skipped."""
    if isinstance(cell, CellProblem):
        return None if cell is LEFT_OUT else [cell.value, cell.message]
    return cell


def _decode_cell(kept: object) -> Cell:
    if kept is None:
        return LEFT_OUT
    return CellProblem(*kept) if isinstance(kept, list) else str(kept)
