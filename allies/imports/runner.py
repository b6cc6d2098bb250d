"""Run an import: make a plan, and apply it if it has no errors and the data have not changed.

It is all or nothing: a plan is written in one transaction, which also marks its changeset as
applied. If the data have changed since the plan was made, nothing is written.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.editions import create_editions_after
from allies.actions.permissions import AnyUser, changeset_states, reload_user, require_publish_right
from allies.actions.table_locks import lock_tables
from allies.actions.undo import undo_changeset
from allies.actions.undo_plan import UndoReport
from allies.evidence.guards import published_but_unsupported
from allies.history.clock import next_history_timestamp
from allies.imports.plan import Plan
from allies.imports.plan_builder import Progress, examined_models, import_state, make_plan
from allies.imports.report import Report
from allies.imports.resources import RESOURCES
from allies.imports.rows import Rows
from allies.imports.writer import write_plan
from allies.models import (
    Changeset,
    ChangesetState,
    Publishable,
    Source,
    StateConflict,
    record_models,
)
from allies.search.index import reindex_changeset
from allies.tasks import refresh_statistics


class ImportRejected(Exception):
    """An import with errors; nothing was written. ``reports`` has the errors."""

    def __init__(self, reports: list[Report]) -> None:
        super().__init__("; ".join(report.summary() for report in reports))
        self.reports = reports


class DatabaseRuleBroken(Exception):
    """A database constraint that no check foresaw; the text is the constraint's own message."""


class PlanOutdated(Exception):
    """The data have changed since the plan was made, so it may be wrong."""


class JobSuperseded(Exception):
    """Another job has taken over this changeset, or it was cancelled."""


#: Rows per record type. A mapping makes them with a function, because it stores data in the plan.
Files = Iterable[tuple[str, Rows]] | Callable[[Plan], list[tuple[str, Rows]]]


def run_import(
    files: Files,
    *,
    commit: bool,
    user: AnyUser | None = None,
    reason: str = "",
    about: Changeset | None = None,
    started: dt.datetime | None = None,
    progress: Progress | None = None,
) -> list[Report]:
    """Plan and apply rows per record type, in the order given.

    ``about`` is the changeset to use; without it, a new one gets ``reason``. ``started`` is the
    time written on the records. Returns one report per item of ``files``. Raises ImportRejected,
    with nothing written, if a row is refused. Without ``commit`` nothing is written in any case,
    and the reports say what would change.
    """
    files = files if callable(files) else list(files)
    changeset = about or Changeset(reason=reason, created_by_id=user.pk if user else None)

    def attempt() -> list[Report]:
        with Plan() as plan:
            found = files(plan) if callable(files) else files
            state = import_state((noun for noun, _rows in found), user)
            asking = user and reload_user(user)
            reports = make_plan(plan, found, user=asking, progress=progress)
            if commit:
                if not all(report.ok for report in reports):
                    raise ImportRejected(reports)
                apply_plan(
                    plan,
                    changeset,
                    reports,
                    state=state,
                    user=user,
                    now=started,
                    progress=progress,
                )
        return reports

    try:
        return attempt()
    except PlanOutdated:  # somebody saved meanwhile: lock the tables and try again
        with transaction.atomic():
            lock_tables(record_models())
            return attempt()


def apply_plan(
    plan: Plan,
    changeset: Changeset,
    reports: list[Report],
    *,
    state: str,
    user: AnyUser | None = None,
    now: dt.datetime | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a plan and mark its changeset as applied, in one transaction.

    ``user`` is the user the plan was made for; None is the operator at the command line. Raises
    PlanOutdated if the data or the user's permissions have changed since. Raises JobSuperseded if
    the changeset no longer belongs to this job. Raises DatabaseRuleBroken if the database refuses a
    record, PublishRightMissing if a written record is or was public and the user may not publish.
    """
    nouns = [report.noun for report in reports]
    try:
        with transaction.atomic():
            lock_tables(examined_models(nouns))
            if import_state(nouns, user) != state:
                raise PlanOutdated
            # Take the time while holding the lock: a client that follows changes by time misses
            # none.
            now = now or next_history_timestamp()
            if changeset.pk is None:
                changeset.save()
            write_plan(plan, changeset, now, progress or _no_progress)
            reindex_changeset(changeset)
            _set_listed(changeset, reports)
            changeset.counts = merge_counts(reports)
            if user is not None:
                require_publish_right(user=reload_user(user), states=changeset_states(changeset))
            finish_changeset(changeset, changeset.counts, now)
    except IntegrityError as error:
        raise DatabaseRuleBroken(_rule_message(error)) from error


def run_undo(
    by: Changeset,
    *,
    user: AnyUser | None,
    also: frozenset[str] = frozenset(),
    progress: Progress | None = None,
) -> UndoReport:
    """Undo the changeset that ``by`` undoes, and mark ``by`` as applied, in one transaction.

    Raises what ``actions.undo.undo_changeset`` raises, and DatabaseRuleBroken if the earlier state
    is no longer possible.
    """
    assert by.undoes is not None
    try:
        with transaction.atomic():
            report = undo_changeset(
                changeset=by.undoes, by=by, user=user, also=also, progress=progress
            )
            finish_changeset(by, report.counts, timezone.now())
    except IntegrityError as error:
        raise DatabaseRuleBroken(
            _("The earlier state cannot be restored: a record it depends on no longer exists.")
        ) from error
    return report


def merge_counts(reports: list[Report]) -> dict[str, dict[str, int]]:
    """Return the counts of the reports by model name, added up per model."""
    counts: dict[str, dict[str, int]] = {}
    for report in reports:
        own = counts.setdefault(str(RESOURCES[report.noun]._meta.model._meta.model_name), {})
        for name, number in report.counts().items():
            own[name] = own.get(name, 0) + number
    return counts


def finish_changeset(
    changeset: Changeset, counts: dict[str, dict[str, int]], now: dt.datetime
) -> None:
    """Mark a changeset as applied, and create editions of the lists it published.

    Raises JobSuperseded if the changeset no longer belongs to this job.
    """
    try:
        changeset.compare_and_set(
            state=ChangesetState.APPLIED,
            applied_at=now,
            counts=counts,
            listed=changeset.listed,
            message="",
        )
    except StateConflict as conflict:
        raise JobSuperseded from conflict
    create_editions_after(changeset)
    transaction.on_commit(refresh_statistics.enqueue)


def _set_listed(changeset: Changeset, reports: list[Report]) -> None:
    """Count the records readers cannot see yet, and set whether the whole changeset is public."""
    hidden = False
    for report in reports:
        resource = RESOURCES[report.noun]
        model: type[Model] = resource._meta.model
        if issubclass(model, Publishable) and model is not Source:
            report.unsupported = published_but_unsupported(model).count()
        if report.created or report.updated:
            hidden = hidden or _has_hidden(model, resource.governed_through, changeset)
    changeset.listed = not hidden


def _has_hidden(model: Any, through: str, changeset: Changeset) -> bool:
    """Return whether any record of this model in the changeset is not public."""
    versions = model.history.filter(changeset=changeset)
    if through:
        model = model._meta.get_field(through).related_model
        written = versions.values(f"{through}_id").distinct()
    else:
        written = versions.values("id")
    public = model.objects.published().values("pk")
    return bool(model.objects.filter(pk__in=written).exclude(pk__in=public).exists())


def _rule_message(error: Exception) -> str:
    """Return the message of the violated constraint, or else the database's own message."""
    for resource in RESOURCES.values():
        for rule in resource._meta.model._meta.constraints:
            if rule.name in str(error):
                return str(rule.violation_error_message)
    return str(error)


def _no_progress(noun: str, rows: int) -> None:
    """Ignore progress reports."""
