"""Validate planned rows: permissions, the records' own rules, unique rules."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from allies.actions.permissions import AnyUser, can_change, has_permission
from allies.actions.publication import statuses_after
from allies.imports.columns import Column
from allies.imports.matching import ParsedRow
from allies.imports.plan import Plan
from allies.imports.planned_row import PlannedRow, PlannerColumns
from allies.imports.report import Report, messages_by_field
from allies.imports.resources import RecordResource
from allies.imports.row_layout import RowLayout
from allies.models import Publishable, Record, SlugMixin, Source, Status
from allies.models.fields import prose_fields
from allies.text.markdown import cited_keys

#: Errors by row: row → [(column, value, message)].
Errors = dict[int, list[tuple[str, str, str]]]


class RowValidator:
    """Validates the rows of one record type; one query per unique rule per chunk."""

    def __init__(
        self, plan: Plan, resource: RecordResource, report: Report, user: AnyUser | None
    ) -> None:
        self.plan = plan
        self.resource = resource
        self.model: Any = resource.model
        self.report = report
        self.user = user
        self.unique_rules = list(_unique_rules(self.model))
        self.prose = prose_fields(self.model)
        self._may: dict[int, bool] = {}

    @property
    def are_simple(self) -> bool:
        """Whether cells and identity are all there is to check, so no model instance is needed."""
        return (
            self.model.clean is models.Model.clean
            and type(self.resource).check is RecordResource.check
            and type(self.resource).fill_defaults is RecordResource.fill_defaults
            and not self.resource.is_reference_target
            and not self.prose
            and not RowLayout(self.model).has_derived
            and self._identity_is_enough
            and [names for _n, names, _f, _m in self.unique_rules] == [*self.resource.identities]
        )

    def publication_issues(self, given: frozenset[str]) -> list[tuple[str, str, str]]:
        """Return the errors of new records if the file has only these columns."""
        errors = []
        for field in self.resource.get_import_fields():
            model_field = self.model._meta.get_field(field.attribute)
            if field.column_name in given:
                continue
            if model_field.is_relation:
                if not model_field.null:
                    message = _("This column is required for new records.")
                    errors.append((field.column_name, "", message))
                continue
            default = model_field.get_default()
            if model_field.blank and default in model_field.empty_values:
                continue
            try:
                model_field.clean(default, None)
            except ValidationError:
                errors.append(
                    (field.column_name, "", _("This column is required for new records."))
                )
        return errors

    # Rows without a model instance.

    def validate_simple(
        self, rows: list[ParsedRow], columns: list[Column], at: Mapping[str, int]
    ) -> list[ParsedRow]:
        """Return the new rows that may be written; report the others."""
        through = self.resource.governed_through
        accepted = []
        for row in rows:
            record = columns[at[through]].records[row.values[at[through]]] if through else None
            if self._may_write(record):
                accepted.append(row)
            else:
                governing = record.publication_root if record is not None else None
                self.report.refuse(row.number, [("", "", self._not_allowed(governing))])
        return accepted

    def _may_write(self, record: Any) -> bool:
        """Return whether the user may write rows that belong to this record, or to none."""
        if self.user is None:
            return True
        if record is None:  # always public
            return has_permission(user=self.user, action="change", record=self.model)
        if record.pk not in self._may:
            self._may[record.pk] = can_change(user=self.user, record=record)
        return self._may[record.pk]

    # Rows with a model instance.

    def validate(self, planned: list[PlannedRow], load: PlannerColumns) -> list[PlannedRow]:
        """Return the rows that may be written; report the others."""
        errors: Errors = defaultdict(list)
        for plan in planned:
            found = errors[plan.parsed.number]
            if plan.is_new:
                found += load.lacking
            self._check_rights(plan, load, found)
            self._check_status(plan, load, found)
            self._check_record(plan, load, found)
        self._check_citation_marks(planned, load, errors)
        self._check_unique(planned, load, errors)
        accepted = []
        for plan in planned:
            if found := errors[plan.parsed.number]:
                self.report.refuse(plan.parsed.number, found)
            else:
                accepted.append(plan)
        return accepted

    def _not_allowed(self, governing: Record | None, *, is_new: bool = False) -> str:
        """Return why the user may not write a row, and the remedy.

        ``governing`` is the record whose status decides whether readers see the row; None if they
        always do. Only a new record with a status of its own can be imported as a draft.
        """
        if governing is None:
            return _(
                "%(records)s are always public, and you don’t have permission to change them: "
                "remove this row from the file, or ask a reviewer to enter it"
            ) % {"records": self.model._meta.verbose_name_plural}
        if is_new and issubclass(self.model, Publishable):
            return _(
                "you don’t have permission to publish: go back to the columns and choose "
                "“%(button)s”, or ask a reviewer"
            ) % {"button": _("Import everything as drafts")}
        return _(
            "this is or would become public, and you don’t have permission to publish: ask a "
            "reviewer"
        )

    def _check_rights(self, plan: PlannedRow, load: PlannerColumns, errors: Any) -> None:
        if self.user is None:
            return
        for record in (plan.before, plan.record):
            if record is not None and not can_change(user=self.user, record=record):
                column = "status" if "status" in load.column_index else ""
                message = self._not_allowed(record.publication_root, is_new=plan.is_new)
                errors.append(_cell_error(plan, load, column, message))
                return

    def _check_status(self, plan: PlannedRow, load: PlannerColumns, errors: Any) -> None:
        """Refuse a status that the publication workflow does not lead to.

        The operator, who moves whole sites, may also create withdrawn records.
        """
        if not isinstance(plan.record, Publishable) or errors:
            return
        if plan.before is None and self.user is None:
            return
        before = plan.before.status if plan.before is not None else Status.DRAFT
        possible = statuses_after(before)
        if plan.record.status in (before, *possible):
            return
        if plan.before is None:
            said = _("status of a new record: %(statuses)s") % {
                "statuses": ", ".join([before, *possible])
            }
        else:
            said = _(
                "a record that is “%(status)s” can keep this status or change to: %(statuses)s"
            ) % {
                "status": before,
                "statuses": ", ".join(possible),
            }
        errors.append(_cell_error(plan, load, "status", said))

    def _check_record(self, plan: PlannedRow, load: PlannerColumns, errors: Any) -> None:
        if errors:
            return
        if isinstance(plan.record, SlugMixin) and not plan.record.slug:
            errors.append(_cell_error(plan, load, "slug", _("This cell is required.")))
            return
        columns = {
            field.attribute: field.column_name for field in self.resource.get_import_fields()
        }
        try:
            self.resource.check(plan.record, self.plan)
        except ValidationError as error:
            errors += [
                _cell_error(plan, load, column, message)
                for column, message in messages_by_field(error, columns)
            ]

    def _check_citation_marks(
        self, planned: list[PlannedRow], load: PlannerColumns, errors: Errors
    ) -> None:
        """Refuse texts that cite sources which are neither on the site nor in this import."""
        cited = [
            (plan.parsed.number, plan, field, keys)
            for field in self.prose
            for plan in planned
            if (plan.is_new or field.name in plan.changed)
            and (keys := cited_keys(getattr(plan.record, field.name)))
        ]
        keys = {key for *_row, keys in cited for key in keys}
        if not keys:
            return
        known = Source.objects.known_keys(keys)
        known |= {key for key in keys - known if self.plan.expects(Source.__name__, key)}
        for number, plan, field, keys in cited:
            if unknown := keys - known:
                said = " ".join(field.unknown_citation_keys(unknown).messages)
                errors[number].append(_cell_error(plan, load, field.name, said))

    @property
    def _identity_is_enough(self) -> bool:
        """Whether all identities have several fields, so a match by one rules out duplicates."""
        return all(len(names) > 1 for names in self.resource.identities)

    def _check_unique(
        self, planned: list[PlannedRow], load: PlannerColumns, errors: Errors
    ) -> None:
        for name, names, fields, message in self.unique_rules:
            keys = {
                plan.parsed.number: key
                for plan in planned
                if not (plan.identity == names and self._identity_is_enough)
                and (key := _unique_key(plan.record, fields))
            }
            if not keys:
                continue
            taken = self._holders(fields, set(keys.values()))
            numbers = list(keys)
            first = self.plan.first_rows(
                f"{self.resource.noun}.{name}",
                [repr(keys[number]) for number in numbers],
                numbers,
                [0] * len(numbers),
            )
            column = names[0] if names[0] in load.column_index else ""
            for plan in planned:
                number = plan.parsed.number
                if not (key := keys.get(number)):
                    continue
                if number in first:
                    said = _("same as row %(row)d: %(rule)s") % {
                        "row": first[number][0],
                        "rule": message,
                    }
                    errors[number].append(_cell_error(plan, load, column, said))
                elif taken.get(key, plan.record.pk) != plan.record.pk:
                    errors[number].append(_cell_error(plan, load, column, message))

    def _holders(
        self, fields: tuple[str, ...], keys: set[tuple[object, ...]]
    ) -> dict[tuple[object, ...], int]:
        conditions = {f"{name}__in": {key[i] for key in keys} for i, name in enumerate(fields)}
        rows = self.model._default_manager.filter(**conditions).values_list(*fields, "pk")
        return {tuple(row[:-1]): row[-1] for row in rows}


def _cell_error(
    plan: PlannedRow, load: PlannerColumns, column: str, message: str
) -> tuple[str, str, str]:
    """Return an error as (the file's column, the cell's text, the message)."""
    return (load.name(column), load.display(plan.parsed, column), message)


def _unique_rules(
    model: Any,
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], str]]:
    """Yield every unique rule of a model: its name, fields, attribute names and message."""
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield field.name, (field.name,), (field.attname,), str(field.error_messages["unique"])
    for rule in model._meta.constraints:
        if isinstance(rule, models.UniqueConstraint):
            attnames = tuple(model._meta.get_field(name).attname for name in rule.fields)
            yield rule.name, tuple(rule.fields), attnames, str(rule.violation_error_message)


def _unique_key(record: models.Model, attnames: tuple[str, ...]) -> tuple[object, ...] | None:
    """Return the values that a unique rule compares; None if an empty one exempts the record."""
    key = tuple(getattr(record, name) for name in attnames)
    if any(value is None for value in key) or key == ("",):
        return None
    return key
