"""Rows of one noun on their way in: read, told which record each is, and what would change."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from allies.exchange.planned import Planned
from allies.exchange.reader import Row
from allies.exchange.report import Report
from allies.exchange.resources import NounResource
from allies.exchange.resources.base import Identity
from allies.exchange.rules import Rules
from allies.exchange.run import ImportRun
from allies.exchange.writer import Writer

#: Rows taken at a time: what memory holds, and what one statement writes.
CHUNK = 1000


class NounLoad:
    """The rows of one noun on their way in."""

    def __init__(
        self, run: ImportRun, resource: NounResource, report: Report, only_new: frozenset[str]
    ) -> None:
        self.run = run
        self.resource = resource
        self.model: Any = resource.model
        self.report = report
        self.only_new = only_new
        self.fields = {field.column_name: field for field in resource.get_import_fields()}
        self.columns = {field.attribute: column for column, field in self.fields.items()}
        for _field, cell in resource.references():
            cell.references = run.references
        self.rules = Rules(run, resource, report, self.columns)
        self.writer = Writer(run, resource, report)

    # Rounds: rows that name a record of this very file wait until that one is there.

    def take(self, rows: Iterable[Row]) -> None:
        round_ = 0
        waiting = self._round(rows, round_, may_wait=bool(self.resource.self_reference))
        while waiting:
            before, round_ = waiting, round_ + 1
            waiting = self._round(self.run.ledger.deferred(round_ - 1), round_, may_wait=True)
            if waiting == before:  # nothing was resolved: say what is wrong with them
                self._note_chains(self.run.ledger.deferred(round_))
                self._round(self.run.ledger.deferred(round_), round_ + 1, may_wait=False)
                break
        self.run.ledger.forget_deferred()

    def _round(self, rows: Iterable[Row], round_: int, *, may_wait: bool) -> int:
        for chunk in _chunks(rows):
            self._take_chunk(chunk, round_ if may_wait else None)
            if self.run.progress:
                self.run.progress(self.report.rows)
        return self.run.ledger.count_deferred(round_)

    def _note_chains(self, rows: Iterable[Row]) -> None:
        parent = self.columns[self.resource.self_reference]
        (own,) = self.resource.identities[0]
        for row in rows:
            self.run.ledger.link(self._waiting, row.cells.get(own, ""), row.cells[parent])

    @property
    def _waiting(self) -> str:
        return f"{self.resource.noun} waiting"

    def _waits_for_itself(self, column: str, text: str) -> bool:
        """Say whether the records a row waits for are waiting for each other."""
        if column != self.columns.get(self.resource.self_reference):
            return False
        seen: set[str] = set()
        key: str | None = text
        while key and key not in seen:
            seen.add(key)
            key = self.run.ledger.parent(self._waiting, key)
        return bool(key)

    # One chunk.

    def _take_chunk(self, rows: list[Row], defer_to: int | None) -> None:
        references = self.run.references
        references.begin_chunk()
        for field, cell in self.resource.references():
            cell.prepare({row.cells.get(field.column_name, "") for row in rows})
        read = []
        for row in rows:
            if defer_to is not None and self._must_wait(row):
                self.run.ledger.defer(defer_to, *row)
                continue
            self.report.rows += 1
            if values := self._read_cells(row):
                read.append((row, values))
        self.writer.take_over(self.rules.accept(self._plan(read)))

    def _must_wait(self, row: Row) -> bool:
        field = self.fields[self.columns[self.resource.self_reference]]
        text = row.cells.get(field.column_name, "")
        try:
            field.clean({field.column_name: text})
        except ValueError:
            return True
        return False

    def _read_cells(self, row: Row) -> dict[str, Any] | None:
        values, errors = {}, []
        for column, text in row.cells.items():
            field = self.fields[column]
            try:
                values[field.attribute] = field.widget.clean(text, row=row.cells)
            except ValueError as error:
                message = str(error)
                if self._waits_for_itself(column, text):
                    message = _("these rows go round in a circle")
                errors.append((column, text, message))
        if errors:
            self.report.refuse(row.number, errors)
            return None
        return values

    # Which records the rows are, and what would change.

    def _plan(self, read: list[tuple[Row, dict[str, Any]]]) -> list[Planned]:
        identified = []
        for row, values in read:
            sketch = self.model(**values)
            identities = self.resource.row_identities(sketch)
            if not identities:
                message = _("a row needs %(columns)s") % {
                    "columns": self.resource.identity_columns()
                }
                self.report.refuse(row.number, [("", "", message)])
            else:
                identified.append((row, values, sketch, identities))
        known = self._find_known(
            [identity for *_rest, identities in identified for identity in identities]
        )
        planned = []
        for row, values, sketch, identities in identified:
            identity, before = self._recognise(identities, known)
            first = self._first_row_of(identity, before, row.number)
            if first != row.number:
                message = _("the same record as in row %(row)d") % {"row": first}
                named = [self.columns[name] for name in identity[0]]
                value = " / ".join(row.cells.get(column, "") for column in named)
                self.report.refuse(row.number, [(" + ".join(named), value, message)])
                continue
            if before is None:
                self.resource.complete(sketch)
                planned.append(Planned(row, sketch, identity[0], is_new=True))
            else:
                planned.append(self._compare(row, values, identity[0], before))
        return planned

    def _recognise(
        self, identities: list[Identity], known: dict[Identity, Any]
    ) -> tuple[Identity, Any]:
        """Return what tells which record a row is, and that record, or None for a new one."""
        surer: list[str] = []
        for identity in identities:
            before = known.get(identity)
            if before is not None and not any(getattr(before, name) for name in surer):
                return identity, before
            surer += identity[0]
        return identities[0], None

    def _first_row_of(self, identity: Identity, before: Any, number: int) -> int:
        """Return the first row that is this record, by these words or by others."""
        first_row = self.run.ledger.first_row
        first = first_row(self.resource.noun, (*identity[0], *identity[1]), number)
        if before is None or first != number:
            return first
        return first_row(f"{self.resource.noun} id", (before.pk,), number)

    def _find_known(self, identities: list[Identity]) -> dict[Identity, Any]:
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for names, values in identities:
            groups[names].append(values)
        known: dict[Identity, Any] = {}
        for names, keys in groups.items():
            conditions = {f"{name}__in": {key[i] for key in keys} for i, name in enumerate(names)}
            wanted = set(keys)
            related = [field.attribute for field, _cell in self.resource.references()]
            # The conditions take in more than the keys do: read it through, keep what is wanted.
            records = self.model._default_manager.filter(**conditions).select_related(*related)
            for record in records.iterator(chunk_size=CHUNK):
                key = tuple(
                    getattr(record, self.model._meta.get_field(name).attname) for name in names
                )
                if key in wanted:
                    known[(names, key)] = record
        return known

    def _compare(
        self, row: Row, values: dict[str, Any], identity: tuple[str, ...], before: Any
    ) -> Planned:
        changed, after = set(), {}
        for name, value in values.items():
            if name in self.only_new:
                continue
            if name == "slug" and not value:
                continue  # an empty cell does not take an address away
            attname = self.model._meta.get_field(name).attname
            new = getattr(value, "pk", None) if attname != name else value
            if new != getattr(before, attname):
                changed.add(name)
                after[name] = value
        record = before
        if changed:
            record = self.model(
                **{f.attname: getattr(before, f.attname) for f in self.model._meta.concrete_fields}
            )
            record._state.adding = False
            record._state.fields_cache = dict(before._state.fields_cache)
            for name, value in after.items():
                setattr(record, name, value)
        return Planned(row, record, identity, False, before, frozenset(changed))


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    for first in iterator:
        chunk = [first]
        for row in iterator:
            chunk.append(row)
            if len(chunk) == CHUNK:
                break
        yield chunk
