"""The import in one piece: a plan is made, and applied where it is whole and still true.

All or nothing: what a plan says is written in one transaction, which also marks its changeset as
applied. A plan rests on the data as they were; where they have changed since, nothing is written.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.editions import create_editions_after
from allies.actions.permissions import AnyUser, changeset_states, reload_user, require_publish_right
from allies.actions.table_locks import lock_tables
from allies.actions.undo import undo_changeset
from allies.actions.undo_sql import UndoReport
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
    """An import with errors in it; nothing was written. ``reports`` says what and where."""

    def __init__(self, reports: list[Report]) -> None:
        super().__init__("; ".join(report.summary() for report in reports))
        self.reports = reports


class DatabaseRuleBroken(Exception):
    """A rule of the database that no check foresaw; its text is the rule's own message."""


class PlanOutdated(Exception):
    """The data have changed since the plan was made: it may no longer be true."""


class JobSuperseded(Exception):
    """Somebody else has taken this changeset over, or it was called off."""


#: Rows noun by noun; where a mapping makes them, it keeps notes in the plan.
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
    only_new: Mapping[str, frozenset[str]] | None = None,
) -> list[Report]:
    """Import rows noun by noun, in the order given, in one piece.

    ``about`` is the changeset to be, ``reason`` its reason where there is none; ``started`` dates
    what is written. Returns a report a noun. Raises Refused, with nothing written, where a row is
    refused; without ``commit`` nothing is written in any case and the reports say what would be.
    """
    files = files if callable(files) else list(files)
    changeset = about or Changeset(reason=reason, created_by_id=user.pk if user else None)

    def attempt() -> list[Report]:
        with Plan() as plan:
            found = files(plan) if callable(files) else files
            state = import_state((noun for noun, _rows in found), user)
            asking = user and reload_user(user)
            reports = make_plan(plan, found, user=asking, only_new=only_new, progress=progress)
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
    except PlanOutdated:  # somebody saved meanwhile: now they wait until we are done
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
    """Write what a plan says and mark its changeset as applied, in one transaction.

    ``user`` is whom the plan was made for; None is the operator at the command line. Raises Stale
    if the data or the user's rights are no longer as the plan was made for, Superseded if the
    changeset is no longer this job's, BrokenRule if the database refuses a record,
    PublishRightMissing if something written is or was public and the user may not publish.
    """
    nouns = [report.noun for report in reports]
    try:
        with transaction.atomic():
            lock_tables(examined_models(nouns))
            if import_state(nouns, user) != state:
                raise PlanOutdated
            # Dated behind the lock: who follows the changes in time has seen what is before.
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
    """Take back the changeset that ``by`` undoes, and mark ``by`` as applied, in one transaction.

    Raises what ``actions.undo_changeset.undo_changeset`` does, and BrokenRule where what was is no
    longer possible.
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
    """Return the counts of the reports by model name; of a noun that stands twice, added up."""
    counts: dict[str, dict[str, int]] = {}
    for report in reports:
        own = counts.setdefault(str(RESOURCES[report.noun]._meta.model._meta.model_name), {})
        for name, number in report.counts().items():
            own[name] = own.get(name, 0) + number
    return counts


def finish_changeset(
    changeset: Changeset, counts: dict[str, dict[str, int]], now: dt.datetime
) -> None:
    """Mark a changeset as applied, and freeze the lists it published as editions.

    Raises Superseded where it is no longer this job's to apply.
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
    """Count what readers cannot see yet, and say whether all of the changeset is public."""
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
    """Say whether one of the changeset's records of a noun is not public."""
    versions = model.history.filter(changeset=changeset)
    if through:
        model = model._meta.get_field(through).related_model
        written = versions.values(f"{through}_id").distinct()
    else:
        written = versions.values("id")
    public = model.objects.published().values("pk")
    return bool(model.objects.filter(pk__in=written).exclude(pk__in=public).exists())


def _rule_message(error: Exception) -> str:
    """Return the message of the rule a record breaks, else the database's own words."""
    for resource in RESOURCES.values():
        for rule in resource._meta.model._meta.constraints:
            if rule.name in str(error):
                return str(rule.violation_error_message)
    return str(error)


def _no_progress(noun: str, rows: int) -> None:
    """Tell nobody."""
