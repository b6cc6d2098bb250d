"""Store planned rows in the plan: the records to write, and the outcome of each row."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from allies.imports.columns import Column
from allies.imports.matching import ParsedRow
from allies.imports.plan import Outcome, Plan
from allies.imports.planned_row import PlannedRow
from allies.imports.references import References
from allies.imports.report import Report, truncate_value
from allies.imports.resources import RecordResource
from allies.imports.row_layout import RowLayout
from allies.models.base import Record
from allies.models.fields import EDTFField

#: A difference that is kept: its column, the value here, and the value in the file.
Kept = tuple[str, Any, Any]


class PlanRecorder:
    """Stores the planned rows of one record type, and counts them in its report."""

    def __init__(
        self,
        plan: Plan,
        references: References,
        resource: RecordResource,
        report: Report,
        columns: Sequence[Column],
    ) -> None:
        self.plan = plan
        self.references = references
        self.resource = resource
        self.model: Any = resource.model
        self.report = report
        self.columns = columns
        self.column_index = {column.name: n for n, column in enumerate(columns)}
        self.layout = RowLayout(self.model)

    # Records to write.

    def add_simple(self, rows: list[ParsedRow]) -> None:
        """Store new records that need no model instance."""
        place = self.layout.positions(self.column_index)
        noun = self.resource.noun
        defaults = self.layout.defaults
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
            self.plan.add("new", noun, self.layout.width, stored)
        self.report.created += len(rows)
        if self.plan.keep_rows:
            self.plan.set_note(
                self._outcome(row, Outcome.NEW, "", self._cells(row)) for row in rows
            )

    def add(self, accepted: list[PlannedRow]) -> None:
        """Store new and changed records."""
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
                rows = [self.layout.stored_values(plan.record) for plan in plans]
                self.plan.add(kind, noun, self.layout.width, rows)
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

    # Outcomes of rows that write nothing, or of which more is to be said.

    def note_repeated(self, row: ParsedRow, value: str, first: int) -> None:
        """Count a row that repeats an earlier one, whose number is ``first``."""
        self.report.repeated += 1
        if self.plan.keep_rows:
            self._note(row, Outcome.REPEATED, value, {"": str(first)})

    def note_left_out(self, row: ParsedRow, reason: str = "") -> None:
        """Count a row that is left out, and report why if an editor may want to know."""
        self.report.left_out += 1
        self._note(row, Outcome.LEFT_OUT, "", {"": reason} if reason else {})
        if reason:
            self.report.add_remark(row.number, _("skipped: %(reason)s") % {"reason": reason})

    def note_moved(self, row: ParsedRow, before: Any, now: Any) -> None:
        """Count a row that was moved to another country."""
        self.report.add_move(str(before), str(now))
        if self.plan.keep_rows:
            self._note(row, Outcome.MOVED, f"{before} → {now}", self._cells(row))

    def note_match(self, row: ParsedRow, record: Any, reason: str, kept: list[Kept]) -> None:
        """Report which existing record a row describes and why, and the differences kept."""
        self.report.matched += 1
        shown = {
            name: [self._display(name, ours), self._display(name, theirs)]
            for name, ours, theirs in kept
        }
        if self.plan.keep_rows:
            self._note(row, Outcome.MATCHED, str(record), {"": reason, **shown})
        text = _("“%(record)s”: %(reason)s") % {"record": record, "reason": reason}
        if shown:
            differences = (
                _("%(column)s “%(ours)s” (in the file: “%(theirs)s”)")
                % {"column": name, "ours": truncate_value(ours), "theirs": truncate_value(theirs)}
                for name, (ours, theirs) in shown.items()
            )
            text = _("%(text)s; kept: %(differences)s") % {
                "text": text,
                "differences": ", ".join(differences),
            }
        self.report.add_remark(row.number, text)

    def _display(self, name: str, value: Any) -> str:
        column = self.columns[self.column_index[name]]
        if column.is_reference:
            return str(column.records.get(value) or "")
        return str(column.widget.render(value))

    def _note(self, row: ParsedRow, kind: str, record: str, detail: object) -> None:
        self.plan.set_note([self._outcome(row, kind, record, detail)])

    def _outcome(
        self, row: ParsedRow, kind: str, record: str, detail: object, likely: Any = None
    ) -> tuple[str, int, str, str, str, str]:
        text = json.dumps(detail, ensure_ascii=False)
        found = (likely or {}).get(row.number, "")
        return (self.resource.noun, row.number, kind, record, text, found)

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
            texts = {text for plan in new for text in self._compared(plan.record, names)}
            known = Q(pk__in=[])
            for name in names if texts else ():
                known |= Q(**{f"{name}__in": texts})
            alike = {
                text: str(record)
                for record in self.model._default_manager.filter(known)
                for text in self._compared(record, names)
            }
            named = self.references.find_by_name(self.model, texts - alike.keys())
            alike |= {
                text: str(stored[0])
                for text, records in named.items()
                if (stored := [record for record in records if record.pk > 0])
            }
            for plan in new:
                for text in self._compared(plan.record, names):
                    if like := alike.get(text):
                        found.setdefault(plan.parsed.number, like)
        return found

    def _compared(self, record: Record, names: tuple[str, ...]) -> Iterator[str]:
        """Yield the values of these fields, but only dates that are precise to the day."""
        for name in names:
            value = getattr(record, name)
            is_date = isinstance(self.model._meta.get_field(name), EDTFField)
            if value and (not is_date or len(value) == len("2000-02-09")):
                yield value
