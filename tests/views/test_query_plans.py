"""Query plans of the filtered views: they use indexes and do not scan large tables."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.models import Citation, Country, Event, Participation, Source
from allies.tasks import refresh_statistics
from tests import factories
from tests.views.page_urls import body

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data", "no_page_cache")]

#: Each country takes part in few of the events, as most countries do in real data.
EVENTS, PARTS = 2_000, 25

#: Tables with one row per vote of each country, and their history.
LARGE = {"allies_participation", "allies_historicalparticipation"}

ASKED = [
    "/en/events/?country=CHN&role=visitor",
    "/en/events/?country=CHN&role=host&date_after=1990-01-01&date_before=2019-12-31",
    "/en/events/?country=CHN&with=RUS",
    "/en/events.csv?country=CHN&with=RUS",
    "/en/countries/china/",
    "/en/countries/china/history/",
    "/en/countries/russia/allies/",
    "/en/countries/russia/allies.csv",
    "/en/lists/russia-allies-in-asia/",
    "/en/lists/russia-allies-in-asia/events.csv",
    "/en/ties/china/russia/",
    "/en/ties/china/russia/votes.csv",
    "/en/events/unga-es-11-1/",
    "/en/search/?q=china",
]


@pytest.fixture
def many():
    """Fifty thousand participations, and statistics for the query planner."""
    countries = list(Country.objects.exclude(alpha3=""))
    source = Source.objects.get(key="dw-2024-en")
    pattern = factories.event(("RUS", "host"), slug="pattern", date="2001-02-03")
    factories.cite(pattern, source)
    events = [
        Event(
            slug=f"many-{n}",
            title_en=f"Meeting {n}",
            kind=pattern.kind,
            date=f"{1950 + n % 70}-03-04",
            status="published",
        )
        for n in range(EVENTS)
    ]
    Event.objects.bulk_create(events)
    Citation.objects.bulk_create(
        Citation(event=event, source=source, stance="supports") for event in events
    )
    rows = [
        Participation(event=event, country=countries[(7 * n + m) % len(countries)], role="visitor")
        for n, event in enumerate(events)
        for m in range(PARTS)
    ]
    Participation.objects.bulk_create(rows, batch_size=5_000)
    Participation.history.bulk_history_create(rows, batch_size=5_000)
    refresh_statistics.call()
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM allies_participation")
        assert cursor.fetchone()[0] > EVENTS * PARTS
    return rows


def scanned(sql):
    """Return the tables that a query scans in full, directly or through an index."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
            return set(_nodes(cursor.fetchone()[0]))
        cursor.execute("SELECT rootpage, tbl_name FROM sqlite_master WHERE rootpage > 0")
        tables = dict(cursor.fetchall())
        cursor.execute(f"EXPLAIN {sql}")
        # The readable plan names aliases; the bytecode has the tables' root pages.
        steps = [row[1:4] for row in cursor.fetchall()]
    opened = {cursor: tables.get(page) for step, cursor, page in steps if step == "OpenRead"}
    return {opened.get(cursor) for step, cursor, _to in steps if step in ("Rewind", "Last")}


def _nodes(plan):
    if isinstance(plan, list):
        for part in plan:
            yield from _nodes(part)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for part in plan.values():
            yield from _nodes(part)


@pytest.mark.slow
def test_no_page_scans_all_participations(many, client):
    past_all = {}
    for address in ASKED:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address)
            body(response)
        assert response.status_code == 200, address
        for query in queries:
            if query["sql"].startswith("SELECT") and (found := scanned(query["sql"]) & LARGE):
                past_all.setdefault(address, []).append((found, query["sql"]))
    assert not past_all


@pytest.mark.slow
def test_scanned_finds_full_table_scans(many):
    for sql in (
        "SELECT role FROM allies_participation WHERE created_at < '2000-01-01'",
        "SELECT COUNT(*) FROM allies_participation WHERE role = 'visitor'",
    ):
        assert scanned(sql) == {"allies_participation"}


@pytest.mark.slow
def test_new_process_can_refresh_statistics(live_site):
    """Query plans depend on them: without statistics, a listing is many times slower."""
    table = "pg_stats" if live_site.environment.get("DATABASE_URL") else "sqlite_stat1"
    column = "tablename" if table == "pg_stats" else "tbl"
    said = live_site.shell(
        "from allies.tasks import refresh_statistics; refresh_statistics.call();"
        "from django.db import connection; c = connection.cursor();"
        f"c.execute(\"SELECT DISTINCT {column} FROM {table} WHERE {column} LIKE 'allies_%'\");"
        "print(*sorted(row[0] for row in c.fetchall()))"
    )
    assert {"allies_event", "allies_participation", "allies_citation"} <= set(said.split())
