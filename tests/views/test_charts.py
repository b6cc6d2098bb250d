"""Charts and timelines of pages: content, links and data."""

import csv
import io
import json
import re
from urllib.parse import parse_qs

import pytest

from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")


def rows(visitor, address):
    return list(csv.DictReader(io.StringIO(body(visitor.get(address)))))


def figure(page, kind):
    """Return the HTML of a page's figure, or "" if it has none."""
    found = re.search(rf'<figure class="figure {kind}">(.*?)</figure>', page, re.S)
    return found[1] if found else ""


def counted(page):
    """Return {year: count} from the chart's table."""
    table = figure(page, "years").split("<tbody>")[1]
    found = re.findall(r'<th scope="row">(?:<a[^>]*>)?(\d+)(?:</a>)?</th><td[^>]*>([\d,]+)<', table)
    return {int(year): int(number.replace(",", "")) for year, number in found}


@pytest.fixture
def events():
    for date in (
        "2001",
        "2001-05",
        "2003-01-31",
        "2003-02/2003-11",
        "2004-12-31",
        "2004-12/2005-01",
    ):
        factories.event(("TON", "host"), date=date)
    factories.event(("TON", "host"), ("FJI", "visitor"), date="2004-06-01", kind="summit")


def test_chart_counts_only_events_with_a_certain_year(events, client):
    page = body(client.get("/en/events/?country=TON"))
    assert counted(page) == {2001: 2, 2002: 0, 2003: 2, 2004: 2}
    assert "1 event that may belong to more than one year is left out" in page
    found = rows(client, "/en/events/years.csv?country=TON")
    assert {int(row["year"]): int(row["events"]) for row in found} == counted(page)


def test_counts_by_year_use_filters_and_refuse_unknown_ones(events, client):
    query = "country=TON&kind=visit&date_before=2003-06-30"
    found = rows(client, f"/en/events/years.csv?{query}")
    assert [(row["year"], row["events"]) for row in found] == [
        ("2001", "2"),
        ("2002", "0"),
        ("2003", "2"),
    ]
    assert client.get("/en/events/years.csv?colour=red").status_code == 400
    assert client.get("/en/events/years.json?date_after=soon").status_code == 400
    data = json.loads(body(client.get("/en/events/years.json?country=TON&kind=summit")))
    assert data["rows"] == [{"year": 2004, "events": 1}]


def test_bar_links_to_its_year_with_the_same_filter(events, client):
    page = body(client.get("/en/events/?country=TON&date_before=2004-06-30"))
    links = dict(re.findall(r'<th scope="row"><a href="([^"]+)">(\d+)<', figure(page, "years")))
    address = next(link for link, year in links.items() if year == "2004").replace("&amp;", "&")
    path, _mark, query = address.partition("?")
    asked = {"country": ["TON"], "date_after": ["2004-01-01"], "date_before": ["2004-06-30"]}
    assert (path, parse_qs(query)) == ("/en/events/", asked)
    assert "1 result" in body(client.get(address))
    assert len(rows(client, address.replace("/?", ".csv?"))) == 1


def test_chart_is_missing_for_few_events_and_on_further_pages(events, client):
    assert not figure(body(client.get("/en/events/?country=FJI")), "years")
    for _n in range(60):
        factories.event(("TON", "host"), date="2010")
    assert figure(body(client.get("/en/events/?country=TON")), "years")
    assert not figure(body(client.get("/en/events/?country=TON&page=2")), "years")
    assert client.get("/en/events/?country=TON&date_after=x").status_code == 400


def test_counts_by_year_ignore_drafts(events, client):
    before = rows(client, "/en/events/years.csv")
    factories.event(("TON", "host"), date="1901", status="draft")
    factories.event(("TON", "host"), date="2003", cited=False)
    assert rows(client, "/en/events/years.csv") == before


def test_country_page_has_membership_timeline_and_csv(client):
    factories.alliance("TON", "FJI", title_en="Early pact", in_force="1950-01-01", ended="1960")
    late = factories.alliance("TON", "NZL", title_en="Late pact", in_force="2000-05")
    factories.alliance("TON", "NZL", title_en="Hidden pact", status="draft")
    drawn = figure(body(client.get("/en/countries/tonga/")), "timeline")
    assert f'<a href="{late.get_absolute_url()}"><title>Late pact · from May 2000' in drawn
    assert drawn.index("Early pact") < drawn.index("Late pact")
    assert "Hidden" not in drawn
    assert 'href="/en/countries/tonga/memberships.csv"' in drawn
    found = rows(client, "/en/countries/tonga/memberships.csv")
    assert [(row["title_en"], row["began"], row["ended"]) for row in found] == [
        ("Early pact", "1950-01-01", "1960"),
        ("Late pact", "2000-05", ""),
    ]
    assert [
        row["title_en"] for row in rows(client, "/en/countries/tonga/memberships.csv?q=late")
    ] == ["Late pact"]


def test_country_timeline_marks_the_requested_day(client):
    factories.alliance("TON", "FJI", in_force="1950", ended="1960")
    factories.alliance("TON", "NZL", in_force="2000")
    drawn = figure(body(client.get("/en/countries/tonga/?on=1970-06-30")), "timeline")
    assert 'class="day"' in drawn
    assert "Dashed: 30 June 1970." in drawn
    assert 'class="day"' not in figure(body(client.get("/en/countries/tonga/")), "timeline")


def test_alliance_page_has_timelines_of_members_and_events(client):
    pact = factories.alliance("TON", "NZL", in_force="1950")
    pact.memberships.create(country=factories.country("FJI"), joined="1960", left="1970-03-01")
    pact.memberships.create(country=factories.country("FJI"), joined="1980")
    for date in ("1951-02-03", "1961"):
        factories.event(("TON", "host"), date=date, alliance=pact)
    address = pact.get_absolute_url()
    page = body(client.get(address))
    members, events = re.findall(r'<figure class="figure timeline">(.*?)</figure>', page, re.S)
    assert (
        members.count('<a href="/en/countries/fiji/"><title>Fiji · 1960 – 1 March 1970 · from 1980')
        == 2
    )
    assert "3 February 1951" in events
    assert len(rows(client, f"{address.rstrip('/')}/memberships.csv")) == 4
    assert len(rows(client, f"{address.rstrip('/')}/events.csv")) == 2


def test_treaty_of_two_with_the_same_dates_has_no_timeline(client):
    pact = factories.alliance("TON", "NZL", in_force="1950")
    assert not figure(body(client.get(pact.get_absolute_url())), "timeline")


def test_list_timeline_and_csv_have_the_same_events(client):
    drawn = figure(body(client.get("/en/lists/russia-allies-in-asia/")), "timeline")
    shown = set(re.findall(r'<th scope="row"><a href="/en/events/([\w-]+)/', drawn))
    found = rows(client, "/en/lists/russia-allies-in-asia/events.csv")
    assert {row["event"] for row in found} == shown
    assert len(shown) > 4


def test_preview_of_draft_has_no_links_to_downloads(client, login_as, reviewer):
    pact = factories.alliance("TON", "NZL", "FJI", in_force="1950", status="draft", cited=False)
    page = body(login_as(reviewer).get(f"/en/admin/allies/alliance/{pact.pk}/public/"))
    assert "Members of" in page
    assert "memberships.csv" not in page
