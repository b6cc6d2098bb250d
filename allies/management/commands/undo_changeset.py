"""Undo a changeset."""

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.undo import (
    UndoError,
    UndoReport,
    evidence_loss_message,
    new_undo_changeset,
    preview_undo,
)
from allies.imports.runner import DatabaseRuleBroken, run_undo
from allies.management.import_command import TerminalProgress
from allies.models import Changeset

#: Reason why a record is not undone → text.
SKIP_REASONS = {
    "edited": gettext_lazy("edited later, so not undone"),
    "in-use": gettext_lazy("used by another record, so not undone"),
    "part": gettext_lazy("part of a record that is not undone"),
}


class Command(BaseCommand):
    help = "Undo a changeset; without --commit, only preview it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, metavar="ID")
        parser.add_argument("--commit", action="store_true", help="do it")
        parser.add_argument("--reason", default="", help="the reason, stored with the changeset")
        parser.add_argument(
            "--edited-too",
            action="store_true",
            help="also undo records that were edited later; otherwise they stay and are listed",
        )

    def handle(
        self,
        *args: object,
        number: int,
        commit: bool,
        reason: str,
        edited_too: bool,
        **options: object,
    ) -> None:
        changeset = Changeset.objects.filter(pk=number).first()
        if changeset is None:
            raise CommandError(_("There is no changeset %(number)d.") % {"number": number})
        also = frozenset({"all"} if edited_too else ())
        if not commit:
            try:
                report = preview_undo(changeset=changeset, also=also)
            except UndoError as error:
                raise CommandError(str(error)) from error
            self._show(report)
            if report.unsupported:
                raise CommandError(evidence_loss_message(report.unsupported))
            self.stdout.write(_("Nothing was changed. Add --commit to apply this."))
            return
        by = new_undo_changeset(changeset, user=None, reason=reason)
        progress = TerminalProgress().report if self.stderr.isatty() else None
        try:
            report = run_undo(by, user=None, also=also, progress=progress)
        except (UndoError, DatabaseRuleBroken) as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self._show(report)
        if report.records:
            self.stdout.write(_("Undone as changeset %(number)d.") % {"number": by.pk})
        else:
            self.stdout.write(_("There was nothing left to undo."))

    def _show(self, report: UndoReport) -> None:
        for noun, counts in report.counts.items():
            words = ", ".join(f"{number} {what}" for what, number in counts.items())
            self.stdout.write(f"{noun}: {words}")
        for kept in report.skipped:
            self.stdout.write(f"  {kept.name}: {SKIP_REASONS[kept.reason]}")
        if report.skipped_count > len(report.skipped):
            more = report.skipped_count - len(report.skipped)
            self.stdout.write(_("  … and %(count)d more stay as they are") % {"count": more})
