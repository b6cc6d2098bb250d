"""Import a CSV file of one noun."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allies.exchange.reader import UnreadableFile, read_csv, sha256_of
from allies.exchange.resources import NOUNS
from allies.exchange.runner import Refused, run_import
from allies.management.commands._reports import progress_on, show


class Command(BaseCommand):
    help = "Import a CSV file of one noun; without --commit, say what that would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("noun", choices=list(NOUNS), metavar="NOUN", help=", ".join(NOUNS))
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--commit", action="store_true", help="write what the file says")
        parser.add_argument("--reason", default="", help="why, for the records' history")

    def handle(self, *args: Any, noun: str, file: Path, commit: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        reason = options["reason"] or f"Imported from {file.name} (SHA-256 {sha256_of(file)})"
        try:
            reports = run_import(
                [(noun, read_csv(file, NOUNS[noun]().columns))],
                commit=commit,
                reason=reason,
                progress=progress_on(self.stderr),
            )
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        except Refused as refused:
            reports = refused.reports
        show(reports, commit=commit, out=self.stdout)
