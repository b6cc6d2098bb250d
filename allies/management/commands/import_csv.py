"""Import a CSV file of one record type."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from allies.imports.own_csv import UnreadableFile, read_csv
from allies.imports.resources import RESOURCES
from allies.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import a CSV file of one record type; without --commit, only preview it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "noun", choices=list(RESOURCES), metavar="NOUN", help=", ".join(RESOURCES)
        )
        self.add_file(parser)
        self.add_commit(parser)

    def handle(
        self, *args: object, noun: str, file: Path, commit: bool, reason: str, **options: object
    ) -> None:
        about = self.changeset_for(file, reason=reason)
        try:
            rows = read_csv(file, RESOURCES[noun]().columns)
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        self.run_import([(noun, rows)], commit=commit, about=about)
