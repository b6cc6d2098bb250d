"""The map of blocs: members of up to four alliances on a day, as a map and as a table."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.models import Alias, Membership
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

PAGE = "/en/blocs/"


@pytest.fixture
def blocs():
    """Return two alliances of 1950: Norway is in both, Fiji left the second in 1980."""
    north = factories.alliance("NOR", "DNK", "ISL", in_force="1950", slug="north")
    south = factories.alliance("NOR", "NZL", in_force="1950", slug="south")
    Membership.objects.create(alliance=south, country=factories.country("FJI"), left="1980-05-01")
    Membership.objects.create(alliance=south, country=factories.country("TON"), role="observer")
    return north, south


def table(page):
    """Return {country: [cell per alliance]}."""
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", page, re.DOTALL)
    cells = [re.split(r"</t[hd]>\s*", row)[:-1] for row in rows]
    plain = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]
    return {row[0]: row[1:] for row in plain}


def test_table_shows_the_members_of_each_alliance(blocs, client):
    page = body(client.get(f"{PAGE}?first=north&second=south"))
    assert table(page) == {
        "Denmark": ["member", "–"],
        "Iceland": ["member", "–"],
        "New Zealand": ["–", "member"],
        "Norway": ["member", "member"],
    }


def test_date_changes_the_members(blocs, client):
    page = body(client.get(f"{PAGE}?second=south&on=1970-01-01"))
    assert list(table(page)) == ["Fiji", "New Zealand", "Norway"]
    assert 'href="/en/countries/fiji/?on=1970-01-01"' in page
    page = body(client.get(f"{PAGE}?second=south&on=1940-01-01"))
    assert "No members are recorded for this date." in page


def test_each_alliance_has_its_own_pattern_and_countries_in_several_too(blocs, client):
    page = body(client.get(f"{PAGE}?first=north&second=south"))

    def drawn(pattern):
        group = re.search(rf'<g class="ties {pattern}">(.*?)</g>', page, re.DOTALL)[1]
        return re.findall(r'<a href="/en/countries/([\w-]+)/', group)

    assert sorted(drawn("bloc-1")) == ["denmark", "iceland"]
    assert drawn("bloc-2") == ["new-zealand"]
    assert drawn("several") == ["norway"]
    for pattern in ("bloc-1", "bloc-2", "bloc-3", "bloc-4", "several"):
        assert f'<pattern id="fill-{pattern}"' in page
    legend = page.split('<ul class="legend">')[1].split("</ul>")[0]
    assert re.findall(r"<b>(\d+)</b>", legend) == ["3", "2", "1"]


def test_alliances_are_found_by_any_of_their_names(blocs, client):
    north, _south = blocs
    Alias.objects.create(alliance=north, name="NORDPACT")
    for name in ("nordpact", north.title_en, north.title_ind, "north"):
        assert len(table(body(client.get(PAGE, {"first": name})))) == 3, name


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("first=Atlantis", "No alliance has this name."),
        ("first=twin", "More than one alliance has this name: Twin (twin-1), Twin (twin-2)."),
        ("first=north&on=1990", "Enter a valid date"),
    ],
)
def test_wrong_choice_is_explained(query, error, blocs, client):
    for number in (1, 2):
        factories.alliance("NOR", "DNK", title_en="Twin", slug=f"twin-{number}")
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 400
    assert error in body(response)


def test_drafts_are_unknown(client):
    factories.alliance("NOR", "DNK", slug="secret", status="draft")
    assert client.get(f"{PAGE}?first=secret").status_code == 400


def test_page_without_choice_shows_the_largest_alliances(client):
    made = factories.alliance(
        *("NOR", "DNK", "ISL", "SWE", "FIN", "DEU", "FRA", "ITA", "ESP", "PRT", "POL", "CZE"),
        *("NZL", "AUS", "FJI", "TON", "IND", "CHN", "IDN", "MYS", "THA", "LAO", "KHM", "MMR"),
        *("BRA", "ARG", "CHL", "PER", "COL", "ECU", "URY", "PRY", "VEN", "MEX", "CAN", "USA"),
        title_en="The largest of all",
    )
    page = body(client.get(PAGE))
    assert made.title_en in page
    assert "These are the largest defence pacts and organisations on" in page
    assert "Inilah pakta pertahanan" in body(client.get("/id/blocs/"))


@pytest.mark.usefixtures("no_page_cache")
def test_query_count_is_constant_for_more_members(blocs, client):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            body(client.get(f"{PAGE}?first=north&second=south"))
        return len(queries)

    cost()
    before = cost()
    for code in ("SWE", "FIN", "DEU", "FRA", "ITA"):
        Membership.objects.create(alliance=blocs[0], country=factories.country(code))
    assert cost() == before < 10
