"""Check a backup, restore it, or resume an interrupted restore."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from allies.db.backup import count_rows
from allies.db.restore import (
    RestoreFailed,
    RestoreIncomplete,
    open_backup,
    restore,
    verify_backup,
)
from allies.db.uploads_restore import resume_interrupted


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
                    manifest = verify_backup(archive)
            else:
                manifest = restore(file, replace=replace)
        except RestoreFailed as error:
            raise CommandError(f"{file}: {error} Nothing was changed.") from error
        except RestoreIncomplete as error:
            raise CommandError(f"{file}: {error}") from error
        except OSError as error:
            raise CommandError(
                f"{error.filename or file} cannot be read: {error.strerror}. Nothing was changed."
            ) from error
        state = "whole" if check else "restored; everyone has to sign in again"
        self.stdout.write(f"{file}: {count_rows(manifest):,} rows of {manifest['made']}, {state}.")

    def _resume(self) -> None:
        try:
            done = resume_interrupted()
        except OSError as error:
            raise CommandError(
                f"The database was replaced, but the uploads cannot be replaced yet: {error}."
            ) from error
        for sentence in done or ["There is no interrupted restore."]:
            self.stdout.write(sentence)
