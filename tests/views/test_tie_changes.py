"""Ties of a country that began or ended between two days."""

import csv
import datetime as dt
import io
import json
import random
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from allies.models import Country, Status
from allies.text.edtf import bounds
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("few_ties")

ALLIES = "/en/countries/new-zealand/allies"
CHANGES = f"{ALLIES}/changes"
NINETIES = "from=1990-01-01&to=1999-12-31"


def rows(visitor, query=NINETIES, path=CHANGES):
    found = json.loads(body(visitor.get(f"{path}.json?{query}")))
    return {row["country"]: row for row in found["rows"]}


@pytest.fixture
def nineties():
    """New Zealand's ties: one that began, one that ended, one that changed, one that stayed."""
    factories.alliance("NZL", "FJI", slug="begun", in_force="1995-05")
    factories.alliance("NZL", "TON", slug="ended", in_force="1970", ended="1992")
    factories.alliance("NZL", "WSM", slug="first", in_force="1970", ended="1994-03-01")
    factories.alliance("NZL", "WSM", slug="second", in_force="1994-03-02", kind="entente")
    factories.alliance("NZL", "AUS", "VUT", slug="kept", in_force="1970")
    factories.alliance("NZL", "AUS", slug="passing", in_force="1993", ended="1996")


def test_row_shows_how_ties_with_a_country_changed(nineties, client):
    found = rows(client)
    assert {code: row["change"] for code, row in found.items()} == {
        "FJI": "began",
        "TON": "ended",
        "WSM": "changed",
    }
    assert (found["FJI"]["began"], found["FJI"]["began_dates"]) == (["begun"], ["1995-05"])
    assert (found["TON"]["ended"], found["TON"]["ended_dates"]) == (["ended"], ["1992"])
    samoa = found["WSM"]
    assert (samoa["began"], samoa["ended"]) == (["second"], ["first"])
    assert (samoa["kinds_gained"], samoa["kinds_lost"]) == (["entente"], ["defence-pact"])


@pytest.mark.slow
def test_page_csv_and_json_have_the_same_countries(nineties, client):
    for query in (NINETIES, f"{NINETIES}&change=ended", f"{NINETIES}&kind=entente"):
        page = body(client.get(f"{CHANGES}/?{query}"))
        tables = "".join(re.findall(r"<tbody>.*?</tbody>", page, re.S))
        on_page = re.findall(r'<th scope="row"><a href="/en/countries/([\w-]+)/', tables)
        table = list(csv.DictReader(io.StringIO(body(client.get(f"{CHANGES}.csv?{query}")))))
        slugs = dict(Country.objects.values_list("alpha3", "slug"))
        assert sorted(on_page) == sorted(slugs[row["country"]] for row in table)
        data = rows(client, query)
        assert list(data) == [row["country"] for row in table]
        for row in table:
            assert row["change"] == data[row["country"]]["change"]
            assert row["began"].split() == data[row["country"]]["began"]
        assert len(table) == 1 if query != NINETIES else 3


def test_balance_adds_up(nineties, client):
    page = body(client.get(f"{CHANGES}/?{NINETIES}"))
    balance = page.split('<dl class="balance">')[1].split("</dl>")[0]
    assert [int(n) for n in re.findall(r">(\d+)(?:</a>)?</dd>", balance)] == [4, 1, 1, 1, 4]
    assert "Allies on 1 January 1990" in balance
    assert 'href="/en/countries/new-zealand/allies/?on=1999-12-31"' in balance


def test_page_groups_changes_by_alliance(client):
    factories.alliance("NZL", "FJI", "TON", "WSM", title_en="Great pact", in_force="1995")
    page = body(client.get(f"{CHANGES}/?{NINETIES}"))
    summed = page.split("By alliance")[1].split("</section>")[0]
    assert summed.count("Great pact") == 1
    assert re.findall(r'countries/([\w-]+)/">', summed) == ["fiji", "samoa", "tonga"]


def test_possible_days_of_a_tie_count_as_in_force(client):
    factories.alliance("NZL", "FJI", in_force="1995", ended="1997")
    assert rows(client, "from=1994-12-31&to=1995-01-01")["FJI"]["change"] == "began"
    assert rows(client, "from=1995-01-01&to=1997-12-31") == {}
    assert rows(client, "from=1997-12-31&to=1998-01-01")["FJI"]["change"] == "ended"


def test_tie_ends_when_the_first_country_leaves(client):
    pact = factories.alliance("NZL", "FJI", "TON", in_force="1970", ended="1996")
    pact.memberships.filter(country__alpha3="FJI").update(
        left="1992-05", left_earliest="1992-05-01", left_latest="1992-05-31"
    )
    found = rows(client)
    assert (found["FJI"]["ended_dates"], found["TON"]["ended_dates"]) == (["1992-05"], ["1996"])
    pact.memberships.filter(country__alpha3="NZL").update(
        left="1991", left_earliest="1991-01-01", left_latest="1991-12-31"
    )
    assert {code: row["ended_dates"] for code, row in rows(client).items()} == {
        "FJI": ["1991"],
        "TON": ["1991"],
    }


def test_imprecise_dates_are_kept_in_order(client):
    pact = factories.alliance("NZL", "FJI", slug="a", in_force="1970", ended="../1995")
    other = factories.alliance("NZL", "FJI", slug="b", in_force="1980", ended="1996")
    assert rows(client)["FJI"]["ended_dates"] == [pact.ended, other.ended]
    factories.alliance("NZL", "TON", slug="c", signed="1995/..")
    assert rows(client)["TON"]["began_dates"] == ["1995/.."]


#: Templates of EDTF dates of different precision, around a first and a later year.
SHAPES = ("{0}-06-15", "{0}-03", "{0}", "{0}/{1}", "../{0}", "{0}/..", "{0}~", "")


@pytest.mark.slow
def test_changes_with_imprecise_dates_match_both_lists(client):
    chance = random.Random(19900630)

    def date(year):
        return chance.choice(SHAPES).format(year, year + chance.randint(1, 3))

    pacific = ("FJI", "TON", "WSM", "AUS", "VUT")
    for number in range(30):
        start = chance.randint(1960, 1999)
        pact = factories.alliance(slug=f"pact-{number}", signed=date(start), ended=date(start + 20))
        for code in ("NZL", *chance.sample(pacific, 2)):
            joined = start + chance.randint(0, 5)
            part = {"joined": date(joined), "left": date(joined + chance.randint(4, 9))}
            pact.memberships.create(country=factories.country(code), **part)
    seen = 0
    for _attempt in range(15):
        days = [dt.date(chance.randint(1955, 2025), chance.randint(1, 12), 15) for _side in "12"]
        start, end = sorted(days)
        changes = rows(client, f"from={start}&to={end}")
        at_start, at_end = (
            {
                (code, slug)
                for code, row in rows(client, f"on={day}", CHANGES.removesuffix("/changes")).items()
                for slug in row["alliances"]
            }
            for day in (start, end)
        )
        began, ended = (
            {(code, slug) for code, row in changes.items() for slug in row[part]}
            for part in ("began", "ended")
        )
        assert (began, ended) == (at_end - at_start, at_start - at_end)
        for row in changes.values():
            for text in row["began_dates"]:
                first = None if text == "XXXX" else bounds(text).earliest
                assert first is None or start < first <= end, (row, start, end)
            for text in row["ended_dates"]:
                assert start <= bounds(text).latest < end, (row, start, end)
        seen += len(began) + len(ended)
    assert seen > 40


def test_sources_are_counted_per_alliance_and_in_total(client):
    wire = factories.source()
    copy = factories.source(derived_from=wire)
    first = factories.alliance(
        "NZL", "FJI", slug="first", in_force="1970", ended="1992", cited=False
    )
    second = factories.alliance("NZL", "FJI", slug="second", in_force="1995", cited=False)
    for source in (wire, copy):
        factories.cite(first, source)
    for source in (copy, factories.source()):
        factories.cite(second, source)
    factories.cite(second, stance="disputes")
    row = rows(client)["FJI"]
    assert (row["ended_sources"], row["began_sources"]) == ([1], [2])
    assert (row["independent_sources"], row["disputed"]) == (2, True)


def test_drafts_change_nothing(client):
    factories.alliance("NZL", "FJI", in_force="1995", status=Status.DRAFT)
    factories.alliance("NZL", "TON", in_force="1995", cited=False)
    assert rows(client) == {}


def test_filters_apply_to_changes_and_balance(nineties, client):
    assert set(rows(client, f"{NINETIES}&q=tonga")) == {"TON"}
    assert set(rows(client, f"{NINETIES}&region=142")) == set()
    assert {
        code: row["change"] for code, row in rows(client, f"{NINETIES}&kind=entente").items()
    } == {"WSM": "began"}
    page = body(client.get(f"{CHANGES}/?{NINETIES}&q=tonga"))
    assert "?on=1990-01-01&amp;q=tonga" in page


def test_default_days_are_the_last_ten_years(client):
    today = timezone.localdate()
    factories.alliance("NZL", "FJI", in_force=str(today - dt.timedelta(days=30)))
    factories.alliance("NZL", "TON", in_force=str(today.year - 20))
    assert set(rows(client, "")) == {"FJI"}
    assert set(rows(client, f"to={today - dt.timedelta(days=31)}")) == set()
    for day in ("2024-02-29", "0001-01-01", "0005-06-01"):
        assert client.get(f"{CHANGES}/?to={day}").status_code == 200


@pytest.mark.parametrize("form", ["/", ".csv", ".json"])
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=1995-01-01&to=1990-01-01", "from"),
        ("from=2999-01-01", "from"),
        ("from=1990-02-30", "from"),
        ("to=soon", "to"),
        ("from=1990-01-01&to=19951231", "to"),
        ("change=vanished", "change"),
        ("kind=friendship", "kind"),
    ],
)
def test_invalid_values_give_400_with_reason(query, name, form, client):
    response = client.get(f"{CHANGES}{form}?{query}")
    assert response.status_code == 400
    said = body(response)
    assert name in said
    if form == "/":
        assert re.search(rf'id="id_{name}_error">[^<]+<', said)


@pytest.mark.slow
def test_query_count_is_constant_for_more_changes(nineties, client):
    def cost(form):
        with CaptureQueriesContext(connection) as queries:
            body(client.get(f"{CHANGES}{form}?{NINETIES}"))
        return len(queries)

    forms = ("/", ".csv", ".json")
    before = [cost(form) for form in forms]
    for code in ("IDN", "MYS", "THA", "LAO", "KHM", "MMR", "PHL", "SGP", "BRN", "TLS"):
        factories.alliance("NZL", code, in_force="1995")
        factories.alliance("NZL", code, in_force="1980", ended="1996")
    assert len(rows(client)) == 13
    assert [cost(form) for form in forms] == before


def test_equal_days_give_no_changes(nineties, client):
    assert rows(client, "from=1995-01-01&to=1995-01-01") == {}


def test_country_and_allies_pages_link_to_changes(client):
    factories.alliance("RUS", "BRA", in_force="1980")
    for path in ("", "allies/"):
        page = body(client.get(f"/en/countries/russia/{path}"))
        assert 'href="/en/countries/russia/allies/changes/"' in page
        page = body(client.get(f"/en/countries/russia/{path}?on=1990-06-30"))
        assert 'href="/en/countries/russia/allies/changes/?to=1990-06-30"' in page


def test_page_is_translated(nineties, client):
    with override("id"):
        page = body(client.get(f"{CHANGES.replace('/en/', '/id/')}/?{NINETIES}"))
    assert "1 Januari 1990" in page
    assert "Menjadi sekutu" in page
