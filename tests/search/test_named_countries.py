"""Countries that a search query names, and the page that the search offers for them."""

import json

import pytest

from allies.models import Alias
from allies.search.named_countries import find_named_countries
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

CHINA_INDONESIA = "/en/ties/china/indonesia/"


def codes(text):
    return [country.code for country in find_named_countries(text).countries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("indonesia china", ["IDN", "CHN"]),
        ("china indonesia", ["CHN", "IDN"]),
        ("china and russia", ["CHN", "RUS"]),
        ("indonesia dan china", ["IDN", "CHN"]),
        ("Indonesia dengan Tiongkok", ["IDN", "CHN"]),
        ("russia vs ukraine", ["RUS", "UKR"]),
        ("UK USA", ["GBR", "USA"]),
        ("id cn", ["IDN", "CHN"]),
        ("IN CN", ["IND", "CHN"]),
        ("RUSSIA AND CHINA", ["RUS", "CHN"]),
        ("korut/korea selatan", ["PRK", "KOR"]),
        ("guinea bissau guinea", ["GNB", "GIN"]),
        ("cote d'ivoire curacao", ["CIV", "CUW"]),
        ("Trinidad & Tobago and Bosnia and Herzegovina", ["TTO", "BIH"]),
        ("365 710", ["RUS", "CHN"]),
        ("indonesia china russia usa", ["IDN", "CHN", "RUS", "USA"]),
        ("russia russia federation", ["RUS"]),
    ],
)
def test_query_of_names_is_read_as_countries(text, expected):
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How alike do Indonesia and China vote?", ["IDN", "CHN"]),
        ("Must China defend North Korea?", ["CHN", "PRK"]),
        ("Perjanjian RI – RRT", ["IDN", "CHN"]),
        ("no more to do in China", ["CHN"]),  # NO, TO and DO are codes
        ("allies of russia", ["RUS"]),
        ("treaties of 1990", []),
    ],
)
def test_question_names_countries_among_other_words(text, expected):
    found = find_named_countries(text)
    assert [country.code for country in found.countries] == expected
    assert not found.is_whole_text


def test_name_of_two_countries_is_not_read_as_either():
    for code in ("DNK", "NOR"):
        Alias.objects.create(country=factories.country(code), name="Nordlandia")
    assert codes("nordlandia china") == ["CHN"]


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("query", ["indonesia china", "RRT dan Indonesia", "cn vs id"])
def test_search_offers_the_pair_before_its_results(language, query, client):
    page = body(client.get(f"/{language}/search/", {"q": query}))
    assert f'<a class="title" href="/{language}/ties/china/indonesia/">' in page
    assert "No results for" not in page
    found = json.loads(body(client.get(f"/{language}/search/suggest.json", {"q": query})))
    assert found["suggestions"][0]["url"] == f"/{language}/ties/china/indonesia/"


def test_search_offers_the_comparison_of_three_countries(client):
    page = body(client.get("/en/search/", {"q": "indonesia, china and russia"}))
    assert 'href="/en/ties/?first=IDN&amp;second=CHN&amp;third=RUS"' in page


def test_question_about_one_country_offers_its_allies(client):
    page = body(client.get("/en/search/", {"q": "who is an ally of brazil?"}))
    assert 'href="/en/countries/brazil/allies/"' in page


def test_name_of_one_country_offers_only_results(client):
    page = body(client.get("/en/search/", {"q": "north korea"}))
    assert 'class="named"' not in page
    assert '<a class="title" href="/en/countries/north-korea/"' in page


def test_suggestions_for_a_field_of_countries_are_countries_only(client):
    query = {"q": "china russia", "noun": "country"}
    assert json.loads(body(client.get("/en/search/suggest.json", query)))["suggestions"] == []
    query = {"q": "chin", "noun": "country"}
    found = json.loads(body(client.get("/en/search/suggest.json", query)))["suggestions"]
    assert {one["noun"] for one in found} == {"country"}
    assert "China" in {one["title"] for one in found}
