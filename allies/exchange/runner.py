"""The import: file → reader → resource → model, a chunk at a time, all or nothing.

A run reads, resolves and validates every row; what it would write it writes only when asked to
commit, and a run with an error in it writes nothing. Without a commit no statement but SELECT
reaches the database. A chunk costs a fixed number of queries: one for the records it may already
hold, one a reference column, one a unique rule, and when writing one insert, one update and their
history. Memory holds one chunk, the country names and, in the ledger on disk, the keys seen.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.rights import may_change
from allies.exchange.ledger import Ledger
from allies.exchange.reader import Row
from allies.exchange.references import References
from allies.exchange.report import Report, RowError, messages_by_field
from allies.exchange.resources import NOUNS, NounResource
from allies.models import OldSlug, Publishable, Slugged, Source, Status
from allies.models.base import derived_from
from allies.models.fields import DerivedField

CHUNK = 1000


class Refused(Exception):
    """An import with errors in it; nothing was written. ``reports`` says what and where."""

    def __init__(self, reports: list[Report]) -> None:
        super().__init__("; ".join(report.summary() for report in reports))
        self.reports = reports


@dataclass
class Planned:
    """A row on its way into the database."""

    row: Row
    record: Any
    identity: tuple[str, ...]
    is_new: bool
    before: Any = None
    changed: frozenset[str] = frozenset()


class ImportRun:
    """One import of one or several nouns, by one person, for one reason.

    ``user`` of None is the operator at the command line, who may do everything.
    """

    def __init__(
        self,
        *,
        commit: bool,
        user: AbstractBaseUser | None = None,
        reason: str = "",
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.commit = commit
        self.user = user
        self.reason = reason
        self.progress = progress
        self.started = timezone.now()
        self.ledger = Ledger()
        self.references = References(self.ledger)
        self.reports: list[Report] = []

    @property
    def ok(self) -> bool:
        return all(report.ok for report in self.reports)

    def load(self, noun: str, rows: Iterable[Row], only_new: frozenset[str]) -> None:
        """Take in the rows of one noun."""
        report = Report(noun)
        self.reports.append(report)
        _NounLoad(self, NOUNS[noun](), report, only_new).take(rows)
        report.errors.sort(key=lambda error: error.row)


def run_import(
    files: Iterable[tuple[str, Iterable[Row]]],
    *,
    commit: bool,
    user: AbstractBaseUser | None = None,
    reason: str = "",
    progress: Callable[[int], None] | None = None,
    only_new: Mapping[str, frozenset[str]] | None = None,
) -> list[Report]:
    """Import rows noun by noun, in the order given, in one piece.

    ``only_new`` names, a noun, the columns set on new records and left alone on known ones.
    Returns a report a noun. Raises Refused, with nothing written, where a row is refused; without
    ``commit`` nothing is written in any case and the reports say what would be.
    """
    run = ImportRun(commit=commit, user=user, reason=reason, progress=progress)
    with run.ledger, transaction.atomic() if commit else nullcontext():
        for noun, rows in files:
            run.load(noun, rows, (only_new or {}).get(noun, frozenset()))
        if commit:
            if not run.ok:
                raise Refused(run.reports)
            _settle(run.reports)
    return run.reports


def _settle(reports: list[Report]) -> None:
    """Bring up to date what rests on several records, and count what readers cannot see yet."""
    if any(report.noun == "sources" for report in reports):
        Source.objects.trace_origins()
    for report in reports:
        model: Any = NOUNS[report.noun]._meta.model
        if issubclass(model, Publishable) and model is not Source:
            marked = model.objects.filter(status=Status.PUBLISHED)
            report.unsupported = marked.exclude(pk__in=model.objects.published()).count()


class _NounLoad:
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
        self.unique_rules = list(_unique_rules(self.model))
        self.unchecked = {
            field.name
            for field in self.model._meta.concrete_fields
            if field.is_relation
            or isinstance(field, DerivedField)
            or field.name not in self.columns
        }

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
        planned = self._plan(read)
        planned = self._validate(planned)
        self._take_over(planned)

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
            identity = self.resource.row_identity(sketch)
            if identity is None:
                message = _("a row needs %(columns)s") % {
                    "columns": self.resource.identity_columns()
                }
                self.report.refuse(row.number, [("", "", message)])
            else:
                identified.append((row, values, sketch, identity))
        known = self._find_known([identity for *_rest, identity in identified])
        planned = []
        for row, values, sketch, identity in identified:
            first = self.run.ledger.first_row(
                self.resource.noun, (*identity[0], *identity[1]), row.number
            )
            if first != row.number:
                message = _("the same record as in row %(row)d") % {"row": first}
                self.report.refuse(row.number, [("", "", message)])
                continue
            before = known.get(identity)
            if before is None:
                self.resource.complete(sketch)
                planned.append(Planned(row, sketch, identity[0], is_new=True))
            else:
                planned.append(self._compare(row, values, identity[0], before))
        return planned

    def _find_known(self, identities: list[tuple[Any, Any]]) -> dict[Any, Any]:
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for names, values in identities:
            groups[names].append(values)
        known = {}
        for names, keys in groups.items():
            conditions = {f"{name}__in": {key[i] for key in keys} for i, name in enumerate(names)}
            wanted = set(keys)
            related = [field.attribute for field, _cell in self.resource.references()]
            for record in self.model._default_manager.filter(**conditions).select_related(*related):
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

    # Whether they may be so.

    def _validate(self, planned: list[Planned]) -> list[Planned]:
        errors: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        for plan in planned:
            if plan.is_new or plan.changed:
                self._check_rights(plan, errors[plan.row.number])
                self._check_fields(plan, errors[plan.row.number])
        self._check_unique(planned, errors)
        accepted = []
        for plan in planned:
            if found := errors[plan.row.number]:
                self.report.refuse(plan.row.number, found)
            else:
                accepted.append(plan)
        return accepted

    def _check_rights(self, plan: Planned, errors: list[tuple[str, str, str]]) -> None:
        if self.run.user is None:
            return
        for record in (plan.before, plan.record):
            if record is not None and not may_change(user=self.run.user, record=record):
                errors.append(
                    (
                        "status" if "status" in self.columns.values() else "",
                        "",
                        _("this is or would be public, and you may not publish: ask a reviewer"),
                    )
                )
                return

    def _check_fields(self, plan: Planned, errors: list[tuple[str, str, str]]) -> None:
        for check in (
            lambda: plan.record.clean_fields(exclude=self.unchecked),
            lambda: self._require_relations(plan.record),
            lambda: self.resource.check(plan.record, self.run.ledger),
        ):
            try:
                check()
            except ValidationError as error:
                errors += [
                    (column, plan.row.cells.get(column, ""), message)
                    for column, message in messages_by_field(error, self.columns)
                ]
            if errors:
                return

    def _require_relations(self, record: Any) -> None:
        missing = {
            field.name: ValidationError(_("This cell may not be empty."))
            for field in self.model._meta.concrete_fields
            if field.is_relation
            and not field.null
            and field.name in self.columns
            and getattr(record, field.attname) is None
        }
        if missing:
            raise ValidationError(missing)

    def _check_unique(
        self, planned: list[Planned], errors: dict[int, list[tuple[str, str, str]]]
    ) -> None:
        for name, names, fields, message in self.unique_rules:
            keys = {
                plan.row.number: key
                for plan in planned
                if (plan.is_new or plan.changed)
                and plan.identity != names
                and (key := _unique_key(plan.record, fields))
            }
            if not keys:
                continue
            taken = self._holders(fields, set(keys.values()))
            for plan in planned:
                if not (key := keys.get(plan.row.number)):
                    continue
                column = self.columns.get(fields[0], "")
                value = plan.row.cells.get(column, "")
                first = self.run.ledger.first_row(
                    f"{self.resource.noun}.{name}", key, plan.row.number
                )
                if first != plan.row.number:
                    said = _("the same as in row %(row)d: %(rule)s") % {
                        "row": first,
                        "rule": message,
                    }
                    errors[plan.row.number].append((column, value, said))
                elif taken.get(key, plan.record.pk) != plan.record.pk:
                    errors[plan.row.number].append((column, value, message))

    def _holders(self, fields: tuple[str, ...], keys: set[Any]) -> dict[Any, int]:
        conditions = {f"{name}__in": {key[i] for key in keys} for i, name in enumerate(fields)}
        rows = self.model._default_manager.filter(**conditions).values_list(*fields, "pk")
        return {tuple(row[:-1]): row[-1] for row in rows}

    # Into the database, or, where nothing is to be written, into the ledger.

    def _take_over(self, planned: list[Planned]) -> None:
        new = [plan for plan in planned if plan.is_new]
        changed = [plan for plan in planned if plan.changed]
        self.report.created += len(new)
        self.report.updated += len(changed)
        self.report.unchanged += len(planned) - len(new) - len(changed)
        if self.run.commit and self.run.ok:
            try:
                with transaction.atomic():
                    self._write(new, changed)
            except IntegrityError as error:
                self._report_broken_rule(error, planned)
        else:
            self._expect(new)

    def _expect(self, new: list[Planned]) -> None:
        for plan in new:
            plan.record.pk = self.run.ledger.provisional_id()
            if self.resource.is_referred_to or self.resource.noun == "aliases":
                self.run.references.expect(plan.record)

    def _write(self, new: list[Planned], changed: list[Planned]) -> None:
        created = [plan.record for plan in new]
        for record in created:
            record.pk = None
        self.model._default_manager.bulk_create(created)
        self._write_history(created, update=False)
        for record in created:
            self.run.references.written(record)

        if not changed:
            return
        updated = [plan.record for plan in changed]
        names = set().union(*(plan.changed for plan in changed))
        names |= derived_from(self.model, names) | {"updated_at"}
        self.model._default_manager.bulk_create(
            updated, update_conflicts=True, update_fields=sorted(names), unique_fields=["pk"]
        )
        for plan in changed:  # written as an insert that meets its record: it was not created now
            plan.record.created_at = plan.before.created_at
        self._write_history(updated, update=True)
        if issubclass(self.model, Slugged):
            OldSlug.objects.remember(
                self.model,
                [(p.before.slug, p.record.pk) for p in changed if p.before.slug != p.record.slug],
            )

    def _write_history(self, records: list[Any], *, update: bool) -> None:
        self.model.history.bulk_history_create(
            records,
            update=update,
            default_user=self.run.user,
            default_change_reason=self.run.reason,
            default_date=self.run.started,
        )

    def _report_broken_rule(self, error: IntegrityError, planned: list[Planned]) -> None:
        """Say which rule of the database the chunk breaks: one that ``clean`` did not see."""
        message = next(
            (
                str(rule.violation_error_message)
                for rule in self.model._meta.constraints
                if rule.name in str(error)
            ),
            str(error),
        )
        rows = _("in rows %(first)d to %(last)d: %(message)s") % {
            "first": planned[0].row.number,
            "last": planned[-1].row.number,
            "message": message,
        }
        self.report.add_error(RowError(self.report.noun, 0, "", "", rows))


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    for first in iterator:
        chunk = [first]
        for row in iterator:
            chunk.append(row)
            if len(chunk) == CHUNK:
                break
        yield chunk


def _unique_rules(
    model: type[models.Model],
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], str]]:
    """Yield every unique rule of a model: its name, its fields, their attributes, its message."""
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield field.name, (field.name,), (field.attname,), str(field.error_messages["unique"])
    for rule in model._meta.constraints:
        if isinstance(rule, models.UniqueConstraint):
            attnames = tuple(model._meta.get_field(name).attname for name in rule.fields)
            yield rule.name, tuple(rule.fields), attnames, str(rule.violation_error_message)


def _unique_key(record: Any, attnames: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Return the values a unique rule compares; None where an empty one sets the rule aside."""
    key = tuple(getattr(record, name) for name in attnames)
    if any(value is None for value in key) or key == ("",):
        return None
    return key
