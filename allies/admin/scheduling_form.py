"""Scheduling in the form of a record: publish or withdraw it at a given time."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.permissions import has_permission
from allies.actions.publication import TRANSITIONS
from allies.actions.scheduling import (
    SCHEDULABLE_TRANSITIONS,
    cancel_schedule,
    content_digest,
    is_void,
    schedule_action,
)
from allies.admin.mixins import FormContextMixin
from allies.history.steps import parse_id
from allies.models import Appointment, Publishable, StateConflict
from allies.tasks import run_due_schedules

SCHEDULE_LABELS = {
    "publish": gettext_lazy("Schedule"),
    "withdraw": gettext_lazy("Schedule withdrawal"),
}


class SchedulingMixin(FormContextMixin):
    """Scheduling a step for later."""

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        context = super().extra_context(request, record)
        if record is not None:
            context["appointments"] = _schedule_rows(record)
            context["timed"] = [
                (step, SCHEDULE_LABELS[step])
                for step in SCHEDULABLE_TRANSITIONS
                if has_permission(user=request.user, action=TRANSITIONS[step][2], record=record)
            ]
        return context

    def handle_schedule(self, request: HttpRequest, record: Publishable) -> HttpResponse | None:
        """Schedule or cancel a step as the form asks; return None if it asks for neither."""
        step = request.POST.get("_later", "")
        off = request.POST.get("_call_off", "")
        if number := parse_id(off):
            self._cancel(request, record, number)
        elif step in SCHEDULABLE_TRANSITIONS:
            self._schedule(request, record, step)
        else:
            return None
        address = f"admin:allies_{self.model._meta.model_name}_change"
        return HttpResponseRedirect(reverse(address, args=[record.pk]))

    def _cancel(self, request: HttpRequest, record: Model, number: int) -> None:
        appointment = Appointment.objects.about(record).filter(pk=number, done_at=None).first()
        try:
            if appointment is None:
                raise StateConflict
            cancel_schedule(appointment=appointment, user=request.user)
        except StateConflict:
            messages.warning(request, _("This was already done or cancelled."))
        else:
            messages.success(request, _("Cancelled."))

    def _schedule(self, request: HttpRequest, record: Publishable, step: str) -> None:
        due_at = _parse_moment(request.POST.get("_due_at", ""))
        if due_at is None:
            messages.error(request, _("Enter a date and a time."))
            return
        try:
            made = schedule_action(record=record, step=step, due_at=due_at, user=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return
        # One second later, so that the job does not run before the step is due.
        at = made.due_at + dt.timedelta(seconds=1)
        transaction.on_commit(lambda: run_due_schedules.using(run_after=at).enqueue())
        messages.success(request, _("Scheduled."))


def _schedule_rows(record: Publishable) -> list[Appointment]:
    """Return the scheduled steps and, for unpublished records, the last one that failed.

    ``is_void`` says whether the record has changed since the step was scheduled.
    """
    about = Appointment.objects.about(record)
    failed = about.failed().order_by("-done_at")
    found = [*about.waiting(), *([] if record.is_published else failed[:1])]
    if any(one.done_at is None and one.content for one in found):
        content = content_digest(record)
        for one in found:
            one.is_void = one.done_at is None and is_void(one, content)
    return found


def _parse_moment(text: str) -> dt.datetime | None:
    """Return the date and time in a text; None if it is invalid or out of range."""
    try:
        moment = parse_datetime(text)
        if moment is not None and timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        if moment is not None:
            moment.astimezone(dt.UTC) + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return moment
