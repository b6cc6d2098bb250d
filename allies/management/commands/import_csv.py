"""Import a CSV file of one noun."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from allies.exchange.reader import read_csv
from allies.exchange.resources import NOUNS
from allies.management.commands._imports import ImportingCommand


class Command(ImportingCommand):
    help = "Import a CSV file of one noun; without --commit, say what that would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("noun", choices=list(NOUNS), metavar="NOUN", help=", ".join(NOUNS))
        self.add_file(parser)
        parser.add_argument("--reason", default="", help="why, for the records' history")

    def handle(self, *args: Any, noun: str, file: Path, commit: bool, **options: Any) -> None:
        reason = self.reason_for(file)
        rows = read_csv(file, NOUNS[noun]().columns)
        self.carry_out([(noun, rows)], commit=commit, reason=options["reason"] or reason)
