"""Export everything as one data package."""

import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from allies.exports.site_package import export_site_package


class Command(BaseCommand):
    help = (
        "Export all records, drafts included, and all old addresses as a data package "
        "(ZIP) for import_package."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.zip")
        parser.add_argument("--overwrite", action="store_true", help="replace an existing file")

    def handle(self, *args: object, file: Path, overwrite: bool, **options: object) -> None:
        if file.exists() and not overwrite:
            raise CommandError(f"{file} already exists. Add --overwrite to replace it.")
        if not file.parent.is_dir():
            raise CommandError(f"The folder {file.parent} does not exist.")
        # The package contains drafts, so only its owner can read it at first.
        number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        unfinished = Path(name)
        try:
            with os.fdopen(number, "wb") as out:
                for block in export_site_package():
                    out.write(block)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
