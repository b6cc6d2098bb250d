"""The content version changes exactly when public content becomes visible."""

import re

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from allies.db.content_version import compact, content_version, reset_version, watched_tables
from allies.models import ContentChange, Country, Source
from tests import factories
from tests.views import page_urls

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


@pytest.mark.slow
def test_every_table_that_a_public_page_reads_is_watched(client):
    read = set()
    for address in page_urls.one_of_each("en"):
        with CaptureQueriesContext(connection) as queries:
            page_urls.body(client.get(address))
        for query in queries:
            read |= set(re.findall(r'(?:FROM|JOIN) "?(\w+)"?', query["sql"]))
    tables = read & {*connection.introspection.table_names()}
    # The internal tables of the search index change with the table that they index.
    mine = {table for table in tables if not table.startswith("allies_searchtext_")}
    assert mine <= {*watched_tables(), "allies_contentchange"}
    assert len(mine) > 15


@pytest.mark.parametrize("table", watched_tables())
def test_write_to_a_watched_table_changes_the_version(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        if not cursor.fetchone()[0] and connection.vendor == "sqlite":
            # The table is empty, so check that its triggers exist.
            cursor.execute(
                "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
                [table],
            )
            assert cursor.fetchone()[0] >= 3
            return
        column = connection.introspection.get_table_description(cursor, table)[0].name
        same = f"UPDATE {table} SET {column} = {column}"
        before = content_version()
        cursor.execute(same)
        assert content_version() != before


def test_writes_without_signals_change_the_version():
    before = content_version()
    Source.objects.filter(key="dw-2024-en").update(title="Another")
    assert content_version() != before
    before = content_version()
    Country.objects.bulk_update(Country.objects.all()[:3], ["name_en"])
    assert content_version() != before


def test_rollback_restores_the_version():
    before = content_version()
    with transaction.atomic():
        factories.event(("RUS", "host"))
        assert content_version() != before
        transaction.set_rollback(True)
    assert content_version() == before


def test_compact_keeps_the_version():
    factories.event(("RUS", "host"))
    before = content_version()
    compact()
    compact()
    assert content_version() == before
    assert ContentChange.objects.count() == 1


def test_reset_version_gives_a_new_version_each_time():
    seen = {content_version()}
    for _n in range(5):
        reset_version()
        seen.add(content_version())
    assert len(seen) == 6


@pytest.mark.django_db(transaction=True)
def test_migrate_restores_lost_triggers(demo_data):
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER allies_source_counted_UPDATE")
    before = content_version()
    call_command("migrate", verbosity=0)
    assert content_version() != before  # a migration may have changed any content
    before = content_version()
    Source.objects.filter(key="dw-2024-en").update(title="Another")
    assert content_version() != before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_transaction_that_starts_first_and_commits_last_changes_the_version(demo_data):
    """Writes become visible at the commit. A number from a sequence would be too low by then."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE allies_source SET title = 'First' WHERE key = 'dw-2024-en'")
            Source.objects.filter(key="dw-2024-en").exists()
            factories.event(("RUS", "host"))  # does not wait for the open transaction
            before = content_version()
            cursor.execute("COMMIT")
        assert content_version() != before
    finally:
        other.close()
