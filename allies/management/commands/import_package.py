"""Import a data package of a whole site."""

import contextlib
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.utils.translation import gettext as _

from allies.datapackage import InvalidDataPackage, PackageFile
from allies.exports.site_package import old_keys_of_sources, open_tables, write_old_slugs
from allies.imports.own_csv import UnreadableFile
from allies.imports.plan import Plan
from allies.imports.rows import Rows
from allies.management.import_command import ImportCommand
from allies.models import Changeset, Source


class Command(ImportCommand):
    help = (
        "Import a data package from export_package, all or nothing; without --commit, "
        "only preview it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_file(parser)
        self.add_commit(parser)

    def handle(
        self, *args: object, file: Path, commit: bool, reason: str, **options: object
    ) -> None:
        about = self.changeset_for(file, reason=reason)
        try:
            with PackageFile(file, most=settings.IMPORT_MAX_UNCOMPRESSED_BYTES) as package:
                self._take_in(package, commit=commit, about=about)
        except (InvalidDataPackage, UnreadableFile) as error:
            raise CommandError(str(error)) from error

    def _take_in(self, package: PackageFile, *, commit: bool, about: Changeset) -> None:
        whole = transaction.atomic() if commit else contextlib.nullcontext()
        with tempfile.TemporaryDirectory(prefix="allies-package-") as folder, whole:
            nouns, old_slugs = open_tables(package, Path(folder))
            # Dated like the package, so that an export of this site has the same version.

            def files(plan: Plan) -> list[tuple[str, Rows]]:
                if old_slugs:  # texts may cite sources by old keys, which are written last
                    plan.expect_old_keys(Source.__name__, old_keys_of_sources(old_slugs))
                return nouns

            self.run_import(files, commit=commit, about=about, started=package.changed)
            if commit and old_slugs:
                kept = write_old_slugs(old_slugs)
                self.stdout.write(_("old addresses: %(count)d new") % {"count": kept})
