"""Export all records of one type as CSV."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from allies.exports.record_type import export_csv
from allies.imports.resources import RESOURCES


class Command(BaseCommand):
    help = "Write all records of one type as CSV to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "noun", choices=list(RESOURCES), metavar="NOUN", help=", ".join(RESOURCES)
        )

    def handle(self, *args: object, noun: str, **options: object) -> None:
        for line in export_csv(noun):
            self.stdout.write(line, ending="")
