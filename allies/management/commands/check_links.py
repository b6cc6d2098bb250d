"""Check the links of sources that are due, or queue this as a job."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from allies.link_checking.archive import ArchiveClient, get_archive_client
from allies.link_checking.check_due_links import Options, Outcome, run_checks
from allies.link_checking.fetch import FetchLimits
from allies.link_checking.tasks import check_links
from allies.models import LinkField, LinkResult


class Command(BaseCommand):
    help = "Check the links of sources that are due: weekly, failing links daily."
    # Only for tests: which addresses they may visit, and which archive they use.
    stealth_options = ("limits", "archive_client")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, metavar="N", help="check at most N links")
        parser.add_argument(
            "--host-delay",
            type=float,
            default=2,
            metavar="S",
            help="seconds between two requests to the same host (default: 2)",
        )
        parser.add_argument(
            "--all", action="store_true", help="also check links that are not due yet"
        )
        parser.add_argument(
            "--archive", action="store_true", help="search for missing archived copies"
        )
        parser.add_argument(
            "--queue", action="store_true", help="queue a small batch for the worker instead"
        )

    def handle(
        self,
        *args: object,
        limit: int | None,
        host_delay: float,
        archive: bool,
        queue: bool,
        limits: FetchLimits | None = None,
        archive_client: ArchiveClient | None = None,
        **options: Any,
    ) -> None:
        if limit is not None and limit < 0:
            raise CommandError(_("The limit must be a number of links."))
        if queue:
            check_links.enqueue()
            return
        told = Options(
            limit=limit,
            host_delay=max(host_delay, 0),
            everything=options["all"],
            archive=(archive_client or _chosen_archive()) if archive else None,
            limits=limits or FetchLimits(),
        )
        counts: Counter[str] = Counter()
        for outcome in run_checks(told):
            counts[outcome.word] += outcome.what == LinkField.URL or outcome.word == "archived"
            self.stdout.write(_line(outcome))
        self.stdout.write(_summary(counts))


def _chosen_archive() -> ArchiveClient:
    client = get_archive_client()
    if client is None:
        raise CommandError(_("No archive is configured: ALLIES_ARCHIVE_CLIENT is empty."))
    return client


def _line(outcome: Outcome) -> str:
    said = f"{outcome.key}: {_word(outcome.word)}: {outcome.address}"
    return f"{said} – {outcome.detail}" if outcome.detail else said


def _word(word: str) -> str:
    words = {
        **{result.value: str(result.label) for result in LinkResult},
        "archived": _("archived copy found"),
        "none": _("no archived copy"),
        "broken": _("the check failed"),
    }
    return words[word]


def _summary(counts: Counter[str]) -> str:
    total = sum(number for word, number in counts.items() if word != "archived")
    said = ngettext("%(count)d link checked.", "%(count)d links checked.", total)
    found = "; ".join(
        f"{_word(word)}: {number}" for word, number in sorted(counts.items()) if number
    )
    return f"{said % {'count': total}} {found}".strip()
