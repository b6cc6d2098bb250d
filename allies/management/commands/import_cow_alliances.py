"""Import the alliances of the Correlates of War project."""

from argparse import ArgumentParser
from pathlib import Path

from allies.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import COW’s alliance_v4.1_by_member.csv; without --commit, only preview it."

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
            ("cow-alliances-by-member", file), commit=commit, accept_terms=accept_terms, about=about
        )
