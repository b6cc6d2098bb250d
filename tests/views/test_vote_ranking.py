"""Who votes most like a country: ranking, minimum of joint votes, years and downloads."""

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.ties.vote_ranking import YearRange, votes_of_all
from allies.ties.voting import agreement_by_period, shared_roll_calls, total_agreement
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

PAGE = "/en/countries/denmark/votes-like/"


def roll_call(year, **votes):
    roles = {"y": "for", "n": "against", "a": "abstained", "-": "absent"}
    parts = [(code, roles[vote]) for code, cast in votes.items() for vote in cast]
    return factories.event(*parts, kind="un-vote", date=year)


@pytest.fixture
def votes():
    """Record ten votes of Denmark: Norway agrees in all, Sweden in 8, Fiji in its only one."""
    for number in range(8):
        roll_call("1990-05-01", DNK="y", NOR="y", SWE="y", ISL="yn")
    roll_call("2001-05-01", DNK="n", NOR="n", SWE="a", ISL="-")
    roll_call("2001", DNK="a", NOR="a", SWE="n", FJI="a")


def ranking(visitor, query=""):
    rows = json.loads(body(visitor.get(f"{PAGE[:-1]}.json?{query}")))["rows"]
    return [(row["rank"], row["country"], row["identical"], row["joint"]) for row in rows]


def test_countries_are_ranked_by_their_share_of_identical_votes(votes, client):
    assert ranking(client) == [(1, "NOR", 10, 10), (2, "SWE", 8, 10)]
    assert ranking(client, "min_votes=1") == [
        (1, "NOR", 10, 10),
        (1, "FJI", 1, 1),
        (3, "SWE", 8, 10),
    ]


def test_page_names_the_most_alike_and_links_to_the_pair(votes, client):
    page = body(client.get(PAGE))
    assert "Norway voted most like Denmark: the same in 100.0% of 10 votes" in page
    assert "Based on 10 recorded votes of Denmark, 1990–2001." in page
    assert re.search(
        r'<a href="/en/ties/denmark/sweden/#votes">(<svg.*?</svg>)?\s*Sweden</a>', page
    )
    assert "1 country is left out, because both took part in fewer than 10 votes." in page
    page = body(client.get(PAGE.replace("/en/", "/id/")))
    assert "suara Norwegia paling mirip dengan Denmark" in page


def test_years_limit_the_votes(votes, client):
    assert ranking(client, "from=2001&min_votes=1")[0] == (1, "NOR", 2, 2)
    assert ranking(client, "to=1990&min_votes=8") == [(1, "NOR", 8, 8), (1, "SWE", 8, 8)]
    roll_call("2000/2001", DNK="y", SWE="y")  # of one of two years
    assert ranking(client, "from=2001&min_votes=2") == [(1, "NOR", 2, 2), (2, "SWE", 0, 2)]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("from=2001&to=1990", "The first year is after the last one."),
        ("from=abc", "Enter a whole number."),
        ("min_votes=0", "greater than or equal to 1"),
    ],
)
def test_wrong_filter_is_explained(query, error, client):
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 400
    assert error in body(response)
    assert client.get(f"{PAGE[:-1]}.csv?{query}").status_code == 400


def test_region_and_name_narrow_the_ranking(votes, client):
    assert ranking(client, "min_votes=1&region=009") == [(1, "FJI", 1, 1)]
    assert [row[1] for row in ranking(client, "q=swe")] == ["SWE"]


def test_ranking_agrees_with_the_page_of_each_pair(votes):
    denmark = factories.country("DNK")
    roll_call("2002", DNK="yn", NOR="y")  # Denmark is recorded with two votes
    roll_call("2002", DNK="y", NOR="ya", FJI="n")
    found = votes_of_all(denmark, YearRange())
    assert found.cast == 11
    for code in ("NOR", "SWE", "FJI", "ISL"):
        other = factories.country(code)
        pair = total_agreement(agreement_by_period(shared_roll_calls(denmark, other)))
        votes = found.others.get(other.pk)
        assert (votes.cast if votes else {}) == pair.cast, code


def test_drafts_do_not_count(votes, client):
    before = ranking(client, "min_votes=1")
    factories.event(("DNK", "for"), ("SWE", "for"), kind="un-vote", status="draft")
    factories.event(("DNK", "for"), ("SWE", "for"), kind="un-vote", cited=False)
    factories.event(("DNK", "for"), ("SWE", "for"), kind="summit")
    assert ranking(client, "min_votes=1") == before


def test_country_without_votes_says_so(client):
    page = body(client.get("/en/countries/baden/votes-like/"))
    assert "No UN General Assembly votes of Baden are recorded for these years." in page


def test_csv_has_the_documented_columns(votes, client):
    rows = csv.DictReader(io.StringIO(body(client.get(f"{PAGE[:-1]}.csv"))))
    assert list(rows)[1] == {
        "rank": "2",
        "country": "SWE",
        "name_en": "Sweden",
        "name_ind": "Swedia",
        "joint": "10",
        "identical": "8",
        "share": "0.8",
        "lijphart": "0.9",
    }


def test_country_and_pair_link_to_the_ranking(client):
    for page in ("/en/countries/denmark/", "/en/search/?q=who+votes+most+like+denmark"):
        assert f'href="{PAGE}"' in body(client.get(page))


@pytest.mark.usefixtures("no_page_cache")
def test_query_count_is_constant_for_more_countries(votes, client):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            body(client.get(f"{PAGE}?min_votes=1"))
        return len(queries)

    cost()
    before = cost()
    for code in ("NZL", "TON", "AUS", "IND", "CHN"):
        roll_call("2003", DNK="y", **{code: "y"})
    assert cost() == before < 10
