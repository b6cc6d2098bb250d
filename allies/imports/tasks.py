"""Background jobs of changesets: read a file, check it, apply it, undo it.

All code that looks into an uploaded file is here, and reads it in a separate process. No web
process parses uploaded files.

Each job has a run: a random word, drawn at its start and stored in the changeset. A job whose run
is no longer the changeset's writes nothing. So if a job was wrongly taken for dead, it cannot harm
the work of its successor.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django_tasks import TaskResultStatus, task
from django_tasks_db.models import DBTaskResult

from allies.actions.permissions import AnyUser, has_permission, reload_user
from allies.actions.table_locks import lock_tables
from allies.actions.undo import UndoError
from allies.file_formats import csv_lines
from allies.imports.mapping import FileMapping, InvalidMapping
from allies.imports.mapping_suggestions import suggest_mapping
from allies.imports.own_csv import REASON_COLUMN, UnreadableFile, sha256_of
from allies.imports.plan import Plan
from allies.imports.plan_builder import import_state, make_plan
from allies.imports.progress import (
    Cancelled,
    ProgressReporter,
    clear_cancel,
    get_progress,
    request_cancel,
)
from allies.imports.report import Report
from allies.imports.resources import RESOURCE_BY_MODEL_NAME, RESOURCES
from allies.imports.runner import (
    DatabaseRuleBroken,
    JobSuperseded,
    PlanOutdated,
    apply_plan,
    merge_counts,
    run_undo,
)
from allies.imports.shared_files import (
    delete_broken_uploads,
    delete_folder,
    delete_note,
    delete_stale_copies,
    fetch_local,
    read_note,
    share_file,
    write_note,
)
from allies.imports.tables import FileFormat, Sample, SandboxedTable, Table, read_sample
from allies.models import (
    RUNNING_STATES,
    Changeset,
    ChangesetKind,
    ChangesetState,
    StateConflict,
    record_models,
)

#: Names of what is stored next to the uploaded file: its sample, and its refused rows.
SAMPLE, REFUSED = "sample.json", "refused.csv"

#: How often a plan is made again because somebody saved meanwhile; after that, tables are locked.
MAX_REPLANS = 2


class PlanChanged(Exception):
    """The file would now change something other than its uploader has seen in the preview."""


# Start and stop jobs.


def start_reading(changeset: Changeset) -> None:
    """Start a job that detects the format of the changeset's file and suggests a mapping.

    An existing format and mapping are kept; empty ones are filled in. Raises StateConflict if the
    changeset was applied, has a running job, or has changed since it was read.
    """
    before = {ChangesetState.UPLOADED, ChangesetState.CHECKED}
    with transaction.atomic():
        _start(changeset, before, ChangesetState.CHECKING, read_file)
        delete_note(changeset, SAMPLE)


def start_check(changeset: Changeset) -> None:
    """Start a job that plans what the file would change; raise StateConflict as above."""
    before = {ChangesetState.UPLOADED, ChangesetState.CHECKED}
    _start(changeset, before, ChangesetState.CHECKING, check_file)


def start_apply(changeset: Changeset) -> None:
    """Start a job that applies a checked changeset: an import, or the undo of a changeset.

    Raises StateConflict if the changeset has changed since it was read.
    """
    _start(changeset, {ChangesetState.CHECKED}, ChangesetState.APPLYING, apply_changeset)


def _start(changeset: Changeset, before: Collection[str], state: str, job: Any) -> None:
    if changeset.state not in before:
        raise StateConflict
    run = get_random_string(16)
    with transaction.atomic():
        changeset.compare_and_set(state=state, run=run, message="")
        clear_cancel(changeset)
        language = translation.get_language()
        transaction.on_commit(lambda: job.enqueue(changeset.pk, run, language))


def cancel(changeset: Changeset) -> None:
    """Cancel the job of a changeset; a job that has not started yet never starts."""
    if get_progress(changeset) is None:
        _finish(changeset, changeset.run, _("Cancelled. Nothing was changed."))
    else:
        request_cancel(changeset)


def reap_stale() -> None:
    """End jobs whose worker died, and delete expired files and changesets.

    The work of such a job can be started again.
    """
    for changeset in Changeset.objects.expired(timezone.now()):
        with suppress(StateConflict):
            discard(changeset)
    delete_stale_copies()
    delete_broken_uploads()
    for changeset in Changeset.objects.filter(state__in=RUNNING_STATES):
        said = get_progress(changeset)
        task_of = _task_of(changeset)
        lost = said is not None and not said["is_alive"]
        never = said is None and (task_of is None or task_of.status != TaskResultStatus.READY)
        old = (timezone.now() - _started_at(changeset, task_of)).total_seconds() > 60
        if lost or (never and old):
            _finish(
                changeset,
                changeset.run,
                _("The import stopped before it finished. Nothing was changed. Start it again."),
            )
            if task_of is not None and task_of.status == TaskResultStatus.RUNNING:
                DBTaskResult.objects.filter(pk=task_of.pk, status=TaskResultStatus.RUNNING).update(
                    status=TaskResultStatus.FAILED, finished_at=timezone.now()
                )


def discard(changeset: Changeset) -> None:
    """Delete a changeset that was not applied, and its files.

    Raises StateConflict if it was applied, or a job was started on it, since it was read.
    """
    with transaction.atomic():
        changeset.delete_if_unchanged()
    delete_folder(changeset)


def _task_of(changeset: Changeset) -> "DBTaskResult[..., object] | None":
    recent = DBTaskResult.objects.filter(
        status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]
    )
    return next((t for t in recent if changeset.run in t.args_kwargs.get("args", [])), None)


def _started_at(changeset: Changeset, task_of: Any) -> Any:
    return (task_of and (task_of.started_at or task_of.enqueued_at)) or changeset.created_at


def _finish(changeset: Changeset, run: str, message: str, **fields: object) -> None:
    """Return a changeset to its editor, unless another job has it by now."""
    is_undo = changeset.kind == ChangesetKind.UNDO
    back = (
        ChangesetState.UPLOADED
        if changeset.state == ChangesetState.CHECKING and not is_undo
        else ChangesetState.CHECKED
    )
    Changeset.objects.filter(pk=changeset.pk, run=run, state__in=RUNNING_STATES).update(
        **{"state": back, "message": message, "run": "", **fields}
    )


# Jobs.


@task()
def read_file(changeset_id: int, run: str, language: str) -> None:
    """Detect the format and the columns of a changeset's file."""
    _run_task(changeset_id, run, language, ChangesetState.CHECKING, _read)


@task()
def check_file(changeset_id: int, run: str, language: str) -> None:
    """Plan what a changeset's file would change, and store the plan next to it."""
    _run_task(changeset_id, run, language, ChangesetState.CHECKING, _check)


@task()
def apply_changeset(changeset_id: int, run: str, language: str) -> None:
    """Apply the plan of an import, or perform an undo; all or nothing."""
    _run_task(changeset_id, run, language, ChangesetState.APPLYING, _apply)


def _run_task(
    changeset_id: int, run: str, language: str, state: str, job: Callable[[Changeset], None]
) -> None:
    changeset = Changeset.objects.filter(pk=changeset_id, run=run, state=state).first()
    if changeset is None:
        return
    with translation.override(language):
        try:
            job(changeset)
        except (JobSuperseded, StateConflict):
            return
        except Cancelled:
            _finish(changeset, run, _("Cancelled. Nothing was changed."))
        except PlanChanged:
            _finish(
                changeset,
                run,
                _(
                    "The data have changed since the preview. This is what the "
                    "file would change now. Nothing was changed yet."
                ),
                counts=changeset.counts,
                data_state=changeset.data_state,
                outcome=changeset.outcome,
            )
        except (UnreadableFile, InvalidMapping) as error:
            _finish(changeset, run, str(error), state=ChangesetState.UPLOADED)
        except (DatabaseRuleBroken, UndoError, PermissionDenied) as error:
            _finish(changeset, run, _with_outcome(str(error)))
        except ValidationError as error:
            _finish(changeset, run, _with_outcome(" ".join(error.messages)))
        except Exception:
            message = _("Something went wrong. Nothing was saved, and the error was logged.")
            _finish(changeset, run, message)
            raise


def _with_outcome(reason: str) -> str:
    """Return why a job ended, and that nothing was changed."""
    return " ".join([reason, _("Nothing was changed.")])


def open_plan(changeset: Changeset) -> Plan:
    """Open the plan of a changeset; raise FileNotFoundError if there is none."""
    return Plan.open(fetch_local(changeset, _plan_path(changeset)))


def upload_path(changeset: Changeset) -> Path:
    """Return the path of a changeset's file on this server; fetch the file first if necessary."""
    return fetch_local(changeset, Path(changeset.file.path))


def load_sample(changeset: Changeset) -> Sample | None:
    """Return the sample of a changeset's file; None if it has not been read."""
    found = read_note(changeset, SAMPLE)
    return Sample.from_json(json.loads(found[0])) if found else None


def refused_rows_path(changeset: Changeset) -> Path:
    """Return the path of the refused rows as CSV; raise FileNotFoundError if there are none."""
    path = fetch_local(changeset, changeset.folder / REFUSED)
    if not path.exists():
        raise FileNotFoundError(path)
    return path


def _uploaded_table(changeset: Changeset) -> Table:
    """Return the table in a changeset's file, read in the changeset's format."""
    path, sample = upload_path(changeset), load_sample(changeset)
    layout = FileFormat.from_json(changeset.file_format)
    if sample is None or sample.layout != layout:
        sample = read_sample(path, layout)
    if sample.problem:
        raise UnreadableFile(sample.problem)
    return SandboxedTable(path, sample)


def _plan_path(changeset: Changeset) -> Path:
    return changeset.folder / "plan.sqlite3"


def _read(changeset: Changeset) -> None:
    _require_own_file(changeset)
    _require_somebody(changeset)
    known = [*RESOURCES[changeset.noun]().columns, REASON_COLUMN]
    layout = FileFormat.from_json(changeset.file_format) if changeset.file_format else None
    with ProgressReporter(changeset) as work:
        waiting = partial(work.report, "", 0)
        sample = read_sample(upload_path(changeset), layout, known, waiting=waiting)
        if not changeset.mapping and not sample.problem:
            changeset.mapping = suggest_mapping(changeset.noun, sample)
        write_note(changeset, SAMPLE, json.dumps(sample.as_json()))
    changeset.compare_and_set(
        state=ChangesetState.UPLOADED,
        file_format=sample.layout.as_json(),
        mapping=changeset.mapping,
        message="",
        run="",
    )


def _check(changeset: Changeset) -> None:
    _require_own_file(changeset)
    _require_somebody(changeset)
    table = _uploaded_table(changeset)
    rows = table.about_rows() * len(changeset.mapping.get("nouns", []))
    with ProgressReporter(changeset, {"": rows}) as work:
        reports, state, outcome = _plan(changeset, table, work)
    _load_checked(changeset, reports, state, outcome)


def _plan(
    changeset: Changeset, table: Table, work: ProgressReporter
) -> tuple[list[Report], str, str]:
    mapping = FileMapping(changeset.mapping)
    path = _plan_path(changeset)
    with Plan(path, keep_rows=True) as plan:
        files = mapping.provided_records(table, plan)
        state = import_state((noun for noun, _rows in files), changeset.created_by)
        reports = make_plan(
            plan,
            files,
            user=_require_somebody(changeset),
            progress=work.report,
        )
        outcome = plan.digest()
        plan.finish()
    share_file(changeset, path)
    if any(report.refused for report in reports):
        _write_refused_rows(changeset, table)
    return reports, state, outcome


def _write_refused_rows(changeset: Changeset, table: Table) -> None:
    """Write the refused rows as CSV, as they are in the file, each with its reasons."""
    path = changeset.folder / REFUSED
    with path.open("w", encoding="utf-8", newline="") as file:
        header = [*_without_refusal_reason(table, table.columns), REASON_COLUMN]
        file.writelines(csv_lines(header, _refused(changeset, table)))
    share_file(changeset, path)


def _refused(changeset: Changeset, table: Table) -> Iterator[list[str]]:
    with open_plan(changeset) as plan:
        reasons = plan.reasons()
        wanted = next(reasons, None)
        for row in table.rows():
            if wanted is None:
                return
            if row.number == wanted[0]:
                yield [*_without_refusal_reason(table, row.cells), "; ".join(wanted[1])]
                wanted = next(reasons, None)


def _without_refusal_reason(table: Table, cells: Sequence[str]) -> list[str]:
    """Return a row's cells without the reason of an earlier refusal."""
    return [cell for name, cell in zip(table.columns, cells, strict=True) if name != REASON_COLUMN]


def _load_checked(changeset: Changeset, reports: list[Report], state: str, outcome: str) -> None:
    changeset.compare_and_set(
        state=ChangesetState.CHECKED,
        counts=merge_counts(reports),
        data_state=state,
        outcome=outcome,
        message="",
    )


def _apply(changeset: Changeset) -> None:
    if changeset.kind == ChangesetKind.UNDO:
        _undo(changeset)
    else:
        _apply_import(changeset)
    delete_folder(changeset)
    if changeset.file:
        changeset.file = ""
        changeset.save(update_fields=["file"])


def _apply_import(changeset: Changeset) -> None:
    _require_own_file(changeset)
    _require_rights(changeset)
    with ProgressReporter(changeset, _totals(changeset)) as work:
        for attempt in range(MAX_REPLANS + 1):
            try:
                _write(changeset, work)
                return
            except PlanOutdated:
                if attempt < MAX_REPLANS:
                    _replan(changeset, work)
        with transaction.atomic():  # lock the tables: others wait until this is done
            lock_tables(record_models())
            _replan(changeset, work)
            _write(changeset, work)


def _write(changeset: Changeset, work: ProgressReporter) -> None:
    reports = [
        Report(RESOURCE_BY_MODEL_NAME[name], **counts) for name, counts in changeset.counts.items()
    ]
    with open_plan(changeset) as plan:
        apply_plan(
            plan,
            changeset,
            reports,
            state=changeset.data_state,
            user=changeset.created_by,
            progress=work.report,
        )


def _replan(changeset: Changeset, work: ProgressReporter) -> None:
    """Make the plan again; raise PlanChanged if it differs from the one the editor has seen."""
    _require_rights(changeset)
    before = changeset.outcome
    table = _uploaded_table(changeset)
    reports, changeset.data_state, changeset.outcome = _plan(changeset, table, work)
    changeset.counts = merge_counts(reports)
    if changeset.outcome != before:
        raise PlanChanged


def _undo(changeset: Changeset) -> None:
    assert changeset.undoes is not None
    _require_somebody(changeset)
    with ProgressReporter(changeset, {"": changeset.undoes.changed_records_count}) as work:
        also = frozenset(changeset.undo_also)
        run_undo(changeset, user=changeset.created_by, also=also, progress=work.report)


def _totals(changeset: Changeset) -> dict[str, int]:
    return {
        RESOURCE_BY_MODEL_NAME[name]: counts.get("created", 0) + counts.get("updated", 0)
        for name, counts in changeset.counts.items()
    }


def _require_own_file(changeset: Changeset) -> None:
    path = upload_path(changeset) if changeset.file else None
    if path is None or not path.exists() or sha256_of(path) != changeset.sha256:
        raise UnreadableFile(_("This is not the file that was uploaded. Upload it again."))


def _require_somebody(changeset: Changeset) -> AnyUser:
    """Return the current state of the account that requested a job.

    Raises PermissionDenied if there is none, or if it is inactive or no longer staff.
    """
    user = changeset.created_by and reload_user(changeset.created_by)
    if user is None or not (user.is_active and user.is_staff):
        raise PermissionDenied(
            _("The person who requested this no longer has permission to do it.")
        )
    return user


def _require_rights(changeset: Changeset) -> None:
    """Raise PermissionDenied if the user has lost the right to import since."""
    user = _require_somebody(changeset)
    for model in record_models():
        counted = model._meta.model_name in changeset.counts
        if counted and not has_permission(user=user, action="import", record=model):
            raise PermissionDenied(
                _("The person who requested this no longer has permission to do it.")
            )
