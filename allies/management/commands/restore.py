"""Make a site what it was when a backup was made."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from allies.backup import (
    NotRestored,
    PartlyRestored,
    manifest_of,
    open_backup,
    restore,
    rows_of,
)
from allies.upload_swap import resume


class Command(BaseCommand):
    help = "Restore a backup, all or nothing, into a migrated site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument(
            "--check", action="store_true", help="only check that the backup is complete"
        )
        parser.add_argument(
            "--replace", action="store_true", help="replace the current data of the site"
        )
        parser.add_argument(
            "--resume", action="store_true", help="finish a restore that was interrupted"
        )

    def handle(
        self, *args: object, file: Path | None, check: bool, replace: bool, **options: object
    ) -> None:
        if options["resume"]:
            self._resume()
            return
        if file is None:
            raise CommandError("Give a backup file, or --resume.")
        if not file.is_file():
            raise CommandError(f"The file {file} does not exist. Nothing was changed.")
        try:
            if check:
                with open_backup(file) as archive:
                    manifest = manifest_of(archive)
            else:
                manifest = restore(file, replace=replace)
        except NotRestored as error:
            raise CommandError(f"{file}: {error} Nothing was changed.") from error
        except PartlyRestored as error:
            raise CommandError(f"{file}: {error}") from error
        except OSError as error:
            raise CommandError(
                f"{error.filename or file} cannot be read: {error.strerror}. Nothing was changed."
            ) from error
        state = "whole" if check else "restored; everyone has to sign in again"
        self.stdout.write(f"{file}: {rows_of(manifest):,} rows of {manifest['made']}, {state}.")

    def _resume(self) -> None:
        try:
            done = resume()
        except OSError as error:
            raise CommandError(
                f"The database was replaced, but the uploads cannot be replaced yet: {error}."
            ) from error
        for sentence in done or ["There is no interrupted restore."]:
            self.stdout.write(sentence)
