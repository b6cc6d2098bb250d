"""The import: file → reader → resource → model, a chunk at a time, all or nothing.

A run reads, resolves and validates every row; what it would write it writes only when asked to
commit, and a run with an error in it writes nothing. Without a commit no statement but SELECT
reaches the database. A chunk costs a fixed number of queries: one for the records it may already
hold, one a reference column, one a unique rule, and when writing one insert, one update and their
history. Memory holds one chunk, the country names and, in the ledger on disk, the keys seen.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

from django.db import transaction

from allies.actions.rights import Person
from allies.exchange.load import NounLoad
from allies.exchange.reader import Row
from allies.exchange.report import Report
from allies.exchange.resources import NOUNS
from allies.exchange.run import ImportRun
from allies.jobs import after_import
from allies.models import Publishable, Source, Status


class Refused(Exception):
    """An import with errors in it; nothing was written. ``reports`` says what and where."""

    def __init__(self, reports: list[Report]) -> None:
        super().__init__("; ".join(report.summary() for report in reports))
        self.reports = reports


def run_import(
    files: Iterable[tuple[str, Iterable[Row]]],
    *,
    commit: bool,
    user: Person | None = None,
    reason: str = "",
    progress: Callable[[int], None] | None = None,
    only_new: Mapping[str, frozenset[str]] | None = None,
) -> list[Report]:
    """Import rows noun by noun, in the order given, in one piece.

    ``only_new`` names, a noun, the columns set on new records and left alone on known ones.
    Returns a report a noun. Raises Refused, with nothing written, where a row is refused; without
    ``commit`` nothing is written in any case and the reports say what would be.
    """
    run = ImportRun(commit=commit, user=user, reason=reason, progress=progress)
    with run.ledger, transaction.atomic() if commit else nullcontext():
        for noun, rows in files:
            report = Report(noun)
            run.reports.append(report)
            kept = (only_new or {}).get(noun, frozenset())
            NounLoad(run, NOUNS[noun](), report, kept).take(rows)
            report.errors.sort(key=lambda error: error.row)
        if commit:
            if not run.ok:
                raise Refused(run.reports)
            _settle(run.reports)
            transaction.on_commit(after_import.enqueue)
    return run.reports


def _settle(reports: list[Report]) -> None:
    """Bring up to date what rests on several records, and count what readers cannot see yet."""
    if any(report.noun == "sources" for report in reports):
        Source.objects.trace_origins()
    for report in reports:
        model: Any = NOUNS[report.noun]._meta.model
        if issubclass(model, Publishable) and model is not Source:
            marked = model.objects.filter(status=Status.PUBLISHED)
            report.unsupported = marked.exclude(pk__in=model.objects.published()).count()
