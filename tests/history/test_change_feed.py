"""The public change feed: which changes follow a cursor, and which never appear."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.history.change_feed import BadCursor, get_changes_since
from allies.models import AllyList, Entry, Event, SeeAlso, Status
from tests import factories
from tests.live_site import wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def everything(cursor="", limit=100):
    """Return all changes after a cursor, and the last cursor."""
    found = []
    while True:
        some, after = get_changes_since(cursor, limit)
        if after == cursor:
            return found, cursor
        found += some
        cursor = after


def since(cursor):
    return [(change.what, change.key) for change in everything(cursor)[0]]


@pytest.mark.slow
def test_empty_cursor_returns_every_public_record_once():
    factories.event(("RUS", "host"), status=Status.DRAFT, slug="hidden")
    hidden = factories.source(status=Status.DRAFT)
    factories.cite(factories.event(("RUS", "host"), cited=False, slug="unsupported"), hidden)
    found, _cursor = everything(limit=7)
    keys = [(change.noun, change.key) for change in found]
    assert len(keys) == len(set(keys))
    assert {change.what for change in found} == {"added"}
    assert {key for noun, key in keys if noun == "event"} == set(
        Event.objects.published().values_list("slug", flat=True)
    )
    assert [change.moment for change in found] == sorted(change.moment for change in found)


def test_changes_are_added_changed_and_withdrawn_records():
    kept = factories.event(("RUS", "host"), slug="kept")
    left = factories.event(("RUS", "host"), slug="left")
    _found, cursor = everything()
    assert since(cursor) == []
    factories.event(("RUS", "host"), slug="new")
    factories.event(("RUS", "host"), slug="draft", status=Status.DRAFT)
    kept.participations.create(country=factories.country("IND"), role="visitor")
    left.status = Status.WITHDRAWN
    left.title_en = "Nobody reads this"
    left.save()
    found, _cursor = everything(cursor)
    assert sorted((change.what, change.key) for change in found if change.noun == "event") == [
        ("added", "new"),
        ("changed", "kept"),
        ("withdrawn", "left"),
    ]
    assert next(c for c in found if c.key == "left").url == "/en/events/left/"


def test_withdrawn_record_has_its_last_public_slug():
    event = factories.event(("RUS", "host"), slug="public-name")
    _found, cursor = everything()
    event.status = Status.WITHDRAWN
    event.save()
    event.slug = "secret-name"
    event.save()
    assert since(cursor) == [("withdrawn", "public-name")]


def test_record_that_was_never_public_is_not_withdrawn():
    hidden = factories.source(status=Status.DRAFT)
    event = factories.event(("RUS", "host"), cited=False)
    factories.cite(event, hidden)
    draft = factories.ally_list("RUS", "CHN", status=Status.DRAFT)
    _found, cursor = everything()
    event.status = draft.status = Status.WITHDRAWN
    event.save()
    draft.save()
    draft.delete()
    assert since(cursor) == []


def test_deleted_record_is_withdrawn():
    ally_list = factories.ally_list("RUS", "CHN", slug="gone")
    _found, cursor = everything()
    ally_list.status = Status.WITHDRAWN
    ally_list.save()
    ally_list.delete()
    assert since(cursor) == [("withdrawn", "gone")]


def test_record_added_and_withdrawn_between_two_calls_is_left_out():
    _found, cursor = everything()
    event = factories.event(("RUS", "host"))
    event.status = Status.WITHDRAWN
    event.save()
    assert [key for what, key in since(cursor) if what == "withdrawn" or key == event.slug] == []


@pytest.mark.slow
def test_page_may_end_between_changes_of_the_same_time():
    """Versions written in bulk have the same timestamp, and a page may end between two of them."""
    moment = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    events = [factories.event(("RUS", "host"), slug=f"bulk-{n}") for n in range(5)]
    numbers = [event.pk for event in events]
    _found, start = everything()
    for event in events:
        for model in (Event.history.model, *_parts()):
            owner = "id" if model is Event.history.model else "event_id"
            model.objects.filter(**{owner: event.pk}).update(history_date=moment)
    Event.history.model.objects.filter(id__in=numbers).update(history_date=moment)
    found, _cursor = everything(limit=2)
    keys = [change.key for change in found if change.key.startswith("bulk-")]
    assert sorted(keys) == [f"bulk-{n}" for n in range(5)]
    assert {change.what for change in found if change.key in keys} == {"added"}
    assert since(start) == []


def _parts():
    return [field.related_model.history.model for field in Event._meta.related_objects]


@pytest.mark.parametrize("cursor", ["x", "MTIz", "é", "a" * 5000, "MjAyNC0wNS0wMSBldmVudCAx"])
def test_invalid_cursor_is_refused(cursor):
    with pytest.raises(BadCursor):
        get_changes_since(cursor, 10)


def test_more_records_cost_no_more_queries():
    _found, cursor = everything()

    def cost():
        with CaptureQueriesContext(connection) as queries:
            get_changes_since(cursor, 100)
        return len(queries)

    factories.ally_list("RUS", "CHN")
    factories.alliance("RUS", "IND")
    factories.event(("RUS", "host"))
    before = cost()
    for code in ("CHN", "IND", "PRK", "IRN"):
        factories.ally_list("RUS", code)
        factories.alliance("RUS", code)
        factories.event((code, "host"))
    assert cost() == before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_late_commit_is_not_missed():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: nothing is committed late")
    late = factories.event(("RUS", "host"), slug="late")
    _found, cursor = everything()
    other = connection.copy()
    try:
        with other.cursor() as slow:
            slow.execute("BEGIN")
            slow.execute(
                "UPDATE allies_historicalevent SET history_date = clock_timestamp() WHERE id = %s",
                [late.pk],
            )
            factories.event(("RUS", "host"), slug="early")
            _found, meanwhile = everything(cursor)
            slow.execute("COMMIT")
    finally:
        other.close()
    assert {"late", "early"} <= {key for _what, key in since(meanwhile)}


@pytest.mark.django_db(transaction=True)
def test_autovacuum_does_not_delay_the_log():
    """A transaction of autovacuum can take long, but writes no record."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no servant that tidies up")
    other = connection.copy()
    eager = {
        "autovacuum_naptime": "'1s'",
        "autovacuum_analyze_threshold": "1",
        "autovacuum_vacuum_cost_delay": "'100ms'",
        "autovacuum_vacuum_cost_limit": "1",
    }
    _found, cursor = everything()
    try:
        with other.cursor() as server:
            server.execute("CREATE TABLE tidied AS SELECT generate_series(1, 100000) AS number")
            for name, value in eager.items():
                server.execute(f"ALTER SYSTEM SET {name} = {value}")
            server.execute("SELECT pg_reload_conf()")
            wait_for(lambda: _tidies(server))
            factories.event(("RUS", "host"), slug="new")
            assert ("added", "new") in since(cursor)
            assert _tidies(server)
    finally:
        with other.cursor() as server:
            for name in eager:
                server.execute(f"ALTER SYSTEM RESET {name}")
            server.execute("SELECT pg_reload_conf()")
            server.execute("DROP TABLE tidied")  # stops the autovacuum of this table
        other.close()


def _tidies(server):
    server.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'autovacuum worker' AND xact_start IS NOT NULL)"
    )
    return server.fetchone()[0]


class TestUnpublishedWork:
    """Work that readers cannot see is not in the log, and does not move the cursor."""

    def test_drafts_do_not_move_the_cursor(self):
        _found, cursor = everything()
        event = factories.event(("RUS", "host"), status=Status.DRAFT, cited=False)
        factories.cite(event, factories.source(status=Status.DRAFT))
        event.title_en = "Another title"
        event.save()
        event.delete()
        assert get_changes_since(cursor, 100) == ([], cursor)
        whole, last = everything()
        assert last == cursor
        assert "event" in {change.noun for change in whole}

    def test_citation_of_a_draft_source_is_no_change(self):
        event = factories.event(("RUS", "host"))
        before = everything()
        factories.cite(event, factories.source(status=Status.DRAFT))
        assert get_changes_since(before[1], 100) == ([], before[1])
        assert everything() == before

    def test_see_also_with_a_draft_source_is_no_change(self):
        ally_list = AllyList.objects.published().first()
        _changes, cursor = everything()
        SeeAlso.objects.create(ally_list=ally_list, source=factories.source(status=Status.DRAFT))
        assert everything(cursor) == ([], cursor)
        SeeAlso.objects.create(ally_list=ally_list, source=factories.source())
        assert ("changed", ally_list.slug) in since(cursor)

    def test_withdrawn_record_keeps_the_time_of_its_withdrawal(self):
        event = factories.event(("RUS", "host"))
        _found, cursor = everything()
        event.status = Status.WITHDRAWN
        event.save()
        told = everything(cursor)
        event.title_en = "Nobody reads this"
        event.save()
        assert everything(cursor) == told
        event.delete()
        assert everything(cursor) == told
        assert [(change.what, change.key) for change in told[0]] == [("withdrawn", event.slug)]

    @pytest.mark.parametrize("status", [Status.DRAFT, Status.PUBLISHED])
    def test_hidden_entry_is_no_change(self, status):
        hidden, disputing = factories.source(status=Status.DRAFT), factories.source()
        ally_list = factories.ally_list("RUS", "CHN", status=status)
        _changes, cursor = everything()
        entry = Entry.objects.create(
            ally_list=ally_list, country=factories.country("IND"), position=2
        )
        factories.cite(entry, hidden)
        factories.cite(entry, disputing, stance="disputes")
        entry.prose_en = "Nobody reads this"
        entry.save()
        assert everything(cursor) == ([], cursor)
        entry.delete()
        assert everything(cursor) == ([], cursor)

    def test_entry_that_appears_or_disappears_is_a_change(self):
        ally_list = factories.ally_list("RUS", "CHN")
        entry = Entry.objects.create(
            ally_list=ally_list, country=factories.country("IND"), position=2
        )
        _changes, cursor = everything()
        factories.cite(entry)
        found, cursor = everything(cursor)
        assert [change.key for change in found if change.noun == "allylist"] == [ally_list.slug]
        entry.position = 3
        entry.save()
        assert since(cursor) == [("changed", ally_list.slug)]
        _found, cursor = everything(cursor)
        entry.delete()
        assert since(cursor) == [("changed", ally_list.slug)]

    @pytest.mark.slow
    def test_feeds_do_not_change_with_unpublished_work(self, client):
        """Work on drafts of every record type changes no date, cursor or ETag."""
        hidden = factories.source(status=Status.DRAFT)
        public = factories.ally_list("RUS", "CHN")
        draft = factories.ally_list("RUS", "CHN", status=Status.DRAFT)
        shown = factories.event(("RUS", "host"))
        _found, cursor = everything()
        addresses = [
            *("/en/lists.atom", f"/en/lists/{public.slug}.atom", "/en/events.atom"),
            *("/en/alliances.atom", "/en/sources.atom", "/en/countries.atom", "/en/search.atom"),
            *("/en/countries/russia/allies.atom", "/en/countries/russia/lists.atom"),
            *("/en/countries/russia/allies/changes.atom", "/en/changes.atom"),
            *("/en/corrections/feed/", "/api/v1/changes", f"/api/v1/changes?cursor={cursor}"),
        ]

        def answers():
            found = {address: client.get(address) for address in addresses}
            assert {response.status_code for response in found.values()} == {200}
            return {
                address: (response["ETag"], response.get("Last-Modified"), response.content)
                for address, response in found.items()
            }

        before = answers()
        for ally_list in (draft, public):
            entry = Entry.objects.create(
                ally_list=ally_list, country=factories.country("IND"), position=2
            )
            factories.cite(entry, hidden)
            SeeAlso.objects.create(ally_list=ally_list, source=hidden)
        factories.cite(shown, hidden)
        event = factories.event(("RUS", "host"), status=Status.DRAFT, cited=False)
        event.participations.create(country=factories.country("CHN"), role="visitor")
        alliance = factories.alliance("RUS", "IND", status=Status.DRAFT, cited=False)
        factories.cite(event, hidden)
        factories.cite(alliance, hidden)
        alliance.memberships.first().save()
        factories.alliance("RUS", "IRN", cited=False)
        factories.event(("RUS", "host"), cited=False)
        hidden.title = "Another title"
        hidden.save()
        for address, answer in answers().items():
            assert answer == before[address], address
        factories.event(("RUS", "host"))
        assert answers()["/en/events.atom"][0] != before["/en/events.atom"][0]
