"""Import the alliances of the project Alliance Treaty Obligations and Provisions (ATOP)."""

from argparse import ArgumentParser
from pathlib import Path

from allies.management.import_command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import ATOP’s atop-alliance-level.csv and atop-member-level.csv; without --commit, only "
        "preview it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_file(parser, "alliances")
        self.add_file(parser, "members")
        self.add_commit(parser)

    def handle(
        self,
        *args: object,
        alliances: Path,
        members: Path,
        commit: bool,
        accept_terms: bool,
        reason: str,
        **options: object,
    ) -> None:
        about = self.changeset_for(alliances, members, reason=reason)
        self.run_mapped_import(
            ("atop-alliances", alliances),
            ("atop-members", members),
            commit=commit,
            accept_terms=accept_terms,
            about=about,
        )
