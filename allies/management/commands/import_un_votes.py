"""Import the votes of the UN General Assembly (Voeten and others)."""

from argparse import ArgumentParser
from pathlib import Path

from allies.management.import_command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import un_roll_calls.csv and un_votes.csv (or .gz) as events and "
        "participations, and un_roll_call_issues.csv as their issues; without --commit, only "
        "preview it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_file(parser, "roll_calls")
        self.add_file(parser, "votes")
        parser.add_argument("--issues", type=Path, help="the file un_roll_call_issues.csv")
        self.add_commit(parser)

    def handle(
        self,
        *args: object,
        roll_calls: Path,
        votes: Path,
        issues: Path | None,
        commit: bool,
        accept_terms: bool,
        reason: str,
        **options: object,
    ) -> None:
        companions = {"issues": issues} if issues else {}
        about = self.changeset_for(*companions.values(), roll_calls, votes, reason=reason)
        self.run_mapped_import(
            ("un-roll-calls", roll_calls),
            ("un-votes", votes),
            commit=commit,
            accept_terms=accept_terms,
            about=about,
            companions=companions,
        )
