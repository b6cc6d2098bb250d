"""The content's version: whatever a reader could see changes it, in the moment it is seen."""

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
    # The index's own tables follow the table they index.
    mine = {table for table in tables if not table.startswith("allies_searchtext_")}
    assert mine <= {*watched_tables(), "allies_contentchange"}
    assert len(mine) > 15


@pytest.mark.parametrize("table", watched_tables())
def test_a_write_to_a_watched_table_makes_another_version(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        if not cursor.fetchone()[0] and connection.vendor == "sqlite":
            # Nothing to write to: then what would count it has to be there.
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


def test_what_writes_without_a_signal_counts_too():
    before = content_version()
    Source.objects.filter(key="dw-2024-en").update(title="Another")
    assert content_version() != before
    before = content_version()
    Country.objects.bulk_update(Country.objects.all()[:3], ["name_en"])
    assert content_version() != before


def test_what_is_rolled_back_was_never_a_version():
    before = content_version()
    with transaction.atomic():
        factories.event(("RUS", "host"))
        assert content_version() != before
        transaction.set_rollback(True)
    assert content_version() == before


def test_folding_keeps_the_version():
    factories.event(("RUS", "host"))
    before = content_version()
    compact()
    compact()
    assert content_version() == before
    assert ContentChange.objects.count() == 1


def test_content_from_elsewhere_has_a_version_that_never_was():
    seen = {content_version()}
    for _n in range(5):
        reset_version()
        seen.add(content_version())
    assert len(seen) == 6


@pytest.mark.django_db(transaction=True)
def test_a_table_made_anew_is_watched_again(demo_data):
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER allies_source_counted_UPDATE")
    before = content_version()
    call_command("migrate", verbosity=0)
    assert content_version() != before  # a migration may have written anything
    before = content_version()
    Source.objects.filter(key="dw-2024-en").update(title="Another")
    assert content_version() != before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_who_began_first_and_ends_last_makes_a_version_too(demo_data):
    """What a transaction wrote is seen when it ends: a number drawn before would be too low."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE allies_source SET title = 'First' WHERE key = 'dw-2024-en'")
            Source.objects.filter(key="dw-2024-en").exists()
            factories.event(("RUS", "host"))  # nobody waits for the one who has not ended
            before = content_version()
            cursor.execute("COMMIT")
        assert content_version() != before
    finally:
        other.close()
