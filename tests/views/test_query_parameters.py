"""Query parameters: forms show how a value was understood; invalid values are refused."""

import json

import pytest

from allies.models import Alias, Country
from tests.views.page_urls import body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_data")]


def rows(answer):
    assert answer.status_code == 200
    return json.loads(body(answer))["rows"]


@pytest.mark.parametrize("room", ["+", "%20", "%0A", "%C2%A0"])
@pytest.mark.parametrize(
    ("path", "name", "text"),
    [
        ("events/?", "date_after", "2024-06-19"),
        ("events/?", "kind", "visit"),
        ("events/?", "country", "RUS"),
        ("countries/russia/allies/?", "on", "2012-12-31"),
        ("countries/russia/allies/?", "min_sources", "1"),
        ("search/?q=russia&", "date_after", "2024-06-19"),
    ],
)
def test_whitespace_around_values_is_ignored(path, name, text, room, client):
    plain = body(client.get(f"/en/{path}{name}={text}"))
    roomy = body(client.get(f"/en/{path}{name}={room}{text}{room}"))
    form, count = ('<form class="filters"', "</form>"), ('<p class="count">', "</p>")
    for start, end in (form, count):
        shown = plain.partition(start)[2].partition(end)[0]
        assert text in shown
        assert roomy.partition(start)[2].partition(end)[0] == shown


@pytest.mark.parametrize("name", ["kind", "country", "date_after", "certainty", "q"])
def test_whitespace_alone_means_no_filter(name, client):
    all_of_them = rows(client.get("/en/events.json"))
    assert rows(client.get(f"/en/events.json?{name}=+")) == all_of_them


@pytest.mark.parametrize("noun", ["events", "sources", "alliances", "lists", "countries"])
@pytest.mark.parametrize("signs", [".", "%", "—", "\u200b", "🇷"])
def test_search_for_symbols_finds_nothing(noun, signs, client):
    assert rows(client.get(f"/en/{noun}.json", {"q": signs})) == []


@pytest.mark.parametrize("digits", ["٣", "1_0", "+3", "3.0", "-0"])
def test_number_must_have_ascii_digits_only(digits, client):
    address = "/en/countries/russia/allies/"
    assert client.get(address, {"min_sources": digits}).status_code == 400
    assert client.get(address, {"min_sources": "1"}).status_code == 200


def test_country_code_wins_over_alias_of_another_country(client):
    Alias.objects.create(country=Country.objects.get(alpha3="FRA"), name="RUS")
    russias = rows(client.get("/en/events.json?country=russia"))
    assert russias
    assert rows(client.get("/en/events.json?country=rus")) == russias
    Alias.objects.create(country=Country.objects.get(alpha3="FRA"), name="Chile")
    assert client.get("/en/events.json?country=Chile").status_code == 400


@pytest.mark.parametrize("number", ["١", "1_0", "0", "99", "-1", "one"])
def test_invalid_page_number_gives_404(number, client):
    assert client.get("/en/events/", {"page": number}).status_code == 404
