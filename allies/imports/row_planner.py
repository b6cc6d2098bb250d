"""Plan the rows of one record type: parse them, match them to records, find the changes."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from allies.actions.permissions import AnyUser
from allies.imports.columns import CellFailure, Column
from allies.imports.matching import ExistingRecord, ParsedRow, RecordMatcher
from allies.imports.plan import Outcome, Plan
from allies.imports.planned_row import PlannedRow
from allies.imports.references import References
from allies.imports.report import Report
from allies.imports.resources import RecordResource
from allies.imports.resources.base import Identity
from allies.imports.row_layout import RowLayout
from allies.imports.rows import LEFT_OUT, Cell, CellProblem, Row, Rows
from allies.imports.validation import RowValidator
from allies.models.base import Record
from allies.models.fields import EDTFField

#: Rows per chunk: how many are held in memory and covered by one query.
CHUNK_ROWS = 1000


class RecordPlanner:
    """Plans the rows of one record type, with a fixed number of queries per chunk."""

    def __init__(
        self,
        plan: Plan,
        references: References,
        resource: RecordResource,
        report: Report,
        *,
        user: AnyUser | None,
        only_new: frozenset[str],
        progress: Callable[[int], None],
    ) -> None:
        self.plan = plan
        self.references = references
        self.resource = resource
        self.model: Any = resource.model
        self.report = report
        self.only_new = only_new
        self.progress = progress
        self.shelf = RowLayout(self.model)
        self.recogniser = RecordMatcher(plan, resource, self.shelf)
        self.rules = RowValidator(plan, resource, report, user)
        for _field, cell in resource.references():
            cell.references = references

    # Rounds: a row that refers to a record of the same file is deferred until that record exists.

    def plan_rows(self, rows: Rows) -> None:
        """Add the rows to the plan."""
        self._prepare_columns(rows)
        round_ = 0
        waiting = self._round(rows, round_, may_wait=self._parent is not None)
        while waiting:
            before, round_ = waiting, round_ + 1
            waiting = self._round(self.plan.deferred(round_ - 1), round_, may_wait=True)
            if waiting == before:  # nothing was resolved: report what is wrong
                self._note_chains(self.plan.deferred(round_))
                self._round(self.plan.deferred(round_), round_ + 1, may_wait=False)
                break
        self.plan.forget_deferred()

    def _prepare_columns(self, rows: Rows) -> None:
        """Prepare the columns, and the errors that missing columns cause for new records."""
        fields = {field.column_name: field for field in self.resource.get_import_fields()}
        self.source_names = rows.called
        self.columns = [
            Column(fields[name], self.model._meta.get_field(fields[name].attribute))
            for name in rows.columns
        ]
        self.column_index = {column.name: n for n, column in enumerate(self.columns)}
        given = frozenset(self.column_index)
        self.lacking = self.rules.publication_issues(given)
        at = enumerate(name for names in rows.replaced for name in names)
        #: Per set of earlier values: (position of its column, position in ``earlier``).
        self.replaced = [
            [(self.column_index[name], next(at)[0]) for name in names] for names in rows.replaced
        ]
        kept = self.only_new.union(*rows.replaced)
        self.compared = [n for n, column in enumerate(self.columns) if column.name not in kept]
        # Without derived values and references to it, a record needs no model instance.
        self.is_plain = self.rules.are_simple and not self.lacking
        parent = self.resource.self_reference
        self._parent = self.column_index.get(parent) if parent else None
        self._own = self.column_index.get(self.resource.identities[0][0])

    def _round(self, rows: Iterable[Row[Cell]], round_: int, *, may_wait: bool) -> int:
        for chunk in _chunks(rows):
            self._take_chunk(chunk, round_ if may_wait else None)
            self.progress(self.report.rows)
        return self.plan.count_deferred(round_) if self._parent is not None else 0

    def _note_chains(self, rows: Iterable[Row[Cell]]) -> None:
        assert self._parent is not None
        for row in rows:
            own = row.cells[self._own] if self._own is not None else ""
            parent = row.cells[self._parent]
            if isinstance(own, str) and isinstance(parent, str):
                self.plan.link(self._waiting, own, parent)

    @property
    def _waiting(self) -> str:
        return f"{self.resource.noun} waiting"

    def _is_circular(self, at: int, cell: Any) -> bool:
        """Return whether the records that a row waits for wait for each other."""
        if at != self._parent or isinstance(cell, CellProblem):
            return False
        seen: set[str] = set()
        key: str | None = cell
        while key and key not in seen:
            seen.add(key)
            key = self.plan.parent(self._waiting, key)
        return bool(key)

    # One chunk.

    def _take_chunk(self, rows: list[Row[Cell]], defer_to: int | None) -> None:
        self.references.begin_chunk()
        rows = self._refuse_problem_rows(rows)
        for n, column in enumerate(self.columns):
            column.prefetch(row.cells[n] for row in rows)
        if defer_to is not None:
            rows = self._defer_waiting_rows(rows, defer_to)
        self.report.rows += len(rows)
        self._plan(self._read(rows))
        for column in self.columns:
            column.clear_failures()

    def _refuse_problem_rows(self, rows: list[Row[Cell]]) -> list[Row[Cell]]:
        for row in rows:
            if row.problem:
                self.report.rows += 1
                self.report.refuse(row.number, [("", "", row.problem)])
        return [row for row in rows if not row.problem]

    def _defer_waiting_rows(self, rows: list[Row[Cell]], defer_to: int) -> list[Row[Cell]]:
        at = self._parent
        assert at is not None
        stored = self.columns[at].stored
        ready = []
        for row in rows:
            if isinstance(stored[row.cells[at]], CellFailure):
                self.plan.defer(defer_to, row)
            else:
                ready.append(row)
        return ready

    def _read(self, rows: list[Row[Cell]]) -> list[ParsedRow]:
        stored = [column.stored for column in self.columns]
        read = [
            ParsedRow(
                row.number,
                row.cells,
                tuple([m[c] for m, c in zip(stored, row.cells)]),  # noqa: B905 — the hot line
                row.earlier,
            )
            for row in rows
        ]
        if any(column.has_failures for column in self.columns):
            return [row for row in read if not self._refuse_failures(row)]
        return read

    def _refuse_failures(self, row: ParsedRow) -> bool:
        if LEFT_OUT in row.cells:
            self.report.left_out += 1
            self.plan.set_note([(self.resource.noun, row.number, Outcome.LEFT_OUT, "", "{}", "")])
            return True
        errors = []
        for n, value in enumerate(row.values):
            if isinstance(value, CellFailure):
                cell, message = row.cells[n], value.message
                shown = self.columns[n].display(cell)
                if self._is_circular(n, cell):
                    message = _("these rows refer to each other in a circle")
                elif value.is_unknown_country:
                    self.plan.add_unknown_country(shown, message)
                errors.append((self.name(self.columns[n].name), shown, message))
        if errors:
            self.report.refuse(row.number, errors)
        return bool(errors)

    def name(self, column: str) -> str:
        """Return the name that one of our columns has in the file."""
        return self.source_names.get(column, column)

    def display(self, row: ParsedRow, column: str) -> str:
        """Return a row's cell for one of our columns as it is in the file; "" if there is none."""
        n = self.column_index.get(column)
        return "" if n is None else self.columns[n].display(row.cells[n])

    # Matching rows to records, and finding the changes.

    def _plan(self, read: list[ParsedRow]) -> None:
        identified = []
        for row in read:
            if identities := self.resource.row_identities(row.values, self.column_index):
                identified.append((row, identities))
            else:
                needed = _("the row needs %(columns)s") % {
                    "columns": self.resource.identity_columns()
                }
                self.report.refuse(row.number, [("", "", needed)])
        recognised = self.recogniser.match(identified, self.columns)
        repeated = self.recogniser.find_repeated(recognised)
        new, changed = [], []
        for row, identity, before in recognised:
            if row.number in repeated:
                self._note_repeated(row, identity, *repeated[row.number])
            elif before is None:
                new.append((row, identity[0]))
            elif names := self._differing(row, before):
                changed.append((row, identity[0], before, names))
            else:
                self.report.unchanged += 1
        if self.is_plain and not changed:
            self._plan_simple([row for row, _names in new])
        else:
            planned = [self._as_new(*one) for one in new] + self._as_changed(changed)
            self._plan_validated(self.rules.validate(planned, self))

    def _note_repeated(
        self, row: ParsedRow, identity: Identity, first: int, is_equal: bool
    ) -> None:
        named = [name for name in identity[0] if name in self.column_index]
        value = " / ".join(self.display(row, name) for name in named)
        if is_equal:
            self.report.repeated += 1
            if self.plan.keep_rows:
                detail = json.dumps({"": str(first)})
                self.plan.set_note(
                    [(self.resource.noun, row.number, Outcome.REPEATED, value, detail, "")]
                )
            return
        message = _("row %(row)d describes the same record with different values") % {"row": first}
        columns = " + ".join(self.name(name) for name in named)
        self.report.refuse(row.number, [(columns, value, message)])

    def _differing(self, row: ParsedRow, before: ExistingRecord) -> frozenset[str]:
        """Return the names of the columns that a row changes in its record."""
        if row.values == before.values:
            return frozenset()
        return frozenset(
            self.columns[n].name
            for n in (*self.compared, *self._outdated(row, before))
            if row.values[n] != before.values[n]
            # An empty cell does not remove a slug.
            and not (self.columns[n].name == "slug" and not row.values[n])
        )

    def _outdated(self, row: ParsedRow, before: ExistingRecord) -> Iterator[int]:
        """Yield the columns in which a record has what an earlier version of the mapping wrote."""
        for places in self.replaced:
            if all(
                self.columns[n].parse(row.earlier[place]) == before.values[n] for n, place in places
            ):
                yield from (n for n, _place in places)

    # Storing in the plan.

    def _plan_simple(self, rows: list[ParsedRow]) -> None:
        """Plan new records that need no model instance."""
        rows = self.rules.validate_simple(rows, self.columns, self.column_index)
        place = self.shelf.positions(self.column_index)
        noun = self.resource.noun
        defaults = self.shelf.defaults
        stored = []
        for row in rows:
            values = row.values
            stored.append(
                [
                    self.plan.provisional_id(noun),
                    *[defaults[n] if p is None else values[p] for n, p in place],
                ]
            )
        if stored:
            self.plan.add("new", noun, self.shelf.width, stored)
        self.report.created += len(rows)
        if self.plan.keep_rows:
            self.plan.set_note(
                self._outcome(row, Outcome.NEW, "", self._cells(row)) for row in rows
            )

    def _as_new(self, row: ParsedRow, identity: tuple[str, ...]) -> PlannedRow:
        record = self.model(
            **{column.attname: row.values[n] for n, column in enumerate(self.columns)}
        )
        self._attach(record, row.values)
        self.resource.fill_defaults(record)
        return PlannedRow(row, record, identity, is_new=True)

    def _as_changed(self, changed: list[Any]) -> list[PlannedRow]:
        if not changed:
            return []
        related = [field.attribute for field, _cell in self.resource.references()]
        records = self.model._default_manager.select_related(*related).in_bulk(
            [before.pk for _row, _identity, before, _names in changed]
        )
        planned = []
        for row, identity, known, names in changed:
            before = records[known.pk]
            record = self.model(
                **{f.attname: getattr(before, f.attname) for f in self.model._meta.concrete_fields}
            )
            record._state.adding = False
            record._state.fields_cache = dict(before._state.fields_cache)
            for name in names:
                n = self.column_index[name]
                setattr(record, self.columns[n].attname, row.values[n])
            self._attach(record, row.values, names)
            planned.append(PlannedRow(row, record, identity, False, before, names))
        return planned

    def _attach(
        self, record: Record, values: tuple[Any, ...], names: Collection[str] | None = None
    ) -> None:
        """Set the related records on the record, so that accessing them costs no query."""
        for n, column in enumerate(self.columns):
            if column.is_reference and (names is None or column.name in names):
                related = column.records.get(values[n])
                record._state.fields_cache[column.field.name] = related

    def _plan_validated(self, accepted: list[PlannedRow]) -> None:
        noun = self.resource.noun
        new = [plan for plan in accepted if plan.is_new]
        changed = [plan for plan in accepted if plan.changed]
        likely = self._likely(new) if self.plan.keep_rows else {}
        for plan in new:
            plan.record.pk = self.plan.provisional_id(noun)
            if self.resource.is_reference_target:
                self.references.expect(plan.record)
        for plan in changed:
            if "slug" in plan.changed:
                self.plan.add_old_slug(noun, plan.before.slug, plan.record.pk)
        for kind, plans in (("new", new), ("changed", changed)):
            if plans:
                rows = [self.shelf.stored_values(plan.record) for plan in plans]
                self.plan.add(kind, noun, self.shelf.width, rows)
        self.report.created += len(new)
        self.report.updated += len(changed)
        self.report.likely += len(likely)
        if self.plan.keep_rows:
            self.plan.set_note(
                self._outcome(p.parsed, Outcome.NEW, str(p.record), self._cells(p.parsed), likely)
                for p in new
            )
            self.plan.set_note(
                self._outcome(p.parsed, Outcome.CHANGED, str(p.before), self._changes(p))
                for p in changed
            )

    def _outcome(
        self, row: ParsedRow, kind: str, record: str, detail: object, likely: Any = None
    ) -> tuple[str, int, str, str, str, str]:
        text = json.dumps(detail, ensure_ascii=False)
        return (
            self.resource.noun,
            row.number,
            kind,
            record,
            text,
            (likely or {}).get(row.number, ""),
        )

    def _cells(self, row: ParsedRow) -> dict[str, str]:
        pairs = zip(self.columns, row.cells, strict=True)
        return {column.name: column.display(cell) for column, cell in pairs if cell}

    def _changes(self, plan: PlannedRow) -> dict[str, list[str]]:
        """Return the cells before and after, per changed column."""
        fields = {field.column_name: field for field in self.resource.get_export_fields()}
        return {
            name: [fields[name].export(plan.before), fields[name].export(plan.record)]
            for name in sorted(plan.changed, key=self.column_index.__getitem__)
        }

    def _likely(self, new: list[PlannedRow]) -> dict[int, str]:
        """Return new rows that may be an existing record under another name: row → that record."""
        found: dict[int, str] = {}
        for names in self.resource.similarity_keys:
            texts = {text for plan in new for text in self._progress_rows(plan.record, names)}
            known = Q(pk__in=[])
            for name in names if texts else ():
                known |= Q(**{f"{name}__in": texts})
            alike = {
                text: str(record)
                for record in self.model._default_manager.filter(known)
                for text in self._progress_rows(record, names)
            }
            named = self.references.find_by_name(self.model, texts - alike.keys())
            alike |= {
                text: str(stored[0])
                for text, records in named.items()
                if (stored := [record for record in records if record.pk > 0])
            }
            for plan in new:
                for text in self._progress_rows(plan.record, names):
                    if like := alike.get(text):
                        found.setdefault(plan.parsed.number, like)
        return found

    def _progress_rows(self, record: Record, names: tuple[str, ...]) -> Iterator[str]:
        """Yield the values of these fields, but only dates that are precise to the day."""
        for name in names:
            value = getattr(record, name)
            is_date = isinstance(self.model._meta.get_field(name), EDTFField)
            if value and (not is_date or len(value) == len("2000-02-09")):
                yield value


def _chunks(rows: Iterable[Row[Cell]]) -> Iterator[list[Row[Cell]]]:
    iterator = iter(rows)
    for first in iterator:
        chunk = [first]
        for row in iterator:
            chunk.append(row)
            if len(chunk) == CHUNK_ROWS:
                break
        yield chunk
