"""The first half of an import: from a file's rows to a plan. It only reads the database.

A chunk costs a fixed number of queries: one per kind of identity, one per key of each reference
column, one per unique rule. Memory holds one chunk and the country names.
"""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256

from allies.actions.permissions import AnyUser, reload_user
from allies.imports.plan import Outcome, Plan
from allies.imports.references import References
from allies.imports.report import Report
from allies.imports.resources import RESOURCES
from allies.imports.row_planner import RecordPlanner
from allies.imports.rows import Rows
from allies.models import Alias, Alliance, Country, Record, data_fingerprint, related_record_models

#: Called with the record type and the number of its rows processed.
Progress = Callable[[str, int], None]


def make_plan(
    plan: Plan,
    files: Iterable[tuple[str, Rows]],
    *,
    user: AnyUser | None = None,
    progress: Progress | None = None,
) -> list[Report]:
    """Plan the rows of each record type, in the order given; return one report per item.

    ``user`` is None for the operator at the command line, who may do everything. Raises
    UnreadableFile if a file cannot be read to its end.
    """
    references = References(plan)
    reports = []
    for noun, rows in files:
        report = Report(noun)
        report.on_refusal = _write_outcomes(plan, noun) if plan.keep_rows else None
        reports.append(report)
        load = RecordPlanner(
            plan,
            references,
            RESOURCES[noun](),
            report,
            user=user,
            progress=_plan_records(progress, noun),
        )
        load.plan_rows(rows)
        report.errors.sort(key=lambda error: error.row)
    return reports


def examined_models(nouns: Iterable[str]) -> set[type[Record]]:
    """Return the models that an import of these record types reads."""
    models: set[type[Record]] = set()
    for noun in nouns:
        model = RESOURCES[noun]._meta.model
        models |= {model, *related_record_models(model)}
    # Cells may name a record by one of its aliases.
    return models | {Alias} if models & {Country, Alliance} else models


def import_state(nouns: Iterable[str], user: AnyUser | None = None) -> str:
    """Return a hash of everything the import depends on: the data and the user's permissions."""
    state = data_fingerprint(examined_models(nouns))
    if user is None:
        return state
    user = reload_user(user)
    rights = sorted(user.get_all_permissions()) if user.is_staff else []
    return sha256(f"{state} {rights}".encode()).hexdigest()


def _plan_records(progress: Progress | None, noun: str) -> Callable[[int], None]:
    return (lambda rows: progress(noun, rows)) if progress else (lambda rows: None)


def _write_outcomes(plan: Plan, noun: str) -> Callable[[int, list[tuple[str, str, str]]], None]:
    def keep(row: int, found: list[tuple[str, str, str]]) -> None:
        detail = json.dumps(found, ensure_ascii=False)
        plan.set_note([(noun, row, Outcome.REFUSED, "", detail, "")])

    return keep
