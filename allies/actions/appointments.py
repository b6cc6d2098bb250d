"""Steps to come: a record is published, or withdrawn, at a time somebody set."""

import datetime as dt
import logging
from contextlib import suppress

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from allies.actions.editing import editing, new_edit
from allies.actions.publication import STEPS, NotPublishable, WrongStatus, take_step
from allies.actions.rights import Person, may
from allies.models import Appointment, EvidenceLost, Publishable, StateConflict

#: The steps one may set a time for.
TIMED = ("publish", "withdraw")

logger = logging.getLogger(__name__)


def make_appointment(
    *, record: Publishable, step: str, due_at: dt.datetime, user: Person
) -> Appointment:
    """Have a record take a step at a time to come.

    Raises PermissionDenied without the right to the step, ValidationError for a time gone by.
    """
    if step not in TIMED or not may(user=user, action=STEPS[step][2], record=record):
        raise PermissionDenied
    if due_at <= timezone.now():
        raise ValidationError(_("Give a time that is still to come."))
    return Appointment.objects.create(
        noun=str(record._meta.model_name),
        record_id=record.pk,
        step=step,
        due_at=due_at,
        created_by_id=int(user.pk or 0),
        language=translation.get_language() or "en",
    )


def call_appointment_off(*, appointment: Appointment, user: Person) -> None:
    """Forget a step to come.

    Raises PermissionDenied without the right to the step, StateConflict if it was taken meanwhile.
    """
    record = appointment.record
    if record is not None and not may(user=user, action=STEPS[appointment.step][2], record=record):
        raise PermissionDenied
    with transaction.atomic():
        appointment.delete_as_read()


def keep_appointments() -> list[Appointment]:
    """Take the steps that are due, each by itself and once; return those looked at."""
    due = Appointment.objects.waiting().filter(due_at__lte=timezone.now())
    return [kept for pk in due.values_list("pk", flat=True) if (kept := _looked_at(pk))]


def _looked_at(pk: int) -> Appointment | None:
    """Keep an appointment; one that breaks down is noted as done, and the rest have their turn."""
    try:
        return _keep(pk)
    except Exception:
        logger.exception("Appointment %s broke down", pk)
        broken: Appointment | None = Appointment.objects.filter(pk=pk, done_at=None).first()
        if broken is not None:
            with translation.override(broken.language), suppress(StateConflict):
                problem = _("Something went wrong here; nothing was written. It has been noted.")
                broken.write(done_at=timezone.now(), problem=problem)
        return broken


def _keep(pk: int) -> Appointment | None:
    with transaction.atomic():
        waiting = Appointment.objects.select_for_update(of=("self",)).filter(pk=pk, done_at=None)
        appointment = waiting.first()
        if appointment is None:  # somebody else keeps it
            return None
        with translation.override(appointment.language):
            problem = _problem_in_taking(appointment)
        appointment.write(done_at=timezone.now(), problem=problem)
        return appointment  # type: ignore[no-any-return]


def _problem_in_taking(appointment: Appointment) -> str:
    """Take the step; return why it could not be taken, else an empty text."""
    record, user = appointment.record, appointment.created_by
    if record is None:
        return _("The record is not there any more.")
    changeset = new_edit(record=record, user=user, reason=_("At the time that was set"))
    try:
        with editing(changeset, user=user):
            record._history_user = user
            take_step(record=record, step=appointment.step, user=user)
    except PermissionDenied:
        return _("Whoever asked for this may no longer do it.")
    except NotPublishable as lacking:
        return " ".join(lacking.missing)
    except (WrongStatus, EvidenceLost) as error:
        return " ".join(getattr(error, "messages", error.args))
    return ""
