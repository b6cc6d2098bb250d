"""Whether what a file says may be so: rights, the fields' own rules, what has to be unique."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from allies.actions.rights import may_change
from allies.exchange.planned import Planned
from allies.exchange.report import Report, messages_by_field
from allies.exchange.resources import NounResource
from allies.exchange.run import ImportRun
from allies.models import Slugged
from allies.models.fields import DerivedField


class Rules:
    """The rules rows of one noun keep; a chunk costs one query a unique rule."""

    def __init__(
        self,
        run: ImportRun,
        resource: NounResource,
        report: Report,
        columns: dict[str, str],
    ) -> None:
        self.run = run
        self.resource = resource
        self.model: Any = resource.model
        self.report = report
        self.columns = columns
        self.unique_rules = list(_unique_rules(self.model))
        # Relations were found by their cells; derived fields are not the file's to give.
        self.unchecked = {
            field.name
            for field in self.model._meta.concrete_fields
            if field.is_relation
            or isinstance(field, DerivedField)
            or field.name not in self.columns
        }

    def accept(self, planned: list[Planned]) -> list[Planned]:
        """Return the rows that may be written; report the others."""
        errors: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        for plan in planned:
            if plan.writes:
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
                column = "status" if "status" in plan.row.cells else ""
                message = _("this is or would be public, and you may not publish: ask a reviewer")
                errors.append((column, plan.row.cells.get("status", ""), message))
                return

    def _check_fields(self, plan: Planned, errors: list[tuple[str, str, str]]) -> None:
        for check in (
            lambda: plan.record.clean_fields(exclude=self.unchecked),
            lambda: self._require_filled(plan.record),
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

    def _require_filled(self, record: Any) -> None:
        missing = [
            field.name
            for field in self.model._meta.concrete_fields
            if field.is_relation
            and not field.null
            and field.name in self.columns
            and getattr(record, field.attname) is None
        ]
        if isinstance(record, Slugged) and not record.slug:
            missing.append("slug")
        if missing:
            message = _("This cell may not be empty.")
            raise ValidationError(dict.fromkeys(missing, message))

    @property
    def _identity_is_enough(self) -> bool:
        """Whether rows can be one record in one way only: it is known by its joins alone."""
        return all(len(names) > 1 for names in self.resource.identities)

    def _check_unique(
        self, planned: list[Planned], errors: dict[int, list[tuple[str, str, str]]]
    ) -> None:
        for name, names, fields, message in self.unique_rules:
            keys = {
                plan.row.number: key
                for plan in planned
                if plan.writes
                and not (plan.identity == names and self._identity_is_enough)
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


def _unique_rules(
    model: Any,
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
