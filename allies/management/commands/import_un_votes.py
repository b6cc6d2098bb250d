"""Import the votes of the UN General Assembly (Voeten and others)."""

from argparse import ArgumentParser
from pathlib import Path

from allies.management.import_command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import un_roll_calls.csv and un_votes.csv (or .gz) as events and "
        "participations; without --commit, only preview it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_file(parser, "roll_calls")
        self.add_file(parser, "votes")
        self.add_commit(parser)

    def handle(
        self,
        *args: object,
        roll_calls: Path,
        votes: Path,
        commit: bool,
        reason: str,
        **options: object,
    ) -> None:
        about = self.changeset_for(roll_calls, votes, reason=reason)
        self.run_mapped_import(
            ("un-roll-calls", roll_calls), ("un-votes", votes), commit=commit, about=about
        )
