"""Import any table with a mapping."""

from argparse import ArgumentParser
from pathlib import Path

from allies.imports.mappings import built_in_mappings
from allies.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import a CSV, TSV or XLSX file with a mapping; without --commit, only preview it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "mapping",
            metavar="MAPPING",
            help=f"a JSON file, the name of a saved mapping, or one of: "
            f"{', '.join(built_in_mappings())}",
        )
        self.add_file(parser)
        self.add_companions(parser)
        self.add_commit(parser)

    def handle(
        self,
        *args: object,
        mapping: str,
        file: Path,
        companions: list[str],
        commit: bool,
        accept_terms: bool,
        reason: str,
        **options: object,
    ) -> None:
        further = self.parse_companions(companions)
        about = self.changeset_for(*further.values(), file, reason=reason)
        self.run_mapped_import(
            (mapping, file),
            commit=commit,
            accept_terms=accept_terms,
            about=about,
            companions=further,
        )
