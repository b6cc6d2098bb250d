"""What the importing commands share: a file, a run, and its report on the terminal."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from allies.exchange.reader import Row, UnreadableFile, sha256_of
from allies.exchange.report import Report
from allies.exchange.runner import Refused, run_import


class ImportingCommand(BaseCommand):
    """A command that imports rows, and says what it did or would do."""

    def add_file(self, parser: ArgumentParser) -> None:
        """Let the command be given a file, and be told to write what it says."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--commit", action="store_true", help="write what the file says")

    def reason_for(self, file: Path) -> str:
        """Return why the records change: the file; raise CommandError where there is none."""
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        return f"Imported from {file.name} (SHA-256 {sha256_of(file)})"

    def carry_out(
        self, files: Iterable[tuple[str, Iterable[Row]]], *, commit: bool, **options: Any
    ) -> None:
        """Run the import and print its reports; raise CommandError where nothing was written."""
        try:
            reports = run_import(files, commit=commit, progress=self._progress(), **options)
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        except Refused as refused:
            reports = refused.reports
        for report in reports:
            self._show(report)
        if not all(report.ok for report in reports):
            raise CommandError(_("Nothing was written. Mend the rows named above and try again."))
        if not commit:
            self.stdout.write(_("Nothing was written. Add --commit to apply this."))

    def _show(self, report: Report) -> None:
        self.stdout.write(report.summary())
        for error in report.errors:
            self.stdout.write(f"  {error}")
        if report.hidden:
            self.stdout.write(_("  … and %(count)d errors more") % {"count": report.hidden})
        if report.unsupported:
            self.stdout.write(f"  {report.unsupported_in_words()}")

    def _progress(self) -> Any:
        """Return a callback that shows the number of rows done, where a person watches."""
        if not self.stderr.isatty():
            return None

        def progress(rows: int) -> None:
            self.stderr.write(f"\r{rows:,}", ending="")
            self.stderr.flush()

        return progress
