"""Scheduled steps: publish or withdraw a record at a set time.

A record is published only with the content it had when the time was set, or with later changes by a
user who may publish.
"""

import datetime as dt
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from allies.actions.apply_changes import edit_transaction, new_changeset
from allies.actions.permissions import AnyUser, can_publish, has_permission
from allies.actions.publication import (
    TRANSITIONS,
    NotPublishableError,
    WrongStatusError,
    apply_transition,
)
from allies.evidence.guards import EvidenceLost
from allies.history.snapshots import take_snapshot
from allies.models import Appointment, Publishable, StateConflict

#: The steps that can be scheduled.
SCHEDULABLE_TRANSITIONS = ("publish", "withdraw")

logger = logging.getLogger(__name__)


def content_digest(record: Publishable, *, lock: bool = False) -> str:
    """Return a digest of a record as stored, with its status and its parts.

    One query per kind of part, and one more.
    """
    dossier = take_snapshot(record, lock=lock)
    status = type(record)._default_manager.values_list("status", flat=True).filter(pk=record.pk)
    return sha256(json.dumps([status.first(), dossier], sort_keys=True).encode()).hexdigest()


def is_void(appointment: Appointment, content: str) -> bool:
    """Return whether the content of the record has changed since the step was scheduled."""
    return bool(appointment.content) and appointment.content != content


@contextmanager
def renew_schedule(*, record: Any, user: AnyUser) -> Iterator[list[Appointment]]:
    """Keep scheduled publications valid after changes in the block, if this user may publish.

    Otherwise these changes make them void. Yields a list, to which they are added at the end.
    """
    void: list[Appointment] = []
    waiting = _valid_schedules(record) if isinstance(record, Publishable) and record.pk else []
    yield void
    if not waiting:
        return
    left = Appointment.objects.waiting().filter(pk__in=[one.pk for one in waiting])
    content = content_digest(record)
    if can_publish(user=user, record=record):
        left.update(content=content)
    else:
        void += [one for one in left if is_void(one, content)]


def _valid_schedules(record: Publishable) -> list[Appointment]:
    """Return the scheduled publications that are not void; lock the record if there are any."""
    waiting = list(Appointment.objects.waiting().about(record).filter(step="publish"))
    content = content_digest(record, lock=True) if waiting else ""
    return [one for one in waiting if not is_void(one, content)]


@transaction.atomic
def schedule_action(
    *, record: Publishable, step: str, due_at: dt.datetime, user: AnyUser
) -> Appointment:
    """Schedule a step of a record.

    Raises PermissionDenied without the permission for the step, ValidationError if the time is
    past.
    """
    if step not in SCHEDULABLE_TRANSITIONS or not has_permission(
        user=user, action=TRANSITIONS[step][2], record=record
    ):
        raise PermissionDenied
    if due_at <= timezone.now():
        raise ValidationError(_("Choose a time in the future."))
    is_publication = step == "publish"
    content = content_digest(record, lock=True) if is_publication else ""
    Appointment.objects.about(record).failed().filter(step=step).delete()
    return Appointment.objects.create(
        noun=str(record._meta.model_name),
        record_id=record.pk,
        step=step,
        due_at=due_at,
        created_by_id=int(user.pk or 0),
        language=translation.get_language() or "en",
        content=content,
    )


def cancel_schedule(*, appointment: Appointment, user: AnyUser) -> None:
    """Cancel a scheduled step.

    Raises PermissionDenied without the permission for the step, StateConflict if the step was
    applied in the meantime.
    """
    record = appointment.record
    if record is not None and not has_permission(
        user=user, action=TRANSITIONS[appointment.step][2], record=record
    ):
        raise PermissionDenied
    with transaction.atomic():
        appointment.delete_if_unchanged()


def run_due() -> list[Appointment]:
    """Apply the steps that are due, each in its own transaction; return those that were handled."""
    due = Appointment.objects.waiting().filter(due_at__lte=timezone.now())
    return [kept for pk in due.values_list("pk", flat=True) if (kept := _run_one(pk))]


def _run_one(pk: int) -> Appointment | None:
    """Apply one step; if it fails unexpectedly, mark it as done, so that the others still run."""
    try:
        return _execute(pk)
    except Exception:
        logger.exception("The scheduled action %s failed", pk)
        broken: Appointment | None = Appointment.objects.filter(pk=pk, done_at=None).first()
        if broken is not None:
            with translation.override(broken.language), suppress(StateConflict):
                problem = _("Something went wrong. Nothing was saved, and the error was logged.")
                broken.compare_and_set(done_at=timezone.now(), problem=problem)
        return broken


def _execute(pk: int) -> Appointment | None:
    with transaction.atomic():
        found = Appointment.objects.filter(pk=pk, done_at=None).first()
        record = found.record if found is not None else None
        # Lock the record first, in the same order as a manual step that cancels this one.
        content = content_digest(record, lock=True) if record is not None else ""
        waiting = Appointment.objects.select_for_update(of=("self",)).filter(pk=pk, done_at=None)
        appointment = waiting.first()
        if appointment is None:  # another job has applied it, or it was cancelled
            return None
        with translation.override(appointment.language):
            problem = _apply_or_explain(appointment, record, content)
        appointment.compare_and_set(done_at=timezone.now(), problem=problem)
        return appointment  # type: ignore[no-any-return]


def _apply_or_explain(appointment: Appointment, record: Any, content: str) -> str:
    """Apply the step; return the reason if that is not possible, else ""."""
    user = appointment.created_by
    if record is None:
        return _("This record no longer exists.")
    if is_void(appointment, content):
        return _("It was edited after the time was set. Check it and set the time again.")
    changeset = new_changeset(record=record, user=user, reason=_("At the scheduled time"))
    try:
        with edit_transaction(changeset, user=user):
            record._history_user = user
            apply_transition(record=record, step=appointment.step, user=user, is_scheduled=True)
    except PermissionDenied:
        return _("The person who requested this no longer has permission to do it.")
    except NotPublishableError as lacking:
        return " ".join(lacking.missing)
    except (WrongStatusError, EvidenceLost) as error:
        return " ".join(getattr(error, "messages", error.args))
    return ""
