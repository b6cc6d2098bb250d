"""Import a CSV file of one noun."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from allies.exchange.reader import UnreadableFile, read_csv
from allies.exchange.resources import NOUNS
from allies.management.commands._imports import ImportingCommand


class Command(ImportingCommand):
    help = "Import a CSV file of one record type; without --commit, only preview it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("noun", choices=list(NOUNS), metavar="NOUN", help=", ".join(NOUNS))
        self.add_file(parser)
        self.add_commit(parser)

    def handle(
        self, *args: object, noun: str, file: Path, commit: bool, reason: str, **options: object
    ) -> None:
        about = self.changeset_for(file, reason=reason)
        try:
            rows = read_csv(file, NOUNS[noun]().columns)
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        self.carry_out([(noun, rows)], commit=commit, about=about)
