"""The records that an undo changes: temporary tables, and SQL to apply it."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from allies.history.changeset_context import insert_history_rows
from allies.history.snapshots import content_fields, parent_fields
from allies.history.steps import select_related_for_labels
from allies.models import (
    Alliance,
    AllyList,
    Changeset,
    Citation,
    Entry,
    Event,
    Publishable,
    Record,
    SlugMixin,
    Source,
    record_models,
)
from allies.models.registry import foreign_keys_to

#: The most records to report by name; the rest are counted.
MAX_NAMED = 200
#: The most records to name in a sentence.
MAX_SKIPPED_SHOWN = 5

#: Versions per statement, so that jobs can report progress and be stopped.
BATCH_SIZE = 50_000


@dataclass(frozen=True)
class SkippedRecord:
    """A record that an undo skips, and the reason: ``edited``, ``in-use`` or ``part``.

    A part is skipped because the record it belongs to is skipped.
    """

    model: Any
    pk: int
    name: str
    reason: str

    @property
    def key(self) -> str:
        """The key that an editor's decision refers to."""
        return f"{self.model._meta.model_name}-{self.pk}"


@dataclass
class UndoReport:
    """The effect of an undo: {model name: {deleted, restored, returned}}.

    ``unsupported`` names records that would be public without a source, and ``refusal`` says which
    permission is missing. If either is set, the undo is refused.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    skipped: list[SkippedRecord] = field(default_factory=list)
    skipped_count: int = 0
    unsupported: list[str] = field(default_factory=list)
    refusal: str = ""

    @property
    def records(self) -> int:
        return sum(sum(count.values()) for count in self.counts.values())


#: Kind of version → what undoing it does, and the kind of version that this writes.
_UNDOING = {"+": ("deleted", "-"), "~": ("restored", "~"), "-": ("returned", "+")}


class UndoPlan:
    """The records that an undo changes, in one temporary table per model.

    Its columns: record, kind of version, version, version before. The tables exist only inside the
    ``with`` block.
    """

    def __init__(self, changeset: Changeset, also: frozenset[str]) -> None:
        self.changeset = changeset
        self.also = also
        self.models = record_models()
        self.kept: list[SkippedRecord] = []
        self.kept_count = 0

    def __enter__(self) -> Self:
        self._drop()
        for model in self.models:
            _run(
                f"CREATE TEMPORARY TABLE {_undo(model)} (id bigint PRIMARY KEY, "
                "kind varchar(1), version bigint, before bigint)"
            )
            self._fill(model)
        spare = (self._exclude_children, self._exclude_referenced)
        while sum(step(model) for step in spare for model in reversed(self.models)):
            pass  # each skipped record may have parts, and may refer to other records
        return self

    def __exit__(self, *args: object) -> None:
        if args[0] is None or connection.vendor == "sqlite":
            self._drop()

    def _drop(self) -> None:
        for model in self.models:
            _run(f"DROP TABLE IF EXISTS {_undo(model)}")

    # Select records.

    def _fill(self, model: Any) -> None:
        history, table = _history(model), _table(model)
        later = (
            f"EXISTS (SELECT 1 FROM {history} l WHERE l.id = h.id AND l.history_id > h.history_id)"
        )
        same = "IS" if connection.vendor == "sqlite" else "IS NOT DISTINCT FROM"
        alike = " AND ".join(f"r.{column} {same} h.{column}" for column in _content(model))
        as_made = f"EXISTS (SELECT 1 FROM {table} r WHERE r.id = h.id AND {alike})"
        later = f"({later} AND NOT {as_made})"
        here = f"EXISTS (SELECT 1 FROM {table} r WHERE r.id = h.id)"
        # The net effect counts: from f, the first version that the changeset wrote of a record, to
        # h, the last. A record that it created and deleted again is unaffected.
        mine = (
            "FROM (SELECT min(history_id) AS first, max(history_id) AS last "
            f"FROM {history} WHERE changeset_id = %s GROUP BY id) m "
            f"JOIN {history} f ON f.history_id = m.first "
            f"JOIN {history} h ON h.history_id = m.last "
            "WHERE NOT (f.history_type = '+' AND h.history_type = '-')"
        )
        kind = (
            "CASE WHEN f.history_type = '+' THEN '+' "
            "WHEN h.history_type = '-' THEN '-' ELSE '~' END"
        )
        prior = (
            f"(SELECT max(b.history_id) FROM {history} b "
            "WHERE b.id = h.id AND b.history_id < m.first)"
        )
        # A version of a deletion has the content before it, unless the changeset also changed it.
        version = (
            "CASE WHEN f.history_type <> '-' AND h.history_type = '-' "
            f"THEN coalesce({prior}, f.history_id) ELSE f.history_id END"
        )
        # Only existing records can be deleted or restored; only missing ones can be recreated.
        possible = f"((h.history_type = '-') <> {here})"
        decided = self._count_actions(model)
        own = [self.changeset.pk]
        _run(
            f"INSERT INTO {_undo(model)} SELECT h.id, {kind}, {version}, "
            f"CASE WHEN {kind} = '~' THEN {prior} END "
            f"{mine} AND {possible} AND (NOT {later} OR {decided})",
            own,
        )
        self._skip(
            model, "edited", f"SELECT h.id {mine} AND {possible} AND {later} AND NOT {decided}", own
        )
        # Without an earlier version there is nothing to restore.
        lost = f"SELECT id FROM {_undo(model)} WHERE kind = '~' AND before IS NULL"
        self._skip(model, "edited", lost, [])
        _run(f"DELETE FROM {_undo(model)} WHERE kind = '~' AND before IS NULL")

    def _count_actions(self, model: type[Model], alias: str = "h") -> str:
        """Return the SQL condition for edited records that the editor chose to undo too."""
        if "all" in self.also:
            return "(1 = 1)"
        prefix = f"{model._meta.model_name}-"
        ids = [key.removeprefix(prefix) for key in self.also if key.startswith(prefix)]
        numbers = [str(int(text)) for text in ids if re.fullmatch("[0-9]{1,18}", text)]
        return f"({alias}.id IN ({', '.join(numbers)}))" if numbers else "(1 = 0)"

    def _exclude_children(self, model: type[Record]) -> bool:
        """Skip parts of written records that are skipped; return whether there were any."""
        spared = False
        for owner in parent_fields(model):
            kept = (
                f"SELECT o.id FROM {_table(owner.related_model)} o WHERE o.id IN "
                f"(SELECT v.id FROM {_history(owner.related_model)} v WHERE v.changeset_id = %s) "
                f"AND o.id NOT IN (SELECT id FROM {_undo(owner.related_model)})"
            )
            column = connection.ops.quote_name(owner.column)
            parts = (
                f"SELECT u.id FROM {_undo(model)} u LEFT JOIN {_table(model)} c ON c.id = u.id "
                f"JOIN {_history(model)} h ON h.history_id = u.version "
                f"LEFT JOIN {_history(model)} b ON b.history_id = u.before "
                f"WHERE coalesce(c.{column}, h.{column}) IN ({kept}) "
                # If a part moves back to an earlier record, it belongs to that one instead.
                f"AND (u.kind <> '~' OR b.{column} = c.{column}) "
                f"AND NOT {self._count_actions(model, 'u')}"
            )
            if self._skip(model, "part", parts, [self.changeset.pk]):
                _run(f"DELETE FROM {_undo(model)} WHERE id IN ({parts})", [self.changeset.pk])
                spared = True
        return spared

    def _exclude_referenced(self, model: type[Model]) -> bool:
        """Skip created records that remaining records refer to; return whether there were any."""
        spared = False
        for child, column in _pointers_to(model):
            goes = (
                f"EXISTS (SELECT 1 FROM {_undo(child)} u LEFT JOIN {_history(child)} b "
                f"ON b.history_id = u.before WHERE u.id = c.id AND (u.kind = '+' OR "
                f"(u.kind = '~' AND (b.{column} IS NULL OR b.{column} <> c.{column}))))"
            )
            used = (
                f"SELECT t.id FROM {_undo(model)} t WHERE t.kind = '+' AND EXISTS "
                f"(SELECT 1 FROM {_table(child)} c WHERE c.{column} = t.id AND NOT {goes})"
            )
            if self._skip(model, "in-use", used, []):
                _run(f"DELETE FROM {_undo(model)} WHERE id IN ({used})")
                spared = True
        return spared

    def _skip(self, model: type[Model], reason: str, query: str, params: list[Any]) -> int:
        count = int(_rows(f"SELECT count(*) FROM ({query}) k", params)[0][0])
        self.kept_count += count
        if count and len(self.kept) < MAX_NAMED:
            ids = [row[0] for row in _rows(f"{query} LIMIT {MAX_NAMED}", params)]
            names = {r.pk: str(r) for r in select_related_for_labels(model).filter(pk__in=ids)}
            self.kept += [SkippedRecord(model, pk, names.get(pk, str(pk)), reason) for pk in ids]
        return count

    def report(self) -> UndoReport:
        counts: dict[str, dict[str, int]] = {}
        for model in self.models:
            query = f"SELECT kind, count(*) FROM {_undo(model)} GROUP BY kind"
            found = {_UNDOING[kind][0]: number for kind, number in _rows(query, [])}
            if found:
                counts[str(model._meta.model_name)] = found
        return UndoReport(counts, self.kept[:MAX_NAMED], self.kept_count)

    def left_unsupported(self) -> list[str]:
        """Return the names of some public records that would lose their last source."""
        sound = (
            Citation.objects.from_published_sources()
            .supporting()
            .exclude(pk__in=_ids(Citation, "+"))
            .exclude(source__in=_ids(Source, "+"))
        )
        entries = Entry.objects.filter(Exists(sound.filter(entry=OuterRef("pk"))))
        listed = entries.exclude(pk__in=_ids(Entry, "+")).values("ally_list")
        supported: dict[Any, Q] = {
            Alliance: Q(Exists(sound.filter(alliance=OuterRef("pk")))),
            Event: Q(Exists(sound.filter(event=OuterRef("pk")))),
            AllyList: Q(pk__in=listed),
        }
        found: list[str] = []
        for model, has_support in supported.items():
            stays = model.objects.published().exclude(pk__in=_ids(model))
            found += map(str, stays.exclude(has_support)[:MAX_SKIPPED_SHOWN])
        return found[:MAX_SKIPPED_SHOWN]

    def states(self, model: type[Record]) -> Iterator[QuerySet[Model]]:
        """Yield the states of the records before and after the undo."""
        yield model._default_manager.filter(pk__in=_ids(model)).order_by()
        back = "SELECT CASE WHEN kind = '~' THEN before ELSE version END FROM"
        goes_back = RawSQL(f"{back} {_undo(model)} WHERE kind <> '+'", [])
        yield model.history.model.objects.filter(history_id__in=goes_back).order_by()

    # Apply the undo.

    def delete(self, by: Changeset, now: dt.datetime) -> Iterator[tuple[Any, int]]:
        for model in reversed(self.models):
            for where, params, rows in self._batches(model, "+"):
                insert_history_rows(model, "-", by, now, where, params)
                yield model, rows
            # a deleted source may be the origin of another deleted one
            if issubclass(model, Source):
                _run(
                    f"UPDATE {_table(model)} SET origin_id = NULL WHERE origin_id IN "
                    f"(SELECT id FROM {_undo(model)} WHERE kind = '+')"
                )
        for model in reversed(self.models):
            going = f"(SELECT id FROM {_undo(model)} WHERE kind = '+')"
            for child, column in _pointers_to(model):
                if child is model:
                    _run(f"UPDATE {_table(model)} SET {column} = NULL WHERE id IN {going}")
            _run(f"DELETE FROM {_table(model)} WHERE id IN {going}")
            yield model, 0
        self._restore_content()

    def _restore_content(self) -> None:
        """Restore changed records. Call it after created ones are deleted: both may share a slug.

        The database checks references to deleted records only at the end of the transaction.
        """
        for model in self.models:
            columns = [f.column for f in model._meta.concrete_fields if not f.primary_key]
            quote = connection.ops.quote_name
            sets = ", ".join(f"{quote(column)} = b.{quote(column)}" for column in columns)
            _run(
                f"UPDATE {_table(model)} SET {sets} FROM {_undo(model)} u "
                f"JOIN {_history(model)} b ON b.history_id = u.before "
                f"WHERE u.kind = '~' AND u.id = {_table(model)}.id"
            )

    def slugs_given_up(self) -> dict[type[Record], list[tuple[str, int]]]:
        """Return, per model, the (slug, id) of records that go back to another slug."""
        return {
            model: _rows(
                f"SELECT t.slug, t.id FROM {_table(model)} t JOIN {_undo(model)} u ON u.id = t.id "
                f"JOIN {_history(model)} b ON b.history_id = u.before WHERE b.slug <> t.slug",
                [],
            )
            for model in self.models
            if issubclass(model, SlugMixin)
        }

    def restore(self, by: Changeset, now: dt.datetime) -> Iterator[tuple[Any, int]]:
        for model in self.models:
            for where, params, rows in self._batches(model, "~"):
                insert_history_rows(model, "~", by, now, where, params)
                yield model, rows

    def recreate_deleted(self, by: Changeset, now: dt.datetime) -> Iterator[tuple[Any, int]]:
        quote = connection.ops.quote_name
        for model in self.models:
            names = ", ".join(quote(f.column) for f in model._meta.concrete_fields)
            own = ", ".join(f"h.{quote(f.column)}" for f in model._meta.concrete_fields)
            _run(
                f"INSERT INTO {_table(model)} ({names}) SELECT {own} FROM {_undo(model)} u "
                f"JOIN {_history(model)} h ON h.history_id = u.version WHERE u.kind = '-'"
            )
            for where, params, rows in self._batches(model, "-"):
                insert_history_rows(model, "+", by, now, where, params)
                yield model, rows

    def _batches(self, model: Any, kind: str) -> Iterator[tuple[str, list[Any], int]]:
        """Yield conditions that select the records of one kind, one batch at a time."""
        undo = _undo(model)
        last = -1
        while True:
            batch = (
                f"SELECT id FROM {undo} WHERE kind = %s AND id > %s ORDER BY id LIMIT {BATCH_SIZE}"
            )
            ((upto, rows),) = _rows(f"SELECT max(id), count(*) FROM ({batch}) b", [kind, last])
            if not rows:
                return
            where = (
                f"{_table(model)}.id IN "
                f"(SELECT id FROM {undo} WHERE kind = %s AND id > %s AND id <= %s)"
            )
            yield where, [kind, last, upto], int(rows)
            last = int(upto)


def _pointers_to(model: type[Model]) -> list[tuple[type[Record], str]]:
    """Return (model, column) of every field that points to this model."""
    return [(child, connection.ops.quote_name(f.column)) for child, f in foreign_keys_to(model)]


def _content(model: Any) -> list[str]:
    """Return the columns that editors and imports fill, which are compared to find later edits."""
    fields = [*content_fields(model)]
    if issubclass(model, Publishable):
        fields.append(model._meta.get_field("status"))
    return [connection.ops.quote_name(f.column) for f in fields]


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _history(model: type[Record]) -> str:
    return connection.ops.quote_name(model.history.model._meta.db_table)


def _undo(model: type[Model]) -> str:
    return connection.ops.quote_name(f"undo_{model._meta.model_name}")


def _ids(model: type[Model], kind: str = "") -> RawSQL:
    """Return the ids of a model's records in the plan, optionally only one kind of version."""
    where, params = ("WHERE kind = %s", [kind]) if kind else ("", [])
    return RawSQL(f"SELECT id FROM {_undo(model)} {where}", params)


def _run(sql: str, params: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _rows(sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
