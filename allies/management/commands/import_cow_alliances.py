"""Import the alliances of the Correlates of War project."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from allies.exchange import cow
from allies.management.commands._imports import ImportingCommand


class Command(ImportingCommand):
    help = "Import COW’s alliance_v4.1_by_member.csv; without --commit, say what that would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_file(parser)

    def handle(self, *args: Any, file: Path, commit: bool, **options: Any) -> None:
        reason = self.reason_for(file)
        self.carry_out(cow.read(file), commit=commit, reason=reason, only_new=cow.ONLY_NEW)
