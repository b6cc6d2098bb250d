"""Corrections: retention of readers' email addresses."""

import datetime as dt

import pytest
from django.utils import timezone

from allies.models import Correction
from allies.models.correction import CONTACT_RETENTION

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.mark.parametrize(("seconds", "is_forgotten"), [(-1, False), (0, True), (1, True)])
def test_reader_email_is_deleted_after_retention_period(seconds, is_forgotten):
    now = timezone.now()
    decided = now - CONTACT_RETENTION - dt.timedelta(seconds=seconds)
    given = {"noun": "event", "record_id": 1, "text": "x", "outcome": "declined"}
    given["decided_at"] = decided
    kept = Correction.objects.create(**given, contact="reader@example.org")
    Correction.objects.create(**given)
    assert Correction.objects.purge_contacts(now) == int(is_forgotten)
    kept.refresh_from_db()
    assert kept.contact == ("" if is_forgotten else "reader@example.org")
