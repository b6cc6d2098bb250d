"""Pages as of another day: which ties were in force then, and how the page says so."""

import datetime as dt
import json
import re

import pytest
from django.test import RequestFactory
from django.utils import timezone

from allies.models import Country
from allies.views.as_of import InvalidDate, parse_day
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("few_ties")

PAGES = ("countries/russia", "lists/russia-allies-in-asia")


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1].split("</main>")[0]).split())


@pytest.mark.parametrize(
    ("query", "day"),
    [
        ("on=1990-06-30", dt.date(1990, 6, 30)),
        ("on=0001-01-01", dt.date(1, 1, 1)),
        ("on=9999-12-31", dt.date(9999, 12, 31)),
        ("on=%201990-06-30%20", dt.date(1990, 6, 30)),
    ],
)
def test_parse_day_reads_iso_dates(query, day):
    assert parse_day(RequestFactory().get(f"/?{query}")) == day


@pytest.mark.parametrize("query", ["", "on=", "on=%20", "from=1990-01-01"])
def test_parse_day_defaults_to_today(query):
    assert parse_day(RequestFactory().get(f"/?{query}")) == timezone.localdate()


IMPOSSIBLE = ("1990-02-30", "30/06/1990", "1990-6-30", "19900630", "1990-W26-6", "0000-01-01", "x")


@pytest.mark.parametrize("value", [*IMPOSSIBLE, "١٩٩٠-٠٦-٣٠", "1990", "9" * 5000, "\x00"])
def test_invalid_day_gives_400_with_example(value, client):
    with pytest.raises(InvalidDate):
        parse_day(RequestFactory().get("/", {"on": value}))
    for page in PAGES:
        response = client.get(f"/en/{page}/", {"on": value})
        assert response.status_code == 400
        assert "like 2024-06-19" in body(response)
    assert "misalnya 2024-06-19" in body(client.get(f"/id/{PAGES[0]}/", {"on": value}))


def test_form_keeps_other_parameters(client):
    page = body(client.get("/en/countries/russia/?on=1990-06-30&utm_source=x&page=2"))
    form = page.split('class="as-of"')[1].split("</form>")[0]
    assert '<input type="hidden" name="utm_source" value="x">' in form
    assert form.count('name="on"') == 1
    assert 'name="page"' not in form
    assert 'value="1990-06-30"' in form


def test_form_keeps_parameters_named_like_methods(client):
    """In a template, ``query.lists`` is a parameter of that name if there is one."""
    for path in PAGES:
        text = body(client.get(f"/en/{path}/?lists=x&items=y&on=2020-01-01"))
        assert '<input type="hidden" name="lists" value="x">' in text


def test_unknown_parameter_shows_notice(client):
    for page in PAGES:
        assert "“onn”" in body(client.get(f"/en/{page}/?onn=1990-06-30"))
        assert "“utm_x”" not in body(client.get(f"/en/{page}/?utm_x=1&on=1990-06-30"))


@pytest.mark.parametrize("page", [*PAGES, "countries/russia/allies", "countries/russia/allies/map"])
def test_another_day_shows_notice_with_link_back(page, client):
    shown = body(client.get(f"/en/{page}/?on=1990-06-30"))
    assert "As of 30 June 1990" in shown
    assert re.search(rf'as-of-notice.*href="/en/{page}/\??"', shown)
    assert "Keadaan per 30 Juni 1990" in body(client.get(f"/id/{page}/?on=1990-06-30"))
    assert "As of" not in text_of(body(client.get(f"/en/{page}/")))


@pytest.mark.parametrize("page", [*PAGES, "countries/russia/allies", "countries/russia/allies/map"])
def test_page_has_one_date_field_and_one_slider(page, client):
    shown = body(client.get(f"/en/{page}/"))
    assert shown.count('type="date"') == shown.count('type="range"') == 1


def test_country_page_groups_alliances_by_status_on_the_day(client):
    first = {"in_force": "1990-01-01", "ended": "1995-12-31"}
    pact = factories.alliance("NZL", "FJI", title_en="Early pact", **first)
    factories.alliance("NZL", "TON", title_en="Late pact", in_force="2000")
    # Fiji left before the pact ended, so its own date counts, not the alliance's.
    pact.memberships.filter(country__alpha3="FJI").update(left="1992", left_latest="1992-12-31")

    def standings(slug, day):
        page = body(client.get(f"/en/countries/{slug}/?on={day}"))
        section = page.split("<h2>Alliances</h2>")[1].split("</section>")[0]
        parts = re.split(r"<h3>(\w[\w, ]+?) <span", section)[1:]
        return {
            heading: [title for title in ("Early pact", "Late pact") if title in rows]
            for heading, rows in zip(parts[::2], parts[1::2], strict=True)
        }

    in_force, before, after = (
        "Confirmed",
        "Past",
        "Later",
    )
    assert standings("new-zealand", "1989-12-31") == {after: ["Early pact", "Late pact"]}
    assert standings("new-zealand", "1995-12-31") == {
        in_force: ["Early pact"],
        after: ["Late pact"],
    }
    assert standings("new-zealand", "2000-01-01") == {
        "Possible": ["Late pact"],
        before: ["Early pact"],
    }
    assert standings("fiji", "1993-01-01") == {before: ["Early pact"]}


def test_country_page_counts_allies_on_the_day(client):
    factories.alliance("NZL", "FJI", in_force="1990", ended="1995")
    assert "1 confirmed ally of New Zealand on 1 June 1992" in text_of(
        body(client.get("/en/countries/new-zealand/?on=1992-06-01"))
    )
    assert "No confirmed ties on 1 June 1996" in text_of(
        body(client.get("/en/countries/new-zealand/?on=1996-06-01"))
    )


def test_events_after_the_day_are_left_out(client):
    factories.event(("NZL", "host"), ("FJI", "visitor"), title_en="Early visit", date="1991-05")
    factories.event(("NZL", "host"), ("FJI", "visitor"), title_en="Late visit", date="1999")
    factories.ally_list("NZL", "FJI", slug="of-new-zealand")
    for page in ("countries/new-zealand", "lists/of-new-zealand"):
        then = body(client.get(f"/en/{page}/?on=1991-05-01"))
        assert "Early visit" in then
        assert "Late visit" not in then
        assert "Late visit" in body(client.get(f"/en/{page}/"))


def test_list_shows_ties_on_the_day(client):
    factories.alliance("NZL", "FJI", title_en="Early pact", in_force="1990", ended="1995")
    factories.ally_list("NZL", "FJI", slug="of-new-zealand")
    assert "Early pact" in body(client.get("/en/lists/of-new-zealand/?on=1992-01-01"))
    assert "Early pact" not in body(client.get("/en/lists/of-new-zealand/"))


@pytest.mark.parametrize(
    ("day", "said"),
    [("1914-07-01", False), ("1918-11-12", False), ("1918-11-13", True), ("1700-01-01", False)],
)
def test_page_says_if_state_did_not_exist(day, said, client):
    assert Country.objects.get(slug="austria-hungary").existed_from.startswith("../")
    page = body(client.get(f"/en/countries/austria-hungary/?on={day}"))
    assert ("Austria-Hungary did not exist on" in page) is said


def test_former_state_is_shown_on_its_last_day(client):
    page = body(client.get("/en/countries/austria-hungary/"))
    assert "As of 12 November 1918" in page
    assert "did not exist" not in page
    asked = body(client.get("/en/countries/austria-hungary/?on=1914-07-01"))
    assert "Back to its last day" in asked


@pytest.mark.parametrize(
    ("given", "day", "certain"),
    [
        ({"in_force": "../2022-02-24"}, "1990-06-30", None),
        ({"in_force": "../2022-02-24"}, "2022-02-24", True),
        ({"in_force": "1990"}, "1990-06-30", False),
        ({"in_force": "1990"}, "1990-12-31", True),
        ({"in_force": "1980", "ended": "1991"}, "1991-01-01", True),
        ({"in_force": "1980", "ended": "1991"}, "1991-01-02", False),
        ({"in_force": "1980", "ended": "../1991"}, "1985-01-01", False),
        ({"in_force": "1980", "ended": "2012-12-31/.."}, "2012-12-31", True),
        ({"in_force": "1980", "ended": "2012-12-31/.."}, "2013-01-01", False),
        ({"in_force": "1980", "ended": "2012-12-31/.."}, "", False),
        ({"signed": "1980"}, "1980-12-30", False),
        ({"signed": "1980", "in_force": "1981"}, "1981-06-01", False),
        ({}, "1990-06-30", None),
        ({}, "", True),
        ({"in_force": "1980~"}, "", False),
        ({"in_force": "1980", "ended": "2040?"}, "", False),
    ],
)
def test_tie_not_confirmed_on_the_day_is_marked(given, day, certain, client):
    factories.alliance("NZL", "FJI", **given)
    page = body(client.get(f"/en/countries/new-zealand/allies/?on={day}"))
    doubts = r'<span class="chip doubt">(?:possible|last recorded(?: \d{4})?)</span>'
    assert bool(re.findall(doubts, page)) is (certain is False)
    table = body(client.get(f"/en/countries/new-zealand/allies.json?on={day}"))
    listed = [] if certain is None else [certain]
    assert [row["certain"] for row in json.loads(table)["rows"]] == listed


@pytest.mark.parametrize(
    ("left", "ended", "day", "certain"),
    [
        ("2012-12-31/..", "", "2012-12-31", True),
        ("2012-12-31/..", "", "2013-01-01", False),
        ("2012-12-31/..", "2020-05-01", "2012-12-31", True),
        ("2012-12-31/..", "2020-05-01", "2015-01-01", False),
        ("2012-12-31/..", "2020-05-01", "2020-05-02", None),
        ("2012-12-31/..", "2010", "2010-06-01", False),
        ("2008", "2012", "2008-01-01", True),
        ("2008", "2012", "2009-01-01", None),
    ],
)
def test_open_end_of_membership_is_limited_by_end_of_alliance(left, ended, day, certain, client):
    pact = factories.alliance("NZL", "FJI", in_force="1980", ended=ended)
    fiji = pact.memberships.get(country__alpha3="FJI")
    fiji.left = left
    fiji.save()
    table = body(client.get(f"/en/countries/new-zealand/allies.json?on={day}"))
    found = [row["certain"] for row in json.loads(table)["rows"]]
    assert found == ([] if certain is None else [certain])


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "last recorded in force 31 December 2012"),
        ("id", "terakhir tercatat berlaku 31 Desember 2012"),
    ],
)
def test_open_end_is_not_shown_as_start(language, said, client):
    pact = factories.alliance(
        "NZL", "FJI", slug="anzus-of-old", in_force="1980", ended="2012-12-31/.."
    )
    pact.memberships.update(left="2012-12-31/..", left_earliest=dt.date(2012, 12, 31))
    short = {"en": "(records end 2012)", "id": "(catatan berakhir 2012)"}[language]
    for path in ("alliances/anzus-of-old", "alliances", "countries/fiji", "ties/fiji/new-zealand"):
        page = body(client.get(f"/{language}/{path}/"))
        words = short if path == "countries/fiji" else said
        assert words.casefold() in text_of(page).casefold(), path
        assert "since 31 December 2012" not in page
        assert "sejak 31 Desember 2012" not in page


class TestConfirmedAndPossible:
    @pytest.fixture(autouse=True)
    def ties(self, few_ties):
        factories.alliance("NZL", "AUS", in_force="1951")
        factories.alliance("NZL", "FJI", "TON", in_force="1980", ended="2012-12-31/..")

    def test_list_counts_both(self, client):
        page = "countries/new-zealand/allies"
        assert "1 confirmed · 2 last recorded" in body(client.get(f"/en/{page}/"))
        said = "1 terkonfirmasi · 2 terakhir tercatat"
        assert said in body(client.get(f"/id/{page}/"))
        then = body(client.get(f"/en/{page}/?on=2012-12-31"))
        assert "last recorded" not in text_of(then).split("Country Ties Since")[1]
        assert '<details class="unconfirmed"' not in then

    @pytest.mark.parametrize(
        ("query", "codes"),
        [
            ("standing=confirmed", ["AUS"]),
            ("standing=last-recorded", ["FJI", "TON"]),
            ("standing=confirmed&on=2012-12-31", ["AUS", "FJI", "TON"]),
            ("standing=confirmed&kind=entente", []),
        ],
    )
    def test_filter_separates_them_in_every_format(self, query, codes, client):
        path = "/en/countries/new-zealand/allies"
        page = client.get(f"{path}/?{query}")
        assert [row.country.code for row in page.context["rows"]] == codes
        for form in (f"{path}.json", "/api/v1/countries/new-zealand/allies"):
            given = json.loads(body(client.get(f"{form}?{query}")))
            rows = given.get("rows", given.get("items"))
            assert [row["country"] for row in rows] == codes, form
        table = body(client.get(f"{path}.csv?{query}")).splitlines()[1:]
        assert [line.split(",")[0] for line in table] == codes
        feed = body(client.get(f"{path}.atom?{query}"))
        for code, name in {"AUS": "Australia", "FJI": "Fiji", "TON": "Tonga"}.items():
            assert (f"<title>{name}" in feed) is (code in codes)

    def test_invalid_choice_is_refused(self, client):
        assert client.get("/en/countries/fiji/allies/?standing=maybe").status_code == 400

    def test_map_page_marks_them_like_the_list(self, client):
        page = body(client.get("/en/countries/new-zealand/allies/map/"))
        assert page.count('<span class="chip doubt">last recorded 2012</span>') == 2
        assert "1 confirmed · 2 last recorded" in page

    def test_changes_count_them_separately(self, client):
        path = "/en/countries/new-zealand/allies/changes/?from=2012-12-31&to=2026-01-01"
        balance = body(client.get(path)).split('<dl class="balance">')[1].split("</dl>")[0]
        assert balance.count("1 confirmed · 2 last recorded") == 1
        assert "3 confirmed" not in balance


def test_disputed_tie_on_list_links_to_its_evidence(client):
    pact = factories.alliance("NZL", "FJI", slug="doubted", in_force="1980")
    factories.ally_list("NZL", "FJI", slug="of-new-zealand")
    link = '<a class="chip disputed" href="/en/alliances/doubted/#evidence">disputed</a>'
    assert link not in body(client.get("/en/lists/of-new-zealand/"))
    factories.cite(pact, stance="disputes")
    assert link in body(client.get("/en/lists/of-new-zealand/"))
    assert link in body(client.get("/en/alliances/"))
    assert '<section id="evidence">' in body(client.get("/en/alliances/doubted/"))


@pytest.mark.parametrize(
    ("path", "query", "first", "last"),
    [
        ("countries/new-zealand/allies", "", 1980, 2026),
        ("countries/new-zealand/allies", "on=1950-01-01", 1950, 2026),
        ("countries/new-zealand", "on=2031-01-01", 1980, 2031),
        ("countries/south-sudan/allies", "", 2011, 2026),
        ("countries/south-sudan", "on=1990-01-01", 1990, 2026),
        ("countries/austria-hungary", "", 1816, 1918),
        ("alliances", "on=1950-01-01", 1950, 2026),
    ],
)
def test_slider_range_includes_first_year_and_day_shown(path, query, first, last, client):
    factories.alliance("NZL", "FJI", in_force="1980")
    factories.event(("SSD", "participant"), date="2011-07")
    assert timezone.localdate().year == 2026
    page = body(client.get(f"/en/{path}/?{query}"))
    slider = re.search(r'<input type="range"[^>]*>', page)[0]
    assert f'min="{first}" max="{last}"' in slider


def test_list_on_another_day_says_that_entries_are_current(client):
    factories.alliance("RUS", "CHN", in_force="1990", ended="1995")
    page = body(client.get("/en/lists/russia-allies-in-asia/?on=1990-06-30"))
    assert "The entries are the current ones" in page
    assert "It is not confirmed that these ties were in force on this date." in page
    today = body(client.get("/en/lists/russia-allies-in-asia/"))
    assert "The entries are the current ones" not in today
    assert "It is not confirmed" not in today


class TestAlliesInWords:
    """Ties whose records end in 2012 do not count as confirmed today."""

    @pytest.fixture
    def counted(self, client):
        def counted(path="/en/countries/new-zealand/"):
            return text_of(body(client.get(path)))

        return counted

    def test_other_allies_are_recorded_until_a_year(self, few_ties, counted):
        factories.alliance("NZL", "AUS", in_force="1951")
        factories.alliance("NZL", "FJI", in_force="1980", ended="2012-12-31/..")
        said = "1 confirmed ally of New Zealand 1 more last recorded 2012"
        assert said in counted()
        said = "1 sekutu Selandia Baru terkonfirmasi 1 lagi terakhir tercatat 2012"
        assert said in counted("/id/countries/new-zealand/")

    def test_different_years_are_shown_as_range(self, few_ties, counted):
        factories.alliance("NZL", "AUS", in_force="1951", ended="2003-12-31/..")
        factories.alliance("NZL", "FJI", in_force="1980", ended="2012-12-31/..")
        assert "No current ties recorded 2 last recorded 2003–2012" in counted()

    def test_latest_of_several_ties_counts(self, few_ties, counted):
        factories.alliance("NZL", "FJI", slug="older", in_force="1951", ended="2003-12-31/..")
        factories.alliance("NZL", "FJI", slug="newer", in_force="1980", ended="2012-12-31/..")
        assert "No current ties recorded 1 last recorded 2012" in counted()

    def test_never_confirmed_ally_is_only_possible(self, few_ties, counted):
        factories.alliance("NZL", "AUS", in_force="1951")
        factories.alliance("NZL", "FJI", in_force="1980", ended="2012-12-31/..")
        factories.alliance("NZL", "TON", in_force="1980~")
        said = "1 confirmed ally of New Zealand 1 more last recorded 2012 · 1 possible"
        assert said in counted()

    def test_end_before_certain_start_confirms_nothing(self, few_ties, counted):
        factories.alliance("NZL", "FJI", in_force="1980/2015", ended="2012-12-31/..")
        assert "No current ties recorded 1 possible" in counted()

    @pytest.mark.parametrize(
        "given",
        [
            {"in_force": "1980~", "ended": "2012-12-31/.."},
            {"in_force": "1980", "ended": "2012-12-31?/.."},
        ],
    )
    def test_qualified_date_confirms_nothing(self, given, few_ties, counted):
        factories.alliance("NZL", "FJI", **given)
        assert "No current ties recorded 1 possible" in counted()

    def test_requested_day_is_named(self, few_ties, counted):
        factories.alliance("NZL", "AUS", in_force="1951")
        path = "/en/countries/new-zealand/?on=1960-01-01"
        assert "1 confirmed ally of New Zealand on 1 January 1960" in counted(path)
        path = "/en/countries/new-zealand/?on=1940-01-01"
        assert "No confirmed ties on 1 January 1940" in counted(path)

    def test_no_ties_are_said_without_a_number(self, few_ties, counted):
        assert "No current ties recorded" in counted()

    def test_pages_and_list_have_the_same_numbers(self, client, counted):
        factories.alliance("RUS", "FJI", in_force="1990", ended="2012-12-31/..")
        said = re.search(
            r"(\d+) confirmed ally of Russia · (\d+) more with other ties · "
            r"(\d+) more last recorded 2012",
            counted("/en/"),
        )
        assert f"{int(said[1]) + int(said[2])} confirmed · {said[3]} last recorded" in counted(
            "/en/countries/russia/allies/"
        )
        assert said[0].replace(" · ", " ", 1) in counted("/en/countries/russia/")


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([""], "Tie in force 1"),
        (["", ""], "Ties in force 2"),
        (["2012-12-31/.."], "Ties in force · 1 last recorded 2012 none"),
        (["2012-12-31/..", "2003/.."], "Ties in force · 2 last recorded 2003–2012 none"),
        (["", "2012-12-31/.."], "Tie in force · 1 more last recorded 2012 1"),
        ([], "Ties in force none"),
    ],
)
def test_pair_page_labels_number_of_ties(ends, said, client):
    for number, end in enumerate(ends):
        factories.alliance("NZL", "FJI", slug=f"tie-{number}", in_force="1980", ended=end)
    page = body(client.get("/en/ties/fiji/new-zealand/"))
    glance = page.split('<dl class="glance">')[1].split("</dl>")[0]
    assert text_of(f"<main>{glance}</main>").removeprefix("> ").startswith(said)
