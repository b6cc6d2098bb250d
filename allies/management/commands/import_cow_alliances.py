"""Import the alliances of the Correlates of War project."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allies.exchange import cow
from allies.exchange.reader import UnreadableFile, sha256_of
from allies.exchange.runner import Refused, run_import
from allies.management.commands._reports import progress_on, show


class Command(BaseCommand):
    help = "Import COW’s alliance_v4.1_by_member.csv; without --commit, say what that would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--commit", action="store_true", help="write what the file says")

    def handle(self, *args: Any, file: Path, commit: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        try:
            reports = run_import(
                cow.read(file),
                commit=commit,
                reason=f"Imported from {file.name} (SHA-256 {sha256_of(file)})",
                progress=progress_on(self.stderr),
                only_new=cow.ONLY_NEW,
            )
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        except Refused as refused:
            reports = refused.reports
        show(reports, commit=commit, out=self.stdout)
