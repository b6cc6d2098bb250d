"""Plan the rows of one record type: parse them, match them to records, find the changes."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from allies.actions.permissions import AnyUser
from allies.imports.columns import CellFailure, Column
from allies.imports.differences import DifferenceFinder
from allies.imports.existence import ExistenceFilter
from allies.imports.matching import Match, ParsedRow, RecordMatcher
from allies.imports.plan import Plan
from allies.imports.plan_recorder import PlanRecorder
from allies.imports.planned_row import PlannedRow
from allies.imports.references import References
from allies.imports.report import Report
from allies.imports.resources import RecordResource
from allies.imports.resources.base import Identity
from allies.imports.row_layout import RowLayout
from allies.imports.rows import Cell, CellProblem, Row, Rows
from allies.imports.same_records import Recognised, SameRecordFinder, contradicts
from allies.imports.update_rules import UpdateRules
from allies.imports.validation import RowValidator
from allies.models.base import Record

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
        progress: Callable[[int], None],
    ) -> None:
        self.plan = plan
        self.references = references
        self.resource = resource
        self.model: Any = resource.model
        self.report = report
        self.progress = progress
        self.matcher = RecordMatcher(plan, resource, RowLayout(self.model))
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
        self.lacking = self.rules.publication_issues(frozenset(self.column_index))
        self._prepare_rules(rows.rules)
        # Without derived values and references to it, a record needs no model instance.
        self.is_plain = self.rules.are_simple and not self.lacking
        parent = self.resource.self_reference
        self._parent = self.column_index.get(parent) if parent else None
        self._own = self.column_index.get(self.resource.identities[0][0])

    def _prepare_rules(self, rules: UpdateRules) -> None:
        identity = frozenset(name for names in self.resource.identities for name in names)
        self.differences = DifferenceFinder(self.columns, rules, identity)
        self.recorder = PlanRecorder(
            self.plan, self.references, self.resource, self.report, self.columns
        )
        self.same = SameRecordFinder(
            self.plan, self.references, self.resource, self.columns, rules.same
        )
        self.existence = rules.existence and ExistenceFilter(
            self.references, self.resource, self.columns, rules.existence, self.recorder
        )
        self.only_differing = rules.only_differing

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
        read = self._read(rows)
        if self.existence:
            read = self.existence.apply(read, self)
        self._plan(self._differing_rows(read) if self.only_differing else read)
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
                row.hints,
            )
            for row in rows
        ]
        if any(column.has_failures for column in self.columns):
            return [row for row in read if not self._refuse_failures(row)]
        return read

    def _refuse_failures(self, row: ParsedRow) -> bool:
        if any(isinstance(value, CellFailure) and value.is_left_out for value in row.values):
            self.recorder.note_left_out(row)
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

    def _differing_rows(self, rows: list[ParsedRow]) -> list[ParsedRow]:
        """Return the rows that say something new about the record that they refer to.

        Their dates contradict those of the record, or the import adds the record to one that was
        there before.
        """
        reference, *dates = self.resource.compared_period
        at = self.column_index[reference]
        kept = []
        for row in rows:
            record = self.columns[at].records[row.values[at]]
            given = [row.values[self.column_index[name]] for name in dates]
            is_added = record.pk < 0 < record.publication_root.pk
            if is_added or contradicts(record, *given):
                kept.append(row)
        self.report.rows -= len(rows) - len(kept)
        return kept

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
        matches = self.matcher.match(identified, self.columns)
        if self.existence and self.existence.moved:
            matches = self._with_moved(matches, self.existence.moved)
        recognised = self.same.find(matches) if self.same.rules else {}
        if recognised:
            matches = self._with_recognised(matches, recognised)
        repeated = self.matcher.find_repeated(matches)
        new, changed, planned = [], [], {}
        for row, identity, before in matches:
            if row.number in repeated:
                self._note_repeated(row, identity, *repeated[row.number])
                continue
            if before is None:
                new.append((row, identity[0]))
                continue
            is_recognised = row.number in recognised
            names = self.differences.changed(row, before, is_recognised=is_recognised)
            if names:
                changed.append((row, identity[0], before, names))
            else:
                self.report.unchanged += 1
            planned[row.number] = (row, identity, before, names)
        if self.is_plain and not changed:
            rows = [row for row, _names in new]
            self.recorder.add_simple(
                self.rules.validate_simple(rows, self.columns, self.column_index)
            )
            accepted = []
        else:
            accepted = self.rules.validate(
                [self._as_new(*one) for one in new] + self._as_changed(changed), self
            )
            self.recorder.add(accepted)
        if self.differences.limited or recognised:
            self._report_matches(planned, recognised, accepted)

    def _with_moved(self, matches: list[Match], moved: dict[int, int]) -> list[Match]:
        """Return the matches with the records that an earlier import did not move."""
        at = self.column_index["country"]
        earlier = []
        for row, _identity, before in matches:
            if before is None and row.number in moved:
                values = [*row.values[:at], moved[row.number], *row.values[at + 1 :]]
                earlier.append((row, self.resource.row_identities(values, self.column_index)))
        found = self.matcher.match(earlier, self.columns)
        known = {row.number: before for row, _identity, before in found}
        return [
            (row, identity, before or known.get(row.number)) for row, identity, before in matches
        ]

    def _with_recognised(
        self, matches: list[Match], recognised: dict[int, Recognised]
    ) -> list[Match]:
        """Return the matches with the records that were recognised; leave out undecided rows."""
        found = []
        for row, identity, before in matches:
            known = recognised.get(row.number)
            if known is None:
                found.append((row, identity, before))
            elif known.record is None:
                self.recorder.note_left_out(row, known.explanation)
                self.plan.skip_key(self.model.__name__, _reference_key(identity))
            else:
                found.append((row, identity, self.same.as_existing(known.record)))
        return found

    def _report_matches(
        self,
        planned: dict[int, Any],
        recognised: dict[int, Recognised],
        accepted: list[PlannedRow],
    ) -> None:
        """Report recognised records and kept differences; let later rows refer to the records."""
        now = {plan.parsed.number: plan.record for plan in accepted}
        kept = {
            number: self.differences.kept(row, before, names)
            for number, (row, _identity, before, names) in planned.items()
        }
        told = [number for number in planned if number in recognised or kept[number]]
        known = self.model._default_manager.in_bulk(
            [planned[number][2].pk for number in told if number not in recognised]
        )
        for number in told:
            row, identity, before, _names = planned[number]
            if match := recognised.get(number):
                record, reason = match.record, match.reason
                if self.resource.is_reference_target:
                    current = now.get(number, record)
                    self.references.expect_as(current, _reference_key(identity))
            else:
                record = known[before.pk]
                names = [str(self.model._meta.get_field(n).verbose_name) for n in identity[0]]
                reason = _("same %(fields)s") % {"fields": ", ".join(names)}
            if kept[number] or self.resource.is_reference_target:
                self.recorder.note_match(row, record, reason, kept[number])

    def _note_repeated(
        self, row: ParsedRow, identity: Identity, first: int, is_equal: bool
    ) -> None:
        named = [name for name in identity[0] if name in self.column_index]
        value = " / ".join(self.display(row, name) for name in named)
        if is_equal:
            self.recorder.note_repeated(row, value, first)
            return
        message = _("row %(row)d describes the same record with different values") % {"row": first}
        columns = " + ".join(self.name(name) for name in named)
        self.report.refuse(row.number, [(columns, value, message)])

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


def _reference_key(identity: Identity) -> str:
    """Return the key by which the rows of the file refer to a record with this identity."""
    return "/".join(map(str, identity[1]))


def _chunks(rows: Iterable[Row[Cell]]) -> Iterator[list[Row[Cell]]]:
    iterator = iter(rows)
    for first in iterator:
        chunk = [first]
        for row in iterator:
            chunk.append(row)
            if len(chunk) == CHUNK_ROWS:
                break
        yield chunk
