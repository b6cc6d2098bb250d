"""The list of all disagreements between sources: as a page, a file, a feed and in the API."""

import json

import pytest

from allies.models import Status
from tests import factories
from tests.views.page_urls import body

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]

PAGE = "/en/data/disagreements"


@pytest.fixture
def pact(db):
    """Return an alliance whose sources disagree about every member."""
    made = factories.alliance("RUS", "IND", "CHN", slug="tea-pact", title_en="Tea Pact")
    factories.alias(made, "TEAPO")
    made.memberships.update(joined="1982", joined_earliest="1982-01-01", joined_latest="1982-12-31")
    source = factories.source(key="tea-data", publisher="Tea Data")
    other = factories.source(key="gazette", publisher="Gazette")
    members = {member.country.alpha3: member for member in made.memberships.all()}
    factories.cite(members["RUS"], source, joined="1981")
    factories.cite(members["IND"], source, joined="1983", left="1990", locator="row 7")
    factories.cite(members["CHN"], other, stance="disputes")
    factories.cite(members["CHN"], source, joined="1982-05")
    return made


def rows(visitor, **asked):
    found = json.loads(body(visitor.get(f"{PAGE}.json", asked)))["rows"]
    return {(row["country"], row["source"]): row for row in found if row["alliance"] == "tea-pact"}


def test_each_source_that_disagrees_is_a_row(pact, client):
    found = rows(client)
    assert {key: row["differences"] for key, row in found.items()} == {
        ("RUS", "tea-data"): ["joined"],
        ("IND", "tea-data"): ["joined", "left"],
        ("CHN", "gazette"): ["only-in-one"],
    }
    row = found["IND", "tea-data"]
    assert (row["joined"], row["source_joined"]) == ("1982", "1983")
    assert (row["left"], row["source_left"], row["locator"]) == ("", "1990", "row 7")


@pytest.mark.parametrize(
    ("asked", "countries"),
    [
        ({"alliance": "teapo"}, {"RUS", "IND", "CHN"}),
        ({"alliance": "nato"}, set()),
        ({"country": "India"}, {"IND"}),
        ({"source": "gazette"}, {"CHN"}),
        ({"difference": "joined"}, {"RUS", "IND"}),
        ({"difference": "left"}, {"IND"}),
        ({"difference": "only-in-one"}, {"CHN"}),
        ({"q": "tea pact"}, {"RUS", "IND", "CHN"}),
        ({"q": "russia"}, {"RUS"}),
    ],
)
def test_list_is_filtered(pact, client, asked, countries):
    assert {country for country, _source in rows(client, **asked)} == countries


def test_unknown_names_are_refused(pact, client):
    for asked in ({"alliance": "nonsense"}, {"source": "nonsense"}, {"difference": "x"}):
        assert client.get(f"{PAGE}/", asked).status_code == 400, asked


def test_page_shows_both_dates_and_counts_the_differences(pact, client):
    shown = body(client.get(f"{PAGE}/", {"alliance": "tea-pact"}))
    assert "3 results" in shown
    assert "<strong>1983</strong>" in shown
    assert "still a member" in shown
    assert "never a member" in shown
    assert 'difference=joined" rel="nofollow"' in shown or "difference=joined" in shown
    assert "Perbedaan antarsumber" in body(client.get("/id/data/disagreements/"))
    assert "/en/data/disagreements/" in body(client.get("/en/"))


def test_list_is_a_file_a_feed_and_in_the_api(pact, client):
    for form in ("csv", "xlsx", "zip"):
        assert client.get(f"{PAGE}.{form}", {"alliance": "tea-pact"}).status_code == 200
    feed = body(client.get(f"{PAGE}.atom", {"alliance": "tea-pact"}))
    assert feed.count("<entry>") == 3
    assert "joined 1983. Our data: 1982." in feed
    assert "left 1990. Our data: still a member." in feed
    items = client.get("/api/v1/disagreements", {"alliance": "tea-pact"}).json()["items"]
    assert len(items) == 3


def test_draft_sources_are_not_shown(pact, client):
    source = pact.memberships.get(country__alpha3="RUS").citations.get().source
    source.status = Status.DRAFT
    source.save()
    assert {country for country, _source in rows(client)} == {"CHN"}
