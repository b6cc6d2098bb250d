"""Back up the whole site to one file, while it runs."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from allies.db.backup import count_rows, write_backup


class Command(BaseCommand):
    help = "Back up the whole site to a file for `restore`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: object, file: Path, **options: object) -> None:
        if file.exists():
            raise CommandError(f"{file} already exists. Choose another name, or remove it.")
        try:
            manifest = write_backup(file)
        except OSError as error:
            raise CommandError(f"{file} could not be written: {error.strerror}.") from error
        self.stdout.write(
            f"{file}: {count_rows(manifest):,} rows. It contains "
            f"password hashes; store it securely."
        )
