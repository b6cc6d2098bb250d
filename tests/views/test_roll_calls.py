"""The list of UN votes, its filters and downloads, and where UN votes are left out."""

import csv
import io
import json
import re
from itertools import count

import pytest

from tests import factories
from tests.views.page_urls import body
from tests.views.test_charts import counted, figure

pytestmark = pytest.mark.usefixtures("demo_data")

#: The roll call of the starter content.
STARTER = "unga-es-11-1"


_numbers = count(1)


def vote(*parts, **given):
    """Create a UN vote that came from a data set."""
    fields = {"kind": "un-vote", "date": "1990-05", "identifier": f"rc:{next(_numbers)}"}
    return factories.event(*parts, **{**fields, **given})


def text(page):
    """Return the text of a page's main part, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1]).split())


@pytest.fixture
def votes():
    """Create five UN votes on different things."""
    both = {"title_en": "Reading rooms", "session": 44, "resolution": "A/RES/44/53"}
    vote(("FJI", "for"), ("TON", "for"), slug="alike", issues="me hr", **both)
    vote(
        *(("FJI", "for"), ("TON", "against"), ("PNG", "abstained")),
        slug="apart",
        date="1991-02-03",
        session=45,
        resolution="A/RES/45/531",
        scope="amendment",
        is_important=True,
    )
    vote(
        *(("FJI", "abstained"), ("TON", "for")),
        slug="half",
        date="1971-10",
        session=26,
        is_important=False,
        resolution="A/RES/2758A(XXVI)",
        issues="co",
    )
    vote(("FJI", "absent"), ("PNG", "for"), slug="away", date="1992")
    vote(("TON", "for"), ("FJI", "for"), slug="hidden", status="draft")


def slugs(visitor, **query):
    rows = json.loads(body(visitor.get("/en/votes.json", query)))["rows"]
    return {row["event"] for row in rows} - {STARTER}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"alike", "apart", "half", "away"}),
        ({"q": "reading room"}, {"alike"}),
        ({"country": "FJI", "with": "TON", "votes": "same"}, {"alike"}),
        ({"country": "FJI", "with": "TON", "votes": "different"}, {"apart", "half"}),
        ({"country": "TON"}, {"alike", "apart", "half"}),
        ({"country": "FJI", "role": "for"}, {"alike", "apart"}),
        ({"country": "FJI", "role": "absent"}, {"away"}),
        ({"issue": "hr"}, {"alike"}),
        ({"issue": "co"}, {"half"}),
        ({"session": "45"}, {"apart"}),
        ({"important": "yes"}, {"apart"}),
        ({"important": "no"}, {"half"}),
        ({"scope": "amendment"}, {"apart"}),
        ({"unanimous": "yes"}, {"alike", "away"}),
        ({"unanimous": "no", "session": "26"}, {"half"}),
        ({"year": "1971"}, {"half"}),
        ({"date_after": "1991-01-01"}, {"apart", "away"}),
        ({"resolution": "2758"}, {"half"}),
        ({"resolution": "2758a (xxvi)"}, {"half"}),
        ({"resolution": "45/53"}, set()),
        ({"resolution": "44/53"}, {"alike"}),
        ({"resolution": "A/RES/45/531"}, {"apart"}),
        ({"resolution": "("}, set()),
    ],
)
def test_filters_of_votes(query, found, votes, client):
    assert slugs(client, **query) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("votes=same", "Choose two countries"),
        ("votes=different&country=RUS", "Choose two countries"),
        ("role=for", "Choose a country."),
        ("year=0", "greater than or equal to 1"),
        ("issue=xx", "not one of the available choices"),
    ],
)
def test_incomplete_or_invalid_filters_give_400(query, said, client):
    response = client.get(f"/en/votes/?{query}")
    assert response.status_code == 400
    assert said in body(response)


def test_page_shows_result_and_votes_of_chosen_countries(votes, client):
    page = body(client.get("/en/votes/?country=FJI&with=TON&votes=different"))
    said = text(page)
    assert "2 results" in said
    assert "Fiji: voted for Tonga: voted against" in said
    assert "voted for: 1 voted against: 1 abstained: 1" in said
    assert "A/RES/45/531 an amendment important vote" in said
    assert 'href="/en/ties/fiji/tonga/votes/"' in page


def test_facets_count_issues_and_unanimous_votes(votes, client):
    page = body(client.get("/en/votes/?country=FJI"))
    links = dict(re.findall(r'href="(/en/votes/\?[^"]+)"[^>]*>.*?<span[^>]*>(\d+)<', page))
    counts = {address.replace("&amp;", "&"): int(number) for address, number in links.items()}
    assert counts["/en/votes/?country=FJI&issue=me"] == 1
    assert counts["/en/votes/?country=FJI&unanimous=yes"] == 2
    assert counts["/en/votes/?country=FJI&unanimous=no"] == 2
    assert counts["/en/votes/?country=FJI&role=for"] == 2
    assert not [address for address in counts if "votes=" in address]
    both = body(client.get("/en/votes/?country=FJI&with=TON"))
    assert "votes=different" in both


def test_csv_has_facts_result_and_every_vote(votes, client):
    rows = csv.DictReader(io.StringIO(body(client.get("/en/votes.csv?session=45"))))
    (row,) = rows
    assert (row["resolution"], row["scope"], row["is_important"]) == (
        *("A/RES/45/531", "amendment", "yes"),
    )
    totals = ("votes_for", "votes_against", "abstentions", "absent", "unanimous")
    assert [row[name] for name in totals] == ["1", "1", "1", "0", "no"]
    assert set(row["participations"].split()) == {"FJI:for", "TON:against", "PNG:abstained"}


def test_chart_counts_votes_and_links_to_their_year(votes, client):
    vote(("FJI", "for"), date="1990")
    page = body(client.get("/en/votes/?country=FJI"))
    assert counted(page)[1990] == 2
    assert '<a href="/en/votes/?country=FJI&amp;date_after=1990-01-01&amp;date_before=' in page
    rows = csv.DictReader(io.StringIO(body(client.get("/en/votes/years.csv?country=FJI"))))
    assert {row["year"]: row["events"] for row in rows}["1990"] == "2"


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("events/?kind=un-vote", "votes/"),
        ("events/?kind=un-vote&country=CHN&page=3", "votes/?country=CHN"),
        ("events.csv?kind=un-vote&country=CHN", "votes.csv?country=CHN"),
        ("events.atom?kind=un-vote", "votes.atom"),
        ("events/years.csv?kind=un-vote", "votes/years.csv"),
        (
            "events/?country=CHN&with=RUS&votes=different",
            "votes/?country=CHN&with=RUS&votes=different",
        ),
        ("events/?country=CHN&role=for", "votes/?country=CHN&role=for"),
        ("events/?country=CHN&with=RUS&votes=none", "events/?country=CHN&with=RUS"),
        ("events.json?votes=none", "events.json"),
    ],
)
def test_old_addresses_of_votes_redirect(before, now, client):
    response = client.get(f"/id/{before}")
    assert (response.status_code, response["Location"]) == (301, f"/id/{now}")
    assert client.get(response["Location"]).status_code == 200


def test_votes_are_not_among_events(votes, client):
    factories.event(("FJI", "host"), ("TON", "visitor"), slug="visit", date="1980")
    rows = csv.DictReader(io.StringIO(body(client.get("/en/events.csv?country=FJI"))))
    assert [row["event"] for row in rows] == ["visit"]
    assert "apart" not in body(client.get("/en/events.atom"))
    for address in ("/en/", "/en/countries/fiji/", "/en/ties/fiji/tonga/"):
        page = body(client.get(address))
        assert "/events/apart/" not in page
        assert "/events/visit/" in page or address == "/en/"
    assert "/events/apart/" in body(client.get("/en/votes/"))


def test_withdrawn_records_are_in_the_feed_of_their_own_list(client):
    for slug, kind in (("gone-vote", "un-vote"), ("gone-visit", "visit")):
        record = factories.event(("FJI", "for"), slug=slug, kind=kind)
        record.status = "withdrawn"
        record.save()
    events, votes = (body(client.get(f"/en/{name}.atom")) for name in ("events", "votes"))
    assert "Withdrawn: /en/events/gone-visit/" in events
    assert "gone-vote" not in events
    assert "Withdrawn: /en/events/gone-vote/" in votes
    assert "gone-visit" not in votes


def test_country_page_counts_its_votes(votes, client):
    for year in ("1990", "1991"):
        vote(("FJI", "for"), date=year)
    page = body(client.get("/en/countries/fiji/"))
    assert "Fiji voted in 5 recorded roll calls: yes 4, no 0, abstained 1." in page
    assert counted(page) == {**dict.fromkeys(range(1971, 1992), 0), 1971: 1, 1990: 2, 1991: 2}
    assert 'href="/en/votes/?country=FJI"' in page
    then = body(client.get("/en/countries/fiji/?on=1980-01-01"))
    assert "Fiji voted in 1 recorded roll call: yes 0, no 0, abstained 1." in then
    assert "recorded roll call" not in body(client.get("/en/countries/samoa/"))


def test_latest_event_of_an_ally_is_no_vote(client):
    factories.alliance("FJI", "TON", in_force="1970")
    factories.event(("FJI", "host"), ("TON", "visitor"), slug="visit", date="1980")
    vote(("FJI", "for"), ("TON", "for"), date="1990")
    rows = csv.DictReader(io.StringIO(body(client.get("/en/countries/fiji/allies.csv"))))
    assert [row["latest_event"] for row in rows] == ["visit"]


def test_page_of_a_vote_shows_facts_and_totals(votes, client):
    page = body(client.get("/en/events/apart/"))
    said = text(page)
    assert "Resolution A/RES/45/531 Session 45 Voted on an amendment" in said
    assert "Important vote yes, according to the US State Department" in said
    assert "Votes recorded here voted for: 1 · voted against: 1 · abstained: 1" in said
    issues = "Issues the Palestinian conflict , human rights"
    assert issues in text(body(client.get("/en/events/alike/")))
    assert '<a href="/en/votes/">UN votes</a>' in page.split("<main")[0]  # a breadcrumb
    assert "Session" not in body(client.get("/en/events/putin-visits-china-2024/"))


def test_links_on_the_page_of_a_vote_lead_to_votes_like_it(votes, client):
    page = body(client.get("/en/events/half/"))
    links = re.findall(r'href="(/en/votes/\?[^"]+)"', page)
    assert len(links) == 3
    for link in links:
        assert "/events/half/" in body(client.get(link.replace("&amp;", "&")))


def test_api_keeps_votes_among_events_and_has_them_apart(votes, client):
    def listed(path):
        return {row["event"] for row in client.get(f"/api/v1/{path}").json()["items"]}

    assert "apart" in listed("events?kind=un-vote")
    assert "apart" not in listed("events?votes=none")
    assert listed("events?country=FJI&with=TON&votes=different") == {"apart", "half"}
    assert listed("votes?country=FJI&with=TON&votes=different") == {"apart", "half"}
    assert client.get("/api/v1/votes?role=for").status_code == 409


class TestAgreementOfPair:
    ADDRESS = "/en/ties/fiji/tonga/votes"

    def rows(self, client, query=""):
        return list(csv.DictReader(io.StringIO(body(client.get(f"{self.ADDRESS}.csv{query}")))))

    def test_downloads_have_both_measures(self, votes, client):
        (first, second, third) = self.rows(client)
        assert [row["year"] for row in (first, second, third)] == ["1971", "1990", "1991"]
        assert {row["session"] for row in (first, second, third)} == {""}
        names = ("joint", "identical", "partial", "opposite", "share", "lijphart")
        assert [first[name] for name in names] == ["1", "0", "1", "0", "0.0", "0.5"]
        assert [third[name] for name in names] == ["1", "0", "0", "1", "0.0", "0.0"]

    def test_votes_by_session(self, votes, client):
        vote(("FJI", "for"), ("TON", "for"))  # its session is not known
        rows = self.rows(client, "?by=session")
        assert [(row["session"], row["year"]) for row in rows] == [
            *(("26", ""), ("44", ""), ("45", ""))
        ]

    def test_without_unanimous_votes_or_on_one_issue(self, votes, client):
        assert [row["year"] for row in self.rows(client, "?unanimous=no")] == ["1971", "1991"]
        assert [row["year"] for row in self.rows(client, "?issue=hr")] == ["1990"]

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("", ["They voted the same in 1 of 3 votes", "33.3%", "agree3un", "calendar year"]),
            ("?measure=lijphart", ["Lijphart’s index is 50.0%", "half agreement"]),
            (
                "?by=session",
                ["Grouped by session of the General Assembly", "44 100.0% 100.0% 1 1 0 0"],
            ),
            ("?unanimous=no", ["They voted the same in 0 of 2 votes", "Without votes in which"]),
            ("?issue=nu", ["No UN General Assembly votes with both countries match this filter."]),
        ],
    )
    def test_page_says_what_is_counted(self, query, said, votes, client):
        page = body(client.get(f"{self.ADDRESS}/{query}"))
        for words in said:
            assert words in text(page)
        if "No UN" not in said[0]:
            assert 'href="/en/methods/#votes"' in page
            assert figure(page, "years")

    def test_link_to_differing_votes_keeps_the_filter(self, votes, client):
        page = body(client.get(f"{self.ADDRESS}/?unanimous=no&by=session&measure=lijphart"))
        link = re.search(r'href="([^"]+)">All 2 votes in which they differed', page)[1]
        assert link.replace("&amp;", "&") == (
            "/en/votes/?country=FJI&with=TON&unanimous=no&votes=different"
        )
        assert "2 results" in body(client.get(link.replace("&amp;", "&")))

    def test_unknown_and_invalid_parameters_are_reported(self, client):
        assert "There is no filter “colour” here" in body(client.get(f"{self.ADDRESS}/?colour=1"))
        assert client.get(f"{self.ADDRESS}/?by=decade").status_code == 400
        assert client.get(f"{self.ADDRESS}.json?measure=tau").status_code == 400
        assert client.get("/en/ties/tonga/fiji/votes/").url == f"{self.ADDRESS}/"
