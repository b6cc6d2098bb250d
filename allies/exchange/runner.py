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

from allies.actions.editions import make_editions_after
from allies.actions.rights import Person, reload_user, require_publish_right, versions_of
from allies.actions.undo import undo
from allies.actions.undo_sets import UndoReport
from allies.actions.versions import lock
from allies.exchange.plan import Plan
from allies.exchange.planning import Progress, looked_at, make_plan, state_for
from allies.exchange.report import Report
from allies.exchange.resources import NOUNS
from allies.exchange.rows import Rows
from allies.exchange.writer import write
from allies.jobs import after_import
from allies.models import (
    Changeset,
    ChangesetState,
    Publishable,
    Source,
    StateConflict,
    moment_of_writing,
    record_models,
    unsupported,
)
from allies.search.index import follow


class Refused(Exception):
    """An import with errors in it; nothing was written. ``reports`` says what and where."""

    def __init__(self, reports: list[Report]) -> None:
        super().__init__("; ".join(report.summary() for report in reports))
        self.reports = reports


class BrokenRule(Exception):
    """A rule of the database that no check foresaw; its text is the rule's own message."""


class Stale(Exception):
    """The data have changed since the plan was made: it may no longer be true."""


class Superseded(Exception):
    """Somebody else has taken this changeset over, or it was called off."""


#: Rows noun by noun; where a mapping makes them, it keeps notes in the plan.
Files = Iterable[tuple[str, Rows]] | Callable[[Plan], list[tuple[str, Rows]]]


def run_import(
    files: Files,
    *,
    commit: bool,
    user: Person | None = None,
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
            state = state_for((noun for noun, _rows in found), user)
            asking = user and reload_user(user)
            reports = make_plan(plan, found, user=asking, only_new=only_new, progress=progress)
            if commit:
                if not all(report.ok for report in reports):
                    raise Refused(reports)
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
    except Stale:  # somebody saved meanwhile: now they wait until we are done
        with transaction.atomic():
            lock(record_models())
            return attempt()


def apply_plan(
    plan: Plan,
    changeset: Changeset,
    reports: list[Report],
    *,
    state: str,
    user: Person | None = None,
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
            lock(looked_at(nouns))
            if state_for(nouns, user) != state:
                raise Stale
            # Dated behind the lock: who follows the changes in time has seen what is before.
            now = now or moment_of_writing()
            if changeset.pk is None:
                changeset.save()
            write(plan, changeset, now, progress or _nothing)
            follow(changeset)
            _settle(changeset, reports)
            changeset.counts = merged(reports)
            if user is not None:
                require_publish_right(user=reload_user(user), states=versions_of(changeset))
            finish(changeset, changeset.counts, now)
    except IntegrityError as error:
        raise BrokenRule(_rule_in_words(error)) from error


def run_undo(
    by: Changeset,
    *,
    user: Person | None,
    also: frozenset[str] = frozenset(),
    progress: Progress | None = None,
) -> UndoReport:
    """Take back the changeset that ``by`` undoes, and mark ``by`` as applied, in one transaction.

    Raises what ``actions.undo.undo`` does, and BrokenRule where what was is no longer possible.
    """
    assert by.undoes is not None
    try:
        with transaction.atomic():
            report = undo(changeset=by.undoes, by=by, user=user, also=also, progress=progress)
            finish(by, report.counts, timezone.now())
    except IntegrityError as error:
        raise BrokenRule(
            _("The earlier state cannot be restored: a record it depends on no longer exists.")
        ) from error
    return report


def merged(reports: list[Report]) -> dict[str, dict[str, int]]:
    """Return the counts of the reports by model name; of a noun that stands twice, added up."""
    counts: dict[str, dict[str, int]] = {}
    for report in reports:
        own = counts.setdefault(str(NOUNS[report.noun]._meta.model._meta.model_name), {})
        for name, number in report.counts().items():
            own[name] = own.get(name, 0) + number
    return counts


def finish(changeset: Changeset, counts: dict[str, dict[str, int]], now: dt.datetime) -> None:
    """Mark a changeset as applied, and freeze the lists it published as editions.

    Raises Superseded where it is no longer this job's to apply.
    """
    try:
        changeset.write(
            state=ChangesetState.APPLIED,
            applied_at=now,
            counts=counts,
            listed=changeset.listed,
            message="",
        )
    except StateConflict as conflict:
        raise Superseded from conflict
    make_editions_after(changeset)
    transaction.on_commit(after_import.enqueue)


def _settle(changeset: Changeset, reports: list[Report]) -> None:
    """Count what readers cannot see yet, and say whether all of the changeset is public."""
    hidden = False
    for report in reports:
        resource = NOUNS[report.noun]
        model: type[Model] = resource._meta.model
        if issubclass(model, Publishable) and model is not Source:
            report.unsupported = unsupported(model).count()
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


def _rule_in_words(error: Exception) -> str:
    """Return the message of the rule a record breaks, else the database's own words."""
    for resource in NOUNS.values():
        for rule in resource._meta.model._meta.constraints:
            if rule.name in str(error):
                return str(rule.violation_error_message)
    return str(error)


def _nothing(noun: str, rows: int) -> None:
    """Tell nobody."""
