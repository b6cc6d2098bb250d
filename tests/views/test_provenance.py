"""Downloads name their data sets and licences, and leave out rows that may not be passed on."""

import csv
import io
import json
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.models import Source
from tests import factories
from tests.views.page_urls import body, content

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]

TERMS = "Free use with citation"


@pytest.fixture
def data_set(db):
    """Return the only data set of the site whose rows may not be passed on."""
    Source.objects.filter(redistribution=False).update(redistribution=None)
    return factories.source(
        key="pact-data",
        kind="dataset",
        publisher="Pact Project",
        title="Pacts 1.0",
        author="Doe, Jane; Poe, Edgar",
        licence=TERMS,
        redistribution=False,
        doi="10.1234/pacts",
        covers_from="1816",
        covers_to="2012-12-31",
    )


@pytest.fixture
def pact(data_set):
    """Return an alliance that rests on this data set alone."""
    made = factories.alliance("RUS", "IND", cited=False, slug="secret-pact", title_en="Secret Pact")
    factories.cite(made, data_set)
    return made


@pytest.fixture
def shared(data_set):
    """Return an alliance that rests on this data set and on another source."""
    made = factories.alliance("RUS", "IND", slug="shared-pact")
    factories.cite(made, data_set)
    return made


def slugs(visitor, **asked):
    text = body(visitor.get("/en/alliances.csv", asked))
    return {row["alliance"] for row in csv.DictReader(io.StringIO(text))}


def readme(visitor, address):
    with zipfile.ZipFile(io.BytesIO(content(visitor.get(address)))) as archive:
        described = json.loads(archive.read("datapackage.json"))
        return archive.read("README.md").decode(), described


def test_whole_tables_leave_out_what_rests_on_withheld_sources_alone(pact, shared, client):
    found = slugs(client)
    assert "shared-pact" in found
    assert "secret-pact" not in found
    whole = json.loads(body(client.get("/en/alliances.json")))
    assert whole["left_out"] == 1
    assert whole["count"] == len(found) == len(whole["rows"])
    for form in ("csv", "xlsx", "json", "zip"):
        assert client.get(f"/en/alliances.{form}").headers["X-Rows-Left-Out"] == "1"
    assert client.get("/api/v1/memberships").json()["left_out"] == 2


def test_filtered_views_single_pages_and_pages_of_lists_show_all(pact, client):
    assert "secret-pact" in slugs(client, q="secret pact")
    assert "secret-pact" in slugs(client, country="RUS")
    assert client.get("/en/alliances.csv?country=RUS").headers["X-Rows-Left-Out"] == "0"
    assert client.get("/en/alliances/secret-pact/").status_code == 200
    assert client.get("/api/v1/alliances/secret-pact").status_code == 200
    members = body(client.get("/en/alliances/secret-pact/memberships.csv"))
    assert len(members.splitlines()) == 3
    assert "Secret Pact" in body(client.get("/en/alliances/?kind=defence-pact&q=secret"))
    items = client.get("/api/v1/alliances", {"q": "secret pact"}).json()
    assert (len(items["items"]), items["left_out"]) == (1, 0)


def test_long_filtered_view_is_like_a_whole_table(pact, client, monkeypatch):
    monkeypatch.setattr("allies.views.download_mixin.MAX_FILTERED_ROWS", 3)
    assert "secret-pact" not in slugs(client, country="RUS")
    assert "secret-pact" in slugs(client, q="secret pact")


def test_api_leaves_out_the_same_rows_on_every_page(pact, client):
    found, address = set(), "/api/v1/alliances?limit=40"
    while address:
        answer = client.get(address).json()
        assert answer["left_out"] == 1
        found |= {row["alliance"] for row in answer["items"]}
        address = answer["next"]
    assert found == slugs(client)
    cited = client.get("/api/v1/citations?source=pact-data").json()
    assert cited["items"]
    keys = {row["source"] for row in client.get("/api/v1/citations?limit=500").json()["items"]}
    assert "pact-data" not in keys


def test_nothing_is_left_out_without_withheld_sources(data_set, client):
    data_set.redistribution = True
    data_set.save()
    made = factories.alliance("RUS", "IND", cited=False, slug="open-pact")
    factories.cite(made, data_set)
    assert "open-pact" in slugs(client)
    assert "Downloads leave out" not in body(client.get("/en/alliances/"))


def test_page_says_how_many_rows_downloads_leave_out(pact, client):
    shown = body(client.get("/en/alliances/"))
    assert "Downloads leave out 1 row, because it rests only on data sets" in shown
    assert "Downloads leave out" not in body(client.get("/en/alliances/?q=secret"))
    assert "Unduhan tidak memuat 1 baris" in body(client.get("/id/alliances/"))


def test_data_package_names_data_sets_licences_and_rows_left_out(pact, shared, client):
    text, described = readme(client, "/en/alliances.zip")
    (resource,) = described["resources"]
    assert resource["rows_left_out"] == 1
    assert resource["rows"] + 1 == resource["rows_without_filter"]
    source = next(one for one in resource["sources"] if one["key"] == "pact-data")
    assert source["title"] == "Pact Project: Pacts 1.0"
    assert (source["licence"], source["redistribution"]) == (TERMS, False)
    names = [one["title"] for one in resource["licenses"]]
    assert names[0] == "Creative Commons Attribution 4.0 (Allies)"
    assert f"{TERMS} (Pact Project: Pacts 1.0)" in names
    line = f"- Doe, Jane; Poe, Edgar. Pact Project: Pacts 1.0. Licence: {TERMS}."
    assert f"{line} Its rows may not be passed on. https://doi.org/10.1234/pacts" in text
    assert "1 row is left out" in text
    assert "1 baris tidak disertakan" in text
    assert "keep the terms of their publishers" in text
    text, described = readme(client, "/en/countries.zip")
    assert "sources" not in described["resources"][0]
    assert "Sources and licences" not in text


def test_json_names_data_sets_and_licences(pact, client):
    found = json.loads(body(client.get("/en/alliances.json")))
    assert found["licence"]["name"] == "CC-BY-4.0"
    source = next(one for one in found["sources"] if one["key"] == "pact-data")
    assert source["authors"] == ["Doe, Jane", "Poe, Edgar"]
    assert source["licence"] == TERMS
    allies = json.loads(body(client.get("/en/countries/russia/allies.json")))
    assert "pact-data" in {one["key"] for one in allies["sources"]}


def test_page_data_name_data_sets_and_claim_only_our_part(pact, client):
    shown = body(client.get("/en/alliances/"))
    data = json.loads(shown.partition('type="application/ld+json">')[2].partition("</script>")[0])
    rows = data["mainEntity"]
    based = next(one for one in rows["isBasedOn"] if one["name"] == "Pacts 1.0")
    assert based["license"] == {"@type": "CreativeWork", "name": TERMS}
    assert based["temporalCoverage"] == "1816/2012-12-31"
    assert rows["license"].endswith("/en/methods/#licence")


def test_source_page_shows_terms_authors_and_coverage(data_set, client):
    shown = body(client.get("/en/sources/pact-data/"))
    for part in (
        "Authors",
        "Poe, Edgar",
        'href="https://doi.org/10.1234/pacts"',
        TERMS,
        "1816",
        "31 December 2012",
        "may not be passed on",
    ):
        assert part in shown, part
    data = json.loads(shown.partition('type="application/ld+json">')[2].partition("</script>")[0])
    about = data["mainEntity"]
    assert [one["name"] for one in about["creator"]] == ["Doe, Jane", "Poe, Edgar"]
    assert about["identifier"] == ["pact-data", "https://doi.org/10.1234/pacts"]
    data_set.licence = "CC-BY-SA-4.0"
    data_set.save()
    assert 'href="https://creativecommons.org/licenses/by-sa/4.0/"' in body(
        client.get("/en/sources/pact-data/")
    )


def test_methods_and_llms_txt_list_data_sets_with_their_terms(pact, client):
    methods = body(client.get("/en/methods/"))
    assert "Pacts 1.0" in methods
    assert TERMS in methods
    text = body(client.get("/llms.txt"))
    assert "by Doe, Jane; Poe, Edgar (tables: alliances, memberships)" in text
    assert f"Licence: {TERMS}. Covers 1816/2012-12-31." in text
    assert "may not be passed on" in text


def test_queries_do_not_grow_with_rows(pact, client, no_page_cache):
    def queries():
        body(client.get("/en/alliances.json"))
        with CaptureQueriesContext(connection) as asked:
            body(client.get("/en/alliances.json"))
        return len(asked)

    before = queries()
    for _number in range(3):
        factories.cite(factories.alliance("RUS", "CHN"), factories.source(kind="dataset"))
    assert queries() == before
