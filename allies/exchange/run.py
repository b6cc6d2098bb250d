"""What the parts of one import share."""

from collections.abc import Callable

from django.utils import timezone

from allies.actions.rights import Person
from allies.exchange.ledger import Ledger
from allies.exchange.references import References
from allies.exchange.report import Report


class ImportRun:
    """One import of one or several nouns, by one person, for one reason.

    ``user`` of None is the operator at the command line, who may do everything.
    """

    def __init__(
        self,
        *,
        commit: bool,
        user: Person | None = None,
        reason: str = "",
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.commit = commit
        self.user = user
        self.reason = reason
        self.progress = progress
        self.started = timezone.now()
        self.ledger = Ledger()
        self.references = References(self.ledger)
        self.reports: list[Report] = []

    @property
    def ok(self) -> bool:
        return all(report.ok for report in self.reports)
