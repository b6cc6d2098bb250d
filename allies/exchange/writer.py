"""Into the database or, where nothing is to be written, into the ledger."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from allies.exchange.planned import Planned
from allies.exchange.report import Report, RowError
from allies.exchange.resources import NounResource
from allies.exchange.run import ImportRun
from allies.models import OldSlug, Slugged
from allies.models.base import derived_from


class Writer:
    """Writes a chunk in one insert and one update, with the history of both."""

    def __init__(self, run: ImportRun, resource: NounResource, report: Report) -> None:
        self.run = run
        self.resource = resource
        self.model: Any = resource.model
        self.report = report

    def take_over(self, planned: list[Planned]) -> None:
        """Count the rows, and write them where the run is to be committed and has no error."""
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
            if self.resource.is_referred_to:
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
