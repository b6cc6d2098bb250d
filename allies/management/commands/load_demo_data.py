"""Load all countries and the starter content."""

from argparse import ArgumentParser
from pathlib import Path

import allies
from allies.imports.own_csv import read_csv
from allies.imports.resources import RESOURCES
from allies.management.import_command import ImportCommand
from allies.models import Changeset, Country
from allies.models.changeset import STARTER_CONTENT

STARTER = Path(allies.__file__).parent / "starter"


class Command(ImportCommand):
    help = "Load all countries and the starter content; loading them again adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing if there are any countries already",
        )

    def handle(self, *args: object, **options: object) -> None:
        if options["if_empty"] and Country.objects.exists():
            return
        files = [
            (noun, read_csv(path, resource().columns))
            for noun, resource in RESOURCES.items()
            if (path := STARTER / f"{noun}.csv").exists()
        ]
        self.run_import(files, commit=True, about=Changeset(reason=STARTER_CONTENT))
