"""Fail if a public record has no public source, or if its page does not show a source."""

from itertools import chain

from django.core.management.base import BaseCommand, CommandError, CommandParser

from allies.evidence.system_checks import find_hidden_evidence, find_unsupported


class Command(BaseCommand):
    help = (
        "List published records without a published source; with --pages, also pages "
        "that do not show a source."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--pages", action="store_true", help="also check the page of every public record"
        )

    def handle(self, *args: object, **options: object) -> None:
        count = 0
        for loss in chain(find_unsupported(), find_hidden_evidence() if options["pages"] else ()):
            self.stderr.write(str(loss))
            count += 1
        if count:
            raise CommandError(f"{count} published records have no published source.")
        self.stdout.write("Every public record has its sources.")
