"""Import the voting data of the United Nations' own library."""

from argparse import ArgumentParser
from pathlib import Path

from allies.management.import_command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import the General Assembly voting data of the UN Digital Library (a CSV file with a row "
        "per state and resolution), after the roll calls; without --commit, only preview it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_file(parser)
        self.add_commit(parser)

    def handle(
        self,
        *args: object,
        file: Path,
        commit: bool,
        accept_terms: bool,
        reason: str,
        **options: object,
    ) -> None:
        about = self.changeset_for(file, reason=reason)
        self.run_mapped_import(
            ("un-digital-library-votes", file),
            commit=commit,
            accept_terms=accept_terms,
            about=about,
        )
