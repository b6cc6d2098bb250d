"""The page of a pair of countries: ties, events, votes, lists and evidence."""

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.models import Alliance, Country, Membership, Participation, Status
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("few_ties")

KOREA = "/en/ties/north-korea/russia/"
CHINA = "/en/ties/china/russia/"
IN_FORCE = "Confirmed"


def text(page):
    """Return the text of a page's main part, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1]).split())


def ties(page):
    """Return {heading: text below it} of the section of ties."""
    whole = page.split('id="ties"')[1].split('id="events"')[0]
    parts = re.split(r"<h3>(.*?)</h3>", whole)
    return {
        heading: text(f"<main>{below}")
        for heading, below in zip(parts[1::2], parts[2::2], strict=1)
    }


def country(alpha3, slug):
    found = Country.objects.get(alpha3=alpha3)
    found.slug = slug
    found.save()


def pact(first, second, **given):
    """Create a pact of Denmark (``first``: its obligations) and Norway (``second``)."""
    made = factories.alliance(**given)
    for code, duties in (("DNK", first), ("NOR", second)):
        Membership.objects.create(alliance=made, country=factories.country(code), **duties)
    return made


class TestAddress:
    @pytest.mark.parametrize("tail", ["/", "/votes.csv", "/votes.json"])
    def test_other_order_redirects_to_canonical_url(self, tail, client):
        response = client.get(f"/id/ties/russia/china{tail}?date_before=2000-01-01")
        assert (response.status_code, response.url) == (
            301,
            f"/id/ties/china/russia{tail}?date_before=2000-01-01",
        )

    def test_old_slugs_redirect_to_new_ones_in_their_order(self, client):
        country("CHN", "zhongguo")
        country("RUS", "russian-federation")
        response = client.get("/en/ties/china/russia/?on=1990-01-01")
        assert response.status_code == 301
        assert response.url == "/en/ties/russian-federation/zhongguo/?on=1990-01-01"
        assert client.get(response.url).status_code == 200

    @pytest.mark.parametrize("path", ["china/china", "china/atlantis", "atlantis/china"])
    def test_same_or_unknown_country_gives_404(self, path, client):
        assert client.get(f"/en/ties/{path}/").status_code == 404
        assert client.get(f"/en/ties/{path}/votes.csv").status_code == 404

    def test_invalid_day_gives_400_with_example(self, client):
        response = client.get(f"{CHINA}?on=2024-02-30")
        assert response.status_code == 400
        assert "2024-06-19" in body(response)

    def test_unknown_parameter_shows_notice(self, client):
        assert "There is no filter “colour” here" in body(client.get(f"{CHINA}?colour=red"))


class TestTies:
    def test_obligations_are_shown_as_sentences(self, client):
        said = ties(body(client.get(KOREA)))[IN_FORCE]
        assert "Defence: each must come to the other’s aid if it is attacked." in said
        id_page = body(client.get(KOREA.replace("/en/", "/id/")))
        assert "masing-masing wajib membantu pihak lain bila diserang" in id_page

    def test_disputed_signing_date_names_its_source(self, client):
        said = ties(body(client.get(KOREA)))[IN_FORCE]
        assert "signed: 19 June 2024" in said
        assert "in force: 4 December 2024" in said
        assert re.search("Disputed by WikiMili.*gives 18 June 2024", said)

    def test_one_sided_obligation_names_both_countries(self, client):
        pact({"defence": True}, {"defence": False}, in_force="1990")
        pact({"neutrality": True}, {}, in_force="1991")
        page = text(body(client.get("/en/ties/denmark/norway/")))
        assert "Defence: Denmark must help defend Norway against an attack." in page
        assert "Norway has no such obligation." in page
        assert "Neutrality: Denmark must stay neutral if Norway is at war." in page
        assert "No such obligation is recorded for Norway." in page

    def test_ties_are_grouped_by_status_on_the_day(self, client):
        old = "Treaty of Friendship, Good-Neighbourliness and Cooperation"
        new = "Treaty on Comprehensive Strategic Partnership"
        now = ties(body(client.get(KOREA)))
        assert new in now[IN_FORCE]
        assert old in now["Past"]
        then = ties(body(client.get(f"{KOREA}?on=2010-01-01")))
        assert old in then[IN_FORCE]
        assert new in then["Later"]

    def test_day_hides_later_events(self, client):
        assert "Putin visits North Korea" in text(body(client.get(KOREA)))
        page = text(body(client.get(f"{KOREA}?on=2010-01-01")))
        assert "Putin visits North Korea" not in page

    def test_members_at_different_times_have_no_tie(self, client):
        made = factories.alliance(in_force="1950")
        for code, joined, left in (("DNK", "1950", "1960"), ("NOR", "1970", "")):
            Membership.objects.create(
                alliance=made, country=factories.country(code), joined=joined, left=left
            )
        page = text(body(client.get("/en/ties/denmark/norway/")))
        assert "No alliances between them are recorded." in page

    def test_shared_membership_period_is_shown_if_it_differs(self, client):
        made = factories.alliance(in_force="1950-01-01", ended="1999")
        for code, joined, left in (("DNK", "1955-05", ""), ("NOR", "", "1960-01-01")):
            Membership.objects.create(
                alliance=made, country=factories.country(code), joined=joined, left=left
            )
        page = text(body(client.get("/en/ties/denmark/norway/")))
        assert "Both were members: May 1955 – 1 January 1960" in page
        assert "None is confirmed to have been in force on" in page

    def test_former_states_are_shown_on_last_day_both_existed(self, client):
        germany = factories.country("DEU")
        austria_hungary = Country.objects.get(cow_code=300)
        made = factories.alliance(in_force="1879-10-07", ended="1918")
        for one in (germany, austria_hungary):
            Membership.objects.create(alliance=made, country=one, defence=True)
        page = body(client.get("/en/ties/austria-hungary/germany/"))
        assert made.title_en in ties(page)["Possible"]
        assert f"As of {austria_hungary.existed_to_latest.day} November 1918" in text(page)
        later = text(body(client.get("/en/ties/austria-hungary/germany/?on=1950-01-01")))
        assert "Austria-Hungary did not exist on 1 January 1950." in later


class TestEvents:
    def test_event_names_roles_of_both_countries(self, client):
        page = text(body(client.get(CHINA)))
        assert "China: absent Russia: not invited" in page
        assert "China: host Russia: visitor" in page

    def test_linked_event_list_has_the_same_events(self, client):
        page = body(client.get(CHINA))
        address = re.search(r'<a href="([^"]+)">All 4 events with both', page)[1]
        rows = csv.DictReader(
            io.StringIO(body(client.get(address.replace("&amp;", "&").replace("/?", ".csv?"))))
        )
        on_page = re.findall(r'href="/en/events/([\w-]+)/"', page.split('id="votes"')[0])
        assert [row["event"] for row in rows] == on_page

    def test_only_latest_events_are_shown(self, client):
        for year in range(1960, 1980):
            factories.event(
                ("DNK", "host"), ("NOR", "visitor"), date=str(year), title_en=f"In {year}"
            )
        page = text(body(client.get("/en/ties/denmark/norway/")))
        assert "All 20 events with both" in page
        assert re.findall(r"In (19\d\d)", page) == [str(year) for year in range(1979, 1967, -1)]

    def test_event_filter_with_second_country(self, client):
        names = json.loads(body(client.get("/en/events.json?country=RUS&with=IRN")))
        assert {row["event"] for row in names["rows"]} == {
            "iran-supplies-drones-and-ammunition",
            "putin-visits-iran-2022",
        }


class TestVotes:
    def test_votes_show_share_chart_method_and_source(self, client):
        data = factories.source(title="Roll-call data", kind="dataset")
        for number, (one, other) in enumerate([("for", "for"), ("for", "abstained")]):
            made = factories.event(
                ("DNK", one),
                ("NOR", other),
                kind="un-vote",
                identifier=f"rc:{number}",
                title_en=f"Roll call {number}",
                date="1990-05-01",
                cited=False,
            )
            factories.cite(made, data)
        page = body(client.get("/en/ties/denmark/norway/"))
        said = text(page)
        assert "They voted the same in 1 of 2 votes in which both took part: 50.0%." in said
        assert "Share of identical votes, by calendar year, with unanimous votes." in said
        assert "Roll call 0" not in said  # summed up, not listed
        assert "<svg" in page
        address = re.search(r'href="(/en/ties/denmark/norway/votes/)"', page)[1]
        said = text(body(client.get(address)))
        assert "They voted the same in 1 of 2 votes in which both took part: 50.0%." in said
        assert "agree3un" in said
        assert re.search("Source data .*Roll-call data .*2 votes", said)
        assert re.search(r"1990 50\.0% 75\.0% 2 1 1 0", said)
        rows = list(
            csv.DictReader(io.StringIO(body(client.get("/en/ties/denmark/norway/votes.csv"))))
        )
        assert [(r["year"], r["joint"], r["identical"], r["share"]) for r in rows] == [
            ("1990", "2", "1", "0.5")
        ]
        assert rows[0]["for_abstained"] == "1"

    def test_vote_with_its_own_citations_is_listed(self, client):
        said = text(body(client.get(KOREA)).split('id="votes"')[1].join(["<main>", ""]))
        assert "UN General Assembly votes on resolution ES-11/1" in said
        assert re.search("Disputed by The Nation", said)

    def test_imported_vote_is_listed_if_disputed(self, client):
        made = factories.event(
            *(("DNK", "for"), ("NOR", "for")),
            kind="un-vote",
            identifier="rc:1",
            title_en="A disputed roll call",
        )
        page = "/en/ties/denmark/norway/"
        assert "A disputed roll call" not in body(client.get(page))
        factories.cite(made, stance="disputes")
        assert "A disputed roll call" in body(client.get(page))

    def test_downloads_are_filtered_by_date(self, client):
        for year in ("1990", "2001"):
            factories.event(("DNK", "for"), ("NOR", "for"), kind="un-vote", date=year)
        address = "/en/ties/denmark/norway/votes.json?date_before=1999-12-31"
        assert [row["year"] for row in json.loads(body(client.get(address)))["rows"]] == [1990]


class TestLists:
    def test_lists_show_rank_publisher_and_origin(self, client):
        page = text(body(client.get(CHINA)).split('id="lists"')[1].join(["<main>", ""]))
        assert page.count("Ranks China first.") == 3
        assert "published by BisnisUpdate 2024 based on DW" in page
        assert "published by iNews.id date not known" in page
        assert "our own list" in page

    def test_lists_of_either_country_are_shown(self, client):
        factories.ally_list("CHN", "RUS", title_en="Seen from Beijing")
        page = text(body(client.get(CHINA)))
        assert "Seen from Beijing Ranks Russia first." in page


class TestEvidence:
    def test_every_source_of_every_statement_is_on_the_page(self, client):
        page = body(client.get(KOREA))
        for key in ("dw-2024-en", "bisnisupdate-2024", "interfax-2024", "euromaidan-2024"):
            assert f'href="/en/sources/{key}/"' in page
        for key in ("wikimili-treaty", "inews-sahabat", "nation-2022", "wp-es-11-1"):
            assert f'href="/en/sources/{key}/"' in page

    def test_sources_shared_by_statements_count_once(self, client):
        source = factories.source()
        for record in (
            pact({}, {}, cited=False),
            factories.event(("DNK", "host"), ("NOR", "visitor"), cited=False),
        ):
            factories.cite(record, source)
            factories.cite(record, factories.source(derived_from=source))
        page = text(body(client.get("/en/ties/denmark/norway/")))
        assert "Independent sources 1" in page

    def test_empty_sections_say_that_nothing_is_recorded(self, client):
        page = text(body(client.get("/en/ties/lesotho/tuvalu/")))
        for words in (
            "No alliances between them are recorded.",
            "No events with both countries are recorded.",
            "No UN General Assembly votes with both countries are recorded.",
            "No list names one as an ally of the other.",
        ):
            assert words in page

    def test_drafts_change_nothing(self, client):
        before = text(body(client.get("/en/ties/denmark/norway/")))
        pact({"defence": True}, {"defence": True}, status=Status.DRAFT)
        factories.event(("DNK", "host"), ("NOR", "visitor"), cited=False)
        factories.event(("DNK", "for"), ("NOR", "for"), kind="un-vote", status=Status.DRAFT)
        factories.ally_list("DNK", "NOR", status=Status.WITHDRAWN)
        assert text(body(client.get("/en/ties/denmark/norway/"))) == before

    @pytest.mark.usefixtures("no_page_cache")
    def test_query_count_is_constant_for_more_statements(self, client):
        def more():
            pact({"defence": True}, {"defence": True}, in_force="1990", summary_en="So be it.")
            factories.event(("DNK", "host"), ("NOR", "visitor"))
            factories.event(("DNK", "for"), ("NOR", "against"), kind="un-vote", date="1990")
            factories.ally_list("DNK", "NOR")

        def cost():
            with CaptureQueriesContext(connection) as queries:
                body(client.get("/en/ties/denmark/norway/"))
            return len(queries)

        more()
        cost()
        before = cost()
        for _time in range(10):
            more()
        assert cost() == before < 25


class TestLinksToPair:
    @pytest.mark.parametrize(
        "page",
        [
            "/en/countries/russia/allies/",
            "/en/countries/china/allies/",
            "/en/countries/china/",
            "/en/lists/russia-allies-in-asia/",
            "/en/alliances/china-russia-no-limits-partnership/",
        ],
    )
    def test_pages_link_to_the_pair(self, page, client):
        assert f'href="{CHINA}' in body(client.get(page))

    def test_allies_on_a_day_link_to_the_pair_on_that_day(self, client):
        page = body(client.get("/en/countries/north-korea/allies/?on=2010-01-01"))
        assert f'href="{KOREA}?on=2010-01-01"' in page

    def test_alliance_of_three_has_no_link_to_a_pair(self, client):
        made = Alliance.objects.get(slug="china-russia-no-limits-partnership")
        Membership.objects.create(alliance=made, country=factories.country("IND"))
        assert "/en/ties/" not in body(client.get(made.get_absolute_url()))


def test_country_with_two_roles_in_an_event_shows_both(client):
    made = factories.event(("DNK", "host"), ("NOR", "visitor"))
    Participation.objects.create(event=made, country=factories.country("DNK"), role="signatory")
    page = text(body(client.get("/en/ties/denmark/norway/")))
    assert "Denmark: host Denmark: signatory Norway: visitor" in page
    assert "1 event with both" in page
