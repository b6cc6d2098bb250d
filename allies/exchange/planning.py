"""The first half of an import: file → rows → plan. Nothing but SELECT reaches the database.

A chunk costs a fixed number of queries: one for the records it may already hold, one a reference
column, one a unique rule. Memory holds one chunk and the country names.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from allies.actions.rights import Person, reload_user
from allies.exchange.load import NounLoad
from allies.exchange.plan import Outcome, Plan
from allies.exchange.references import References
from allies.exchange.report import Report
from allies.exchange.resources import NOUNS
from allies.exchange.rows import Rows
from allies.models import Record, data_state, referred_models

#: Called with the noun and the number of its rows done.
Progress = Callable[[str, int], None]


def make_plan(
    plan: Plan,
    files: Iterable[tuple[str, Rows]],
    *,
    user: Person | None = None,
    only_new: Mapping[str, frozenset[str]] | None = None,
    progress: Progress | None = None,
) -> list[Report]:
    """Work out what rows would do, noun by noun in the order given; return a report a noun.

    ``user`` of None is the operator at the command line, who may do everything; ``only_new``
    names, a noun, the columns set on new records and left alone on known ones. Raises
    UnreadableFile where reading a file ends.
    """
    references = References(plan)
    reports = []
    for noun, rows in files:
        report = Report(noun)
        report.on_refusal = _keep(plan, noun) if plan.keep_rows else None
        reports.append(report)
        load = NounLoad(
            plan,
            references,
            NOUNS[noun](),
            report,
            user=user,
            only_new=(only_new or {}).get(noun, frozenset()),
            progress=_for_noun(progress, noun),
        )
        load.take(rows)
        report.errors.sort(key=lambda error: error.row)
    return reports


def looked_at(nouns: Iterable[str]) -> set[type[Record]]:
    """Return the models whose records an import of these nouns looks at."""
    models: set[type[Record]] = set()
    for noun in nouns:
        model = NOUNS[noun]._meta.model
        models |= {model, *referred_models(model)}
    return models


def state_for(nouns: Iterable[str], user: Person | None = None) -> str:
    """Return the state of all an import of these nouns looks at: the data and the user's rights."""
    state = data_state(looked_at(nouns))
    if user is None:
        return state
    user = reload_user(user)
    rights = sorted(user.get_all_permissions()) if user.is_staff else []
    return sha256(f"{state} {rights}".encode()).hexdigest()


def _for_noun(progress: Progress | None, noun: str) -> Callable[[int], None]:
    return (lambda rows: progress(noun, rows)) if progress else (lambda rows: None)


def _keep(plan: Plan, noun: str) -> Callable[[int, list[tuple[str, str, str]]], None]:
    def keep(row: int, found: list[tuple[str, str, str]]) -> None:
        detail = json.dumps(found, ensure_ascii=False)
        plan.note([(noun, row, Outcome.REFUSED, "", detail, "")])

    return keep
