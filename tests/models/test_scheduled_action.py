"""Querysets of scheduled steps."""

import datetime as dt

import pytest
from django.utils import timezone

from allies.models import Appointment

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def test_waiting_appointments_are_ordered_by_due_time(editor):
    now = timezone.now()
    common = {"noun": "event", "record_id": 1, "step": "publish", "created_by": editor}
    late = Appointment.objects.create(**common, due_at=now + dt.timedelta(days=2))
    soon = Appointment.objects.create(**common, due_at=now + dt.timedelta(days=1))
    kept = Appointment.objects.create(**common, due_at=now, done_at=now)
    failed = Appointment.objects.create(**common, due_at=now, done_at=now, problem="It lacks.")
    assert list(Appointment.objects.waiting()) == [soon, late]
    assert list(Appointment.objects.failed()) == [failed]
    assert kept not in Appointment.objects.failed()
