"""Published lists side by side: ranks, publishers, and republications that count once."""

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.models import Source, Status
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

ADDRESS = "/en/countries/{}/lists"


def rows(visitor, slug, query=""):
    """Return the table as {country: (its positions, number of independent outlets)}."""
    page = visitor.get(f"{ADDRESS.format(slug)}/{query}")
    return {
        str(row.country.name): (
            [entry.position if entry else None for _list, entry in row.cells],
            row.outlets,
        )
        for row in page.context["rows"]
    }


def columns(visitor, slug):
    page = visitor.get(f"{ADDRESS.format(slug)}/")
    return [
        (c.outlet.publisher if c.outlet else None, c.original and c.original.publisher)
        for c in page.context["compared"]
    ]


@pytest.mark.usefixtures("no_page_cache")
def test_table_has_the_demo_lists_side_by_side(client):
    assert columns(client, "russia") == [
        (None, None),
        ("BisnisUpdate", "DW"),
        ("iNews.id", None),
    ]
    assert rows(client, "russia") == {
        "China": ([1, 1, 1], 2),
        "North Korea": ([2, 2, 2], 2),
        "Iran": ([3, 3, 3], 2),
        "India": ([None, None, 4], 1),
    }


def test_page_marks_own_and_derived_lists_and_links_entries(client):
    page = body(client.get("/en/countries/russia/lists/"))
    for words in (
        "our own list",
        "based on DW",
        'href="/en/lists/inews-4-negara-sahabat-rusia/#india"',
        'href="/en/sources/inews-sahabat/"',
        'aria-label="India: number 4 on the list of iNews.id"',
        "date not known",
    ):
        assert words in page
    assert "bersumber dari DW" in body(client.get("/id/countries/russia/lists/"))


@pytest.mark.usefixtures("no_page_cache")
def test_republications_follow_their_original_and_count_once(client):
    original = factories.source(publisher="Reuters", date_published="2020-03-01")
    copies = [
        factories.source(publisher=name, derived_from=original, date_published=date)
        for name, date in (("Later", "2020-05"), ("Sooner", "2020-04"))
    ]
    between = factories.source(publisher="Other", date_published="2020-04-15")
    for source in (*copies, original, between):
        factories.ally_list("DEU", "FRA", recorded_from=source)
    factories.ally_list("DEU", "FRA", "ITA")
    assert columns(client, "germany") == [
        (None, None),
        ("Reuters", None),
        ("Sooner", "Reuters"),
        ("Later", "Reuters"),
        ("Other", None),
    ]
    assert rows(client, "germany") == {
        "France": ([1, 1, 1, 1, 1], 2),
        "Italy": ([2, None, None, None, None], 0),
    }


def test_table_ignores_drafts(client):
    factories.ally_list("DEU", "FRA", recorded_from=factories.source(), status=Status.DRAFT)
    listed = factories.ally_list("DEU", "FRA", recorded_from=factories.source())
    factories.cite(
        listed.entries.create(country=factories.country("ITA"), position=2),
        factories.source(status=Status.DRAFT),
    )
    assert rows(client, "germany") == {"France": ([1], 1)}
    Source.objects.filter(pk=listed.recorded_from_id).update(status=Status.DRAFT)
    assert rows(client, "germany") == {"France": ([1], 0)}


def test_csv_and_json_have_one_row_per_entry(client):
    found = list(csv.DictReader(io.StringIO(body(client.get("/en/countries/russia/lists.csv")))))
    india = [row for row in found if row["country"] == "IND"]
    assert [(row["list"], row["position"], row["outlet"]) for row in india] == [
        ("inews-4-negara-sahabat-rusia", "4", "iNews.id")
    ]
    assert {row["origin"] for row in found} == {"", "dw-2024-en"}
    data = json.loads(body(client.get("/en/countries/russia/lists.json?q=Korut")))
    assert {row["country"] for row in data["rows"]} == {"PRK"}


def test_table_can_be_searched_for_a_country(client):
    assert list(rows(client, "russia", "?q=Korut")) == ["North Korea"]
    assert "with this name" in body(client.get("/en/countries/russia/lists/?q=Brazil"))


def test_page_says_if_there_are_no_lists(client):
    page = body(client.get("/en/countries/brazil/lists/"))
    assert "No lists of this country’s allies are recorded." in page
    assert "<table" not in page


@pytest.mark.usefixtures("no_page_cache")
def test_query_count_is_constant_for_more_lists(client):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            body(client.get("/en/countries/germany/lists/"))
        return len(queries)

    factories.ally_list("DEU", "FRA", recorded_from=factories.source())
    cost()
    before = cost()
    for _n in range(5):
        factories.ally_list(
            "DEU", "FRA", "ITA", recorded_from=factories.source(derived_from=factories.source())
        )
    assert cost() == before


def test_table_has_row_and_column_headings(client):
    page = body(client.get("/en/countries/russia/lists/"))
    table = re.search(r"<table.*?</table>", page, re.S)[0]
    assert len(re.findall(r'<th scope="col"', table)) == 5
    assert len(re.findall(r'<th scope="row"', table)) == 4
    assert "<caption" in table
