"""Take a changeset back."""

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.undo import NotUndone, UndoReport, look_at_undo, losing, undoing
from allies.exchange.runner import BrokenRule, run_undo
from allies.management.commands._imports import Ticker
from allies.models import Changeset

#: Why a record is left → in words.
WHY_KEPT = {
    "edited": gettext_lazy("was edited since and is left as it is"),
    "in-use": gettext_lazy("is used by something else and stays"),
    "part": gettext_lazy("is part of something that is left as it is"),
}


class Command(BaseCommand):
    help = "Take a changeset back; without --commit, say what that would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, metavar="ID")
        parser.add_argument("--commit", action="store_true", help="do it")
        parser.add_argument("--reason", default="", help="why, for the changeset")
        parser.add_argument(
            "--edited-too",
            action="store_true",
            help="also take back what was edited since; otherwise that is left and named",
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
                report = look_at_undo(changeset=changeset, also=also)
            except NotUndone as error:
                raise CommandError(str(error)) from error
            self._show(report)
            if report.unsupported:
                raise CommandError(losing(report.unsupported))
            self.stdout.write(_("Nothing was written. Add --commit to apply this."))
            return
        by = undoing(changeset, user=None, reason=reason)
        progress = Ticker().tell if self.stderr.isatty() else None
        try:
            report = run_undo(by, user=None, also=also, progress=progress)
        except (NotUndone, BrokenRule) as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self._show(report)
        if report.records:
            self.stdout.write(_("Undone, as changeset %(number)d.") % {"number": by.pk})
        else:
            self.stdout.write(_("Nothing was left to take back."))

    def _show(self, report: UndoReport) -> None:
        for noun, counts in report.counts.items():
            words = ", ".join(f"{number} {what}" for what, number in counts.items())
            self.stdout.write(f"{noun}: {words}")
        for kept in report.kept:
            self.stdout.write(f"  {kept.name}: {WHY_KEPT[kept.reason]}")
        if report.kept_count > len(report.kept):
            more = report.kept_count - len(report.kept)
            self.stdout.write(_("  … and %(count)d more are left") % {"count": more})
