"""The second half of an import: write a plan's records and their history, in one transaction.

Everything was looked up and checked when the plan was made, so writing only inserts and updates.
Records are inserted with ids given here, and their history rows are copied from the tables.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Model

from allies.history.changeset_context import database_timestamp, insert_history_rows
from allies.imports.plan import Plan
from allies.imports.resources import RESOURCES
from allies.imports.row_layout import TIMESTAMP_FIELDS, RowLayout
from allies.models import Changeset, OldSlug, SlugMixin, Source

#: Rows per batch, so that progress is shown and a job can be stopped between batches.
BATCH_ROWS = 20_000

#: Called with the record type and the number of its rows written.
Progress = Callable[[str, int], None]


def write_plan(plan: Plan, changeset: Changeset, now: dt.datetime, progress: Progress) -> None:
    """Write everything in a plan, inside the caller's transaction.

    Raises IntegrityError if a database constraint is violated; the caller must roll back then.
    """
    shelves = {
        noun: RowLayout(resource._meta.model)
        for noun, resource in RESOURCES.items()
        if plan.count("new", noun) or plan.count("changed", noun)
    }
    bases = {s.model: _last_id(s.model) for s in shelves.values()}
    for noun, shelf in shelves.items():
        writer = _RecordWriter(plan, noun, shelf, bases, changeset, now, progress)
        writer.write_new()
        writer.write_changed()
        if issubclass(shelf.model, SlugMixin):
            OldSlug.objects.remember(shelf.model, plan.old_slugs(noun))
        if shelf.model is Source:
            Source.objects.recompute_origins()


class _RecordWriter:
    def __init__(
        self,
        plan: Plan,
        noun: str,
        shelf: RowLayout,
        bases: dict[Any, int],
        changeset: Changeset,
        now: dt.datetime,
        progress: Progress,
    ) -> None:
        self.plan = plan
        self.noun = noun
        self.shelf = shelf
        self.model = shelf.model
        self.bases = bases
        self.changeset = changeset
        self.now = now
        self.progress = progress
        self.done = 0
        self.table = connection.ops.quote_name(self.model._meta.db_table)

    def write_new(self) -> None:
        base = self.bases[self.model]
        columns = [field.column for field in self.shelf.fields] + self._stamp_columns()
        first = base + 1
        for batch in _batches(self._real_id(self.plan.written("new", self.noun))):
            stamp = self._stamps()
            insert_rows(self.model, columns, [[*row, *stamp] for row in batch])
            last = first + len(batch) - 1
            insert_history_rows(
                self.model,
                "+",
                self.changeset,
                self.now,
                f"{self._id} BETWEEN %s AND %s",
                [first, last],
            )
            first = last + 1
            self._report_progress(len(batch))
        if first > base + 1:
            _set_last_id(self.model, first - 1)

    def write_changed(self) -> None:
        quote = connection.ops.quote_name
        fields = self.shelf.fields[1:]
        sets = ", ".join(f"{quote(field.column)} = %s" for field in fields)
        update = f"UPDATE {self.table} SET {sets}, updated_at = %s WHERE {self._id} = %s"
        now = database_timestamp(self.now)
        for batch in _batches(self._real_id(self.plan.written("changed", self.noun))):
            with connection.cursor() as cursor:
                cursor.executemany(update, [(*row[1:], now, row[0]) for row in batch])
            for ids in _batches((row[0] for row in batch), 500):
                marks = ", ".join(["%s"] * len(ids))
                where = f"{self._id} IN ({marks})"
                insert_history_rows(self.model, "~", self.changeset, self.now, where, ids)
            self._report_progress(len(batch))

    @property
    def _id(self) -> str:
        return f"{self.table}.{connection.ops.quote_name(self.model._meta.pk.column)}"

    def _report_progress(self, rows: int) -> None:
        self.done += rows
        self.progress(self.noun, self.done)

    def _stamp_columns(self) -> list[str]:
        return [
            field.column
            for field in self.model._meta.concrete_fields
            if field.name in TIMESTAMP_FIELDS
        ]

    def _stamps(self) -> list[object]:
        return [database_timestamp(self.now)] * len(self._stamp_columns())

    def _real_id(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
        """Yield the rows with real instead of provisional ids, and booleans instead of 1 and 0."""
        pointers = [(n, self.bases.get(model, 0)) for n, model in self.shelf.set_reference()]
        flags = self.shelf.boolean_positions()
        for values in rows:
            row = list(values)
            for n, base in pointers:
                value = row[n]
                if value is not None and value < 0:
                    row[n] = base - value
            for n in flags:
                row[n] = None if row[n] is None else bool(row[n])
            yield row


def insert_rows(model: Any, columns: list[str], rows: list[Sequence[Any]]) -> None:
    """Insert rows of values in the fastest way each database has: COPY, or executemany."""
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(map(quote, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _last_id(model: type[Model]) -> int:
    """Return the highest id that records of this model have had so far."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sequence = "pg_get_serial_sequence(%s, %s)::regclass"
            column = model._meta.pk.column
            cursor.execute(f"SELECT nextval({sequence})", [table, column])
            # The first new record gets the number drawn: the table is locked for others.
            return int(cursor.fetchone()[0]) - 1
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
        return int(found[0]) if found else 0


def _set_last_id(model: type[Model], last: int) -> None:
    """Set the last id in PostgreSQL's sequence; SQLite updates its own."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s)::regclass, %s)",
                [model._meta.db_table, model._meta.pk.column, last],
            )


def _batches(rows: Iterable[object], size: int = BATCH_ROWS) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
