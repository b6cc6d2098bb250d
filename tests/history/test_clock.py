"""A clock that is set back: versions keep the order in which they were written."""

import datetime as dt

import pytest
from django.utils import timezone

from allies.actions.undo import new_undo_changeset, undo_changeset
from allies.history.change_feed import get_changes_since
from allies.history.public_steps import get_public_steps
from allies.models import Changeset, Event, Status
from tests import factories
from tests.imports.files import load, write

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def set_back(monkeypatch):
    """Set the clock back by a number of hours."""
    told = timezone.now

    def by(hours):
        lost = dt.timedelta(hours=hours)
        monkeypatch.setattr(timezone, "now", lambda: told() - lost)

    return by


def moments(event):
    return list(event.history.order_by("history_id").values_list("history_date", flat=True))


def test_versions_stay_in_order_and_changes_are_reported(set_back):
    event = factories.event(("RUS", "host"), title_en="First")
    _told, cursor = get_changes_since("", 10_000)
    set_back(3)
    for title in ("Second", "Third"):
        event.title_en = title
        event.save()
    assert moments(event) == sorted(set(moments(event)))
    told, cursor = get_changes_since(cursor, 100)
    assert [(change.what, change.key) for change in told] == [("changed", event.slug)]
    event.status = Status.WITHDRAWN
    event.save()
    told, _cursor = get_changes_since(cursor, 100)
    assert [(change.what, change.key) for change in told] == [("withdrawn", event.slug)]


def test_history_shows_the_last_change_first(set_back):
    event = factories.event(("RUS", "host"), title_en="First")
    set_back(24)
    event.title_en = "Second"
    event.save()
    newest = get_public_steps(event)[0]
    assert "First to Second" in newest.sentences[0].text


def test_import_and_its_undo_come_after_earlier_versions(set_back, tmp_path):
    event = factories.event(("RUS", "host"), title_en="First")
    set_back(3)
    load("events", write(tmp_path / "e.csv", [{"slug": event.slug, "title_en": "Second"}]))
    set_back(6)
    changeset = Changeset.objects.applied().latest("pk")
    undo_changeset(changeset=changeset, by=new_undo_changeset(changeset, user=None), user=None)
    event = Event.objects.get(pk=event.pk)
    assert event.title_en == "First"
    assert len(moments(event)) == 3
    assert moments(event) == sorted(set(moments(event)))


def test_corrected_clock_is_used_again(set_back):
    event = factories.event(("RUS", "host"))
    set_back(3)
    event.save()
    set_back(0)
    event.save()
    assert timezone.now() - moments(event)[-1] < dt.timedelta(minutes=1)
