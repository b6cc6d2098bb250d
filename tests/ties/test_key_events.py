"""Key events of a list's entries: chosen by editors, or the latest ones."""

import csv
import datetime as dt
import io
import re

import pytest
from django.db import IntegrityError

from allies.editions.content import build_edition_content
from allies.history.change_feed import get_changes_since
from allies.history.public_steps import get_public_steps
from allies.imports.runner import ImportRejected
from allies.models import Changeset, Event, KeyEvent, Status
from allies.ties.key_events import KEY_EVENTS_PER_COUNTRY, key_events
from tests import factories
from tests.admin.test_permissions import form_of
from tests.imports.files import export, load, write
from tests.imports.test_undo import take_back
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def ally_list():
    return factories.ally_list("RUS", "FJI", slug="listed")


@pytest.fixture
def entry(ally_list):
    return ally_list.entries.get()


def meeting(date, **given):
    return factories.event(("RUS", "host"), ("FJI", "visitor"), date=date, **given)


def choose(entry, *events):
    return [
        KeyEvent.objects.create(entry=entry, event=event, position=position)
        for position, event in enumerate(events, start=1)
    ]


def shown(entry, **given):
    """Return the ids of the entry's events and whether editors chose them."""
    found = key_events(entry.ally_list.focus, [entry], **given).get(entry.country_id)
    return ([event.pk for event in found.events], found.are_chosen) if found else ([], None)


def test_six_latest_events_are_shown_by_default(entry):
    events = [meeting(f"2001-{month:02}") for month in range(1, KEY_EVENTS_PER_COUNTRY + 3)]
    meeting("2002", status=Status.DRAFT)
    factories.event(("FJI", "visitor"), ("TON", "host"), date="2003")
    latest = [event.pk for event in reversed(events)]
    assert KEY_EVENTS_PER_COUNTRY == 6
    assert shown(entry) == (latest[:6], False)
    assert shown(entry, until=dt.date(2001, 7, 1))[0] == latest[1:7]
    assert shown(entry, until=dt.date(2001, 6, 30))[0] == latest[2:8]
    alone = factories.event(("FJI", "subject"), date="2004")
    assert shown(entry)[0][0] == alone.pk


def test_un_votes_are_no_latest_events(entry):
    visit = meeting("1990")
    factories.event(("RUS", "for"), ("FJI", "for"), kind="un-vote", date="2020")
    assert shown(entry) == ([visit.pk], False)


def test_chosen_events_replace_the_latest_in_their_order(entry):
    old, new = meeting("1990"), meeting("2000")
    vote = factories.event(("RUS", "for"), ("FJI", "against"), kind="un-vote", date="1995")
    meeting("2010")
    choose(entry, new, old, vote)
    assert shown(entry) == ([new.pk, old.pk, vote.pk], True)
    assert shown(entry, until=dt.date(1996, 1, 1)) == ([old.pk, vote.pk], True)
    assert shown(entry, until=dt.date(1980, 1, 1)) == ([], None)


def test_default_applies_if_readers_may_see_no_chosen_event(entry):
    visit, draft = meeting("1990"), meeting("2000", status=Status.DRAFT)
    choose(entry, draft)
    assert shown(entry) == ([visit.pk], False)


def test_page_download_and_edition_have_the_chosen_events(entry, client):
    old, _latest = meeting("1990", slug="old"), meeting("2000", slug="latest")
    page = "/en/lists/listed/"
    assert "<h3>Latest events</h3>" in body(client.get(page))
    choose(entry, old)
    said = body(client.get(page))
    assert "<h3>Key events</h3>" in said
    assert re.findall(r'class="title" href="/en/events/([\w-]+)/"', said) == ["old"]
    rows = csv.DictReader(io.StringIO(body(client.get("/en/lists/listed/events.csv"))))
    assert [row["event"] for row in rows] == ["old"]
    content = build_edition_content(entry.ally_list, on=dt.date(2024, 1, 1))
    (listed,) = content["list"]["entries"]
    assert [event["slug"] for event in listed["events"]] == ["old"]
    (row,) = client.get("/api/v1/key-events?list=listed").json()["items"]
    assert row == {"entry": "listed/FJI", "event": "old", "position": 1}


@pytest.mark.postgresql
def test_event_is_chosen_once_per_entry(entry):
    event = meeting("1990")
    choose(entry, event)
    with pytest.raises(IntegrityError):
        choose(entry, event)


@pytest.mark.postgresql
def test_key_events_are_imported_exported_and_undone(entry, tmp_path):
    for slug in ("one", "two"):
        meeting("1990", slug=slug)
    rows = [
        {"entry": "listed/FJI", "event": "two", "position": 1},
        {"entry": "listed/FJI", "event": "one", "position": 2},
    ]
    file = write(tmp_path / "key-events.csv", rows)
    report = load("key-events", file)
    assert (report.created, report.updated) == (2, 0)
    assert [key.event.slug for key in entry.key_events.order_by_position()] == ["two", "one"]
    report = load("key-events", file)
    assert (report.created, report.updated) == (0, 0)
    exported = csv.DictReader(io.StringIO(export("key-events")))
    assert [{**row, "position": int(row["position"])} for row in exported] == rows
    take_back(Changeset.objects.filter(counts__has_key="keyevent").earliest("pk"))
    assert not entry.key_events.exists()
    wrong = write(tmp_path / "wrong.csv", [{"entry": "listed/TON", "event": "one", "position": 1}])
    with pytest.raises(ImportRejected):
        load("key-events", wrong)


def test_public_history_names_chosen_events_but_no_drafts(entry):
    ally_list = entry.ally_list
    meeting("1990", title_en="A visit")
    before = get_changes_since("", 10_000)[1]
    choose(entry, Event.objects.get(title_en="A visit"))
    choose(entry, meeting("2000", title_en="Zanzabarra", status=Status.DRAFT))
    said = " ".join(s.text for step in get_public_steps(ally_list) for s in step.sentences)
    assert "Key event: A visit" in said
    assert "Zanzabarra" not in said
    changes, after = get_changes_since(before, 10)
    assert "listed" in {change.key for change in changes}
    choose(entry, meeting("2001", status=Status.DRAFT))
    assert "listed" not in {change.key for change in get_changes_since(after, 10)[0]}


def test_reviewer_chooses_key_events_in_the_form_of_the_entry(entry, reviewer, login_as):
    events = [meeting("1990"), meeting("2000")]
    desk = login_as(reviewer)
    address = f"/en/admin/allies/entry/{entry.pk}/change/"
    page = desk.get(address).content.decode()
    assert "Key events (without any, readers see the latest events)" in page
    form = form_of(desk, address)
    form |= {"key_events-TOTAL_FORMS": "2"}
    for number, event in enumerate(reversed(events)):
        form |= {
            f"key_events-{number}-entry": str(entry.pk),
            f"key_events-{number}-event": str(event.pk),
            f"key_events-{number}-position": str(number + 1),
        }
    assert desk.post(address, {**form, "_save": "1"}).status_code == 302
    assert shown(entry) == ([event.pk for event in reversed(events)], True)
