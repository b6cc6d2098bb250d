"""Base class of the import commands: file arguments, the run, progress and reports."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _

from allies.imports.mapping import FileMapping, InvalidMapping, sort_by_dependency
from allies.imports.mappings import load_mapping
from allies.imports.own_csv import UnreadableFile, sha256_of
from allies.imports.plan import Plan
from allies.imports.report import Report
from allies.imports.rows import Rows
from allies.imports.runner import DatabaseRuleBroken, Files, ImportRejected, run_import
from allies.imports.tables import open_table
from allies.models import Changeset

#: Seconds between two updates of the progress line.
UPDATE_SECONDS = 0.5


class ImportCommand(BaseCommand):
    """A command that imports rows, or previews the import, and prints reports."""

    def add_file(self, parser: ArgumentParser, name: str = "file") -> None:
        """Add a positional argument for a file."""
        parser.add_argument(name, type=Path, metavar=name.upper())

    def add_companions(self, parser: ArgumentParser) -> None:
        """Add the option --with, for further files that a mapping uses."""
        parser.add_argument(
            "--with",
            dest="companions",
            action="append",
            default=[],
            metavar="NAME=FILE",
            help="a further file that the mapping uses, by the name that it has there",
        )

    def parse_companions(self, texts: list[str]) -> dict[str, Path]:
        """Return the files of the option --with; raise CommandError if one does not exist."""
        found = {}
        for text in texts:
            name, _equals, file = text.partition("=")
            if not Path(file).is_file():
                raise CommandError(f"The file {file} does not exist.")
            found[name] = Path(file)
        return found

    def add_commit(self, parser: ArgumentParser) -> None:
        """Add the options --commit, --accept-terms and --reason."""
        parser.add_argument("--commit", action="store_true", help="apply the changes")
        parser.add_argument(
            "--accept-terms",
            action="store_true",
            help="you have read the terms of the data set, and accept them",
        )
        parser.add_argument("--reason", default="", help="the reason, stored with the changeset")

    def changeset_for(self, *files: Path, reason: str) -> Changeset:
        """Return a new, unsaved changeset; raise CommandError if a file does not exist."""
        for file in files:
            if not file.is_file():
                raise CommandError(f"The file {file} does not exist.")
        return Changeset(
            file_name=", ".join(file.name for file in files)[:200],
            sha256=sha256_of(files[-1]) if files else "",
            reason=reason,
        )

    def run_mapped_import(
        self,
        *mapped: tuple[str, Path],
        commit: bool,
        about: Changeset,
        accept_terms: bool,
        companions: Mapping[str, Path] | None = None,
        **options: object,
    ) -> None:
        """Import files, given as (mapping, file) pairs, as one changeset.

        A mapping is the path or name of one. ``companions`` are further files, by the names that
        the mappings have for them. Raises CommandError if nothing was written, for example because
        a data set has terms that were not accepted.
        """
        try:
            mappings = [FileMapping(load_mapping(name)) for name, _file in mapped]
            tables = [open_table(file) for _name, file in mapped]
            further = {name: open_table(file) for name, file in (companions or {}).items()}
        except (InvalidMapping, UnreadableFile) as error:
            raise CommandError(str(error)) from error
        terms = "\n".join(text for mapping in mappings if (text := mapping.terms))
        if terms and commit and not accept_terms:
            raise CommandError(
                _("%(terms)s\nIf you accept this, add --accept-terms.") % {"terms": terms}
            )
        about.mapping_names = [mapping.name for mapping in mappings]

        def files(plan: Plan) -> list[tuple[str, Rows]]:
            return sort_by_dependency(
                pair
                for mapping, table in zip(mappings, tables, strict=True)
                for pair in mapping.provided_records(table, plan, further)
            )

        about_rows = {
            part["noun"]: table.about_rows()
            for mapping, table in zip(mappings, tables, strict=True)
            for part in mapping.nouns
        }
        self.run_import(files, commit=commit, about_rows=about_rows, about=about, **options)

    def run_import(
        self,
        files: Files,
        *,
        commit: bool,
        about_rows: dict[str, int] | None = None,
        **options: Any,
    ) -> None:
        """Run the import and print its reports; raise CommandError if there are errors.

        Nothing is written then.
        """
        try:
            reports = run_import(
                files, commit=commit, progress=self._progress(about_rows), **options
            )
        except (UnreadableFile, InvalidMapping, DatabaseRuleBroken) as error:
            raise CommandError(str(error)) from error
        except ImportRejected as refused:
            reports = refused.reports
        for report in reports:
            self._show(report)
        if not all(report.ok for report in reports):
            raise CommandError(_("Nothing was changed. Correct the rows above and try again."))
        if not commit:
            self.stdout.write(_("Nothing was changed. Add --commit to apply this."))
        elif about := options.get("about"):
            said = _("This is changeset %(number)d. To undo it, run `undo_changeset %(number)d`.")
            # If the caller has opened a transaction, the changeset exists only after its commit.
            transaction.on_commit(lambda: self.stdout.write(said % {"number": about.pk}))

    def _show(self, report: Report) -> None:
        self.stdout.write(report.summary())
        for line in report.remark_lines():
            self.stdout.write(f"  {line}")
        for error in report.errors:
            self.stdout.write(f"  {error}")
        if report.error_overflow:
            self.stdout.write(_("  … and %(count)d more errors") % {"count": report.error_overflow})
        if report.unsupported:
            self.stdout.write(f"  {report.unsupported_text()}")

    def _progress(self, about_rows: dict[str, int] | None) -> Any:
        """Return a callback that prints progress; None if stderr is not a terminal."""
        if not self.stderr.isatty():
            return None
        return TerminalProgress(about_rows).report


class TerminalProgress:
    """A progress line on the terminal. ``about`` is the estimated number of rows by record type."""

    def __init__(self, about: dict[str, int] | None = None) -> None:
        self._about = about or {}
        self._noun, self._rows, self._started, self._said = "", 0, 0.0, 0.0

    def report(self, noun: str, rows: int) -> None:
        """Note the number of rows done, and print it every UPDATE_SECONDS."""
        now = time.monotonic()
        if noun != self._noun or rows < self._rows:  # the next record type, or writing begins
            self._started = now
        self._noun, self._rows = noun, rows
        if now - self._said < UPDATE_SECONDS:
            return
        self._said = now
        rate = rows / max(now - self._started, 0.001)
        line = f"{noun}: {rows:,} rows, {rate:,.0f} per second"
        if rate and (left := self._about.get(noun, 0) - rows) > 0:
            line += f", about {left / rate:,.0f} s left"
        # The command's own stream would print in red.
        sys.stderr.write(f"\r{line:<78}")
        sys.stderr.flush()
