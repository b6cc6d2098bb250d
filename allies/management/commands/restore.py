"""Make a site what it was when a backup was made."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allies.backup import NotRestored, manifest_of, open_backup, restore, rows_of


class Command(BaseCommand):
    help = "Bring back what `backup` wrote, all of it or nothing, into a site that was migrated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--check", action="store_true", help="only read it, and say if it is whole"
        )
        parser.add_argument("--replace", action="store_true", help="drop what the site holds now")

    def handle(self, *args: Any, file: Path, check: bool, replace: bool, **options: Any) -> None:
        try:
            if check:
                with open_backup(file) as archive:
                    manifest = manifest_of(archive)
            else:
                manifest = restore(file, replace=replace)
        except NotRestored as error:
            raise CommandError(f"{file}: {error} Nothing was changed.") from error
        except OSError as error:
            raise CommandError(f"{file} could not be read: {error.strerror}.") from error
        state = "whole" if check else "brought back; whoever was signed in signs in anew"
        self.stdout.write(f"{file}: {rows_of(manifest):,} rows of {manifest['made']}, {state}.")
