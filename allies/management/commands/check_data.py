"""List records that look impossible; see docs/data-quality.md."""

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from allies.editorial.data_checks import CHECKS

#: Findings shown per check, unless all are asked for.
MAX_SHOWN = 10


class Command(BaseCommand):
    help = "List records that look impossible: dates, days, states and sources that disagree."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(CHECKS))
        parser.add_argument("--all", action="store_true", help="show all findings of each check")

    def handle(self, *args: object, **options: Any) -> None:
        """List the findings of the requested checks, or of all; raise CommandError if unknown."""
        if unknown := [name for name in options["checks"] if name not in CHECKS]:
            accepted = ", ".join(CHECKS)
            raise CommandError(f"Unknown check: {', '.join(unknown)}. Accepted are: {accepted}.")
        for name in options["checks"] or CHECKS:
            title, check = CHECKS[name]
            findings = check()
            shown = list(findings if options["all"] else islice(findings, MAX_SHOWN))
            more = sum(1 for _finding in findings)
            self.stdout.write(f"{name}: {title}: {len(shown) + more}")
            for finding in shown:
                self.stdout.write(f"  {finding}")
            if more:
                self.stdout.write(f"  … and {more} more (--all)")
