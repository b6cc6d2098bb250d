"""The map of a country's allies: one link per ally, colours by the strongest tie, texts."""

import datetime as dt
import gzip
import io
import re
from xml.etree import ElementTree

import pytest
from django.core.management import call_command

from allies.charts.world_map import BY_STRENGTH, build_world_map, load_world_geometry
from allies.models import AllianceKind, Country
from allies.ties.allies_on_day import Ties
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("few_ties")

DAY = dt.date(2026, 1, 1)
SVG = "{http://www.w3.org/2000/svg}"


def drawing(html):
    """Return the map of a page as an XML element."""
    found = re.search(r'<svg class="map".*?</svg>', html, re.DOTALL)
    return ElementTree.fromstring(found.group().replace("<svg", f'<svg xmlns="{SVG[1:-1]}"', 1))


def links(svg):
    """Return {URL: title} of the linked shapes, in document order."""
    return {link.get("href"): link.find(f"{SVG}title").text for link in svg.iter(f"{SVG}a")}


def a_map(focus, **given):
    country = factories.country(focus)
    ties = Ties(country, DAY)
    rows = ties.rows(ties.allies())
    return build_world_map(country, rows, day=DAY, **given)


def test_every_current_country_has_a_shape():
    # Antarctica has no government and is left out of the map.
    codes = {country.code for country in Country.objects.current()} - {"ATA"}
    assert codes == set(load_world_geometry().shapes)
    whole = load_world_geometry().whole
    assert all(whole.is_visible(*shape.at) for shape in load_world_geometry().shapes.values())


def test_neighbours_share_their_border():
    def corners(code):
        found = set()
        for x, y, steps in re.findall(
            r"M(-?\d+) (-?\d+)l([^zM]*)", load_world_geometry().shapes[code].d
        ):
            x, y = int(x), int(y)
            numbers = [int(number) for number in re.findall(r"-?\d+", steps)]
            for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
                x, y = x + dx, y + dy
                found.add((x, y))
        return found

    assert len(corners("FRA") & corners("DEU")) > 5
    assert not corners("FRA") & corners("POL")


def test_areas_are_proportional():
    def area(code):
        return load_world_geometry().shapes[code].area

    # Areas in million square kilometres, from the UN Demographic Yearbook.
    assert area("CHN") / area("ITA") == pytest.approx(9.597 / 0.302, rel=0.04)
    assert area("COD") / area("GRL") == pytest.approx(2.345 / 2.166, rel=0.06)


def test_every_ally_is_a_link_with_its_ties(client):
    factories.alliance("RUS", "CHN", "TUV", kind="defence-pact", in_force="2001-07-16")
    factories.alliance("RUS", "CHN", kind="organisation", in_force="2010")
    shown = links(drawing(body(client.get("/en/countries/russia/allies/map/?on=2026-01-01"))))
    assert (
        shown["/en/ties/russia/tuvalu/?on=2026-01-01"]
        == "Tuvalu: defence pact · since 16 July 2001"
    )
    assert shown["/en/ties/china/russia/?on=2026-01-01"].startswith("China: defence pact, ")
    rows = client.get("/en/countries/russia/allies/?on=2026-01-01").context["rows"]
    assert len(shown) == len(rows)


def test_unconfirmed_tie_is_marked_in_map_and_legend(client):
    factories.alliance("NZL", "FJI", in_force="1980", ended="2012-12-31/..")
    factories.alliance("NZL", "AUS", in_force="1951")
    page = body(client.get("/en/countries/new-zealand/allies/map/?on=2026-01-01"))
    told = {
        link.get("class"): link.find(f"{SVG}title").text for link in drawing(page).iter(f"{SVG}a")
    }
    assert told["perhaps"] == "Fiji: defence pact · since 1980 · last recorded 2012"
    assert told[None] == "Australia: defence pact · since 1951"
    legend = page.split('class="legend"')[1].split("</ul>")[0]
    assert "not confirmed on this date <b>1</b>" in legend
    then = body(client.get("/en/countries/new-zealand/allies/map/?on=2012-12-31"))
    assert "not confirmed on this date <b>" not in then


def test_ally_has_the_colour_of_its_strongest_tie():
    for kind in reversed(BY_STRENGTH):
        factories.alliance("NZL", "FJI", kind=kind, in_force="2010")
        groups = a_map("NZL").groups
        assert [group.kind for group in groups] == [kind]
        assert groups[0].count == 1
    assert set(BY_STRENGTH) == set(AllianceKind)


def test_kinds_differ_without_colour(client):
    for kind, code in zip(
        BY_STRENGTH, ["FJI", "AUS", "TON", "IDN", "JPN", "PHL", "THA"], strict=True
    ):
        factories.alliance("NZL", code, kind=kind, in_force="2010")
    svg = drawing(body(client.get("/en/countries/new-zealand/allies/map/")))
    hatched = {
        pattern.get("id"): ElementTree.tostring(pattern)[60:]
        for pattern in svg.iter(f"{SVG}pattern")
    }
    assert len(hatched) == len(BY_STRENGTH) - 2  # the strongest and the weakest have no hatching
    used = {group.get("fill") for group in svg.iter(f"{SVG}g")} - {None}
    assert {f"url(#{name})" for name in hatched} <= used


def test_region_is_enlarged_and_small_states_are_dots():
    factories.alliance("NZL", "DEU", "LUX", "SMR", in_force="2010")
    whole, europe = a_map("NZL"), a_map("NZL", region="150")
    assert whole.window == load_world_geometry().whole
    assert europe.window == load_world_geometry().regions["150"]

    def dots(drawn):
        return {place.code for group in drawn.groups for place in group.places if place.dot}

    assert dots(whole) == {"LUX", "SMR"}
    assert dots(europe) == {"SMR"}


def test_map_shows_the_region_with_all_allies():
    factories.alliance("AUT", "DEU", "ITA", in_force="2010")
    assert a_map("AUT").window == load_world_geometry().regions["150"]
    factories.alliance("AUT", "BRA", in_force="2010")
    assert a_map("AUT").window == load_world_geometry().whole


def test_former_states_are_listed_outside_the_map(client):
    hungary = Country.objects.get(slug="austria-hungary")
    pact = factories.alliance("DEU", in_force="1879-10-07", ended="1918-11-03")
    pact.memberships.create(country=hungary)
    beside = body(client.get("/en/countries/germany/allies/?on=1914-07-01"))
    assert not links(drawing(beside))
    assert 'Not on today’s map: <a href="/en/countries/austria-hungary/">' in beside
    itself = body(client.get("/en/countries/austria-hungary/allies/?on=1914-07-01"))
    assert "Austria-Hungary is not on today’s map." in itself
    pair = "/en/ties/austria-hungary/germany/?on=1914-07-01"
    assert links(drawing(itself)) == {pair: "Germany: defence pact · since 7 October 1879"}


def test_map_is_missing_without_allies(client):
    page = body(client.get("/en/countries/tuvalu/allies/map/"))
    assert '<svg class="map"' not in page
    assert "No countries match this filter on this date." in page


def test_map_page_links_to_list_with_the_same_filter(client):
    page = body(client.get("/en/countries/russia/allies/map/?kind=defence-pact&on=2026-01-01"))
    assert "/en/countries/russia/allies/?kind=defence-pact&amp;on=2026-01-01" in page
    assert "/en/countries/russia/allies.csv?" in page
    assert client.get("/en/countries/russia/allies/map/?on=yesterday").status_code == 400


def test_map_texts_are_translated(client):
    svg = drawing(body(client.get("/id/countries/russia/allies/map/?on=2026-01-01")))
    assert svg.find(f"{SVG}title").text == "Peta: sekutu Rusia pada 1 Januari 2026"
    assert "pakta pertahanan 1" in svg.find(f"{SVG}desc").text


@pytest.mark.slow
def test_page_stays_under_60_kb_with_many_allies(client, shared):
    file = shared / "data/cow/alliance_v4.1_by_member.csv"
    call_command(
        "import_cow_alliances", str(file), "--commit", "--accept-terms", stdout=io.StringIO()
    )
    for country in ("russia", "united-states"):
        for page in ("allies/", "allies/map/"):
            found = client.get(f"/en/countries/{country}/{page}?on=1990-06-30")
            assert len(gzip.compress(found.content, 6)) < 60_000
