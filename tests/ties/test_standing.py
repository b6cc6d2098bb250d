"""Standing of ties: what is known of a day, and what readers see of it."""

import csv
import io

import pytest

from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


def standings(client, on, **query):
    """Return ally → standing in the CSV of Fiji's allies on a day."""
    answer = client.get("/en/countries/fiji/allies.csv", {"on": on, **query})
    rows = csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    return {row["country"]: row["standing"] for row in rows}


def pact(*, source=None, **given):
    """Make a pact of Fiji and Tonga that only this source supports."""
    made = factories.alliance("FJI", "TON", cited=False, **given)
    factories.cite(made, source or factories.source())
    return made


@pytest.fixture
def data_set(db):
    return factories.source(kind="dataset", covers_from="1990", covers_to="2012")


def test_tie_is_confirmed_while_its_source_covers_the_day(data_set, client):
    pact(source=data_set, in_force="2001-05-01")
    assert standings(client, "2012-12-31") == {"TON": "confirmed"}


def test_tie_is_last_recorded_after_the_coverage_of_all_its_sources(data_set, client):
    pact(source=data_set, in_force="2001-05-01")
    assert standings(client, "2013-01-01") == {"TON": "last-recorded"}


def test_tie_is_confirmed_if_one_source_covers_the_day(data_set, client):
    factories.cite(pact(source=data_set, in_force="2001-05-01"))
    assert standings(client, "2020-01-01") == {"TON": "confirmed"}


def test_tie_is_last_recorded_if_the_covering_source_is_not_published(data_set, client):
    made = pact(source=data_set, in_force="2001-05-01")
    factories.cite(made, factories.source(status="draft"))
    assert standings(client, "2020-01-01") == {"TON": "last-recorded"}


def test_tie_is_last_recorded_if_the_covering_source_disputes_it(data_set, client):
    factories.cite(pact(source=data_set, in_force="2001-05-01"), stance="disputes")
    assert standings(client, "2020-01-01") == {"TON": "last-recorded"}


def test_citations_of_both_memberships_confirm_a_tie(data_set, client):
    made = pact(source=data_set, in_force="2001-05-01")
    first, second = made.memberships.all()
    factories.cite(first)
    assert standings(client, "2020-01-01") == {"TON": "last-recorded"}
    factories.cite(second)
    assert standings(client, "2020-01-01") == {"TON": "confirmed"}


def test_tie_with_an_open_end_is_last_recorded(client):
    pact(in_force="2001-05-01", ended="2012-12-31/..")
    assert standings(client, "2012-12-31") == {"TON": "confirmed"}
    assert standings(client, "2020-01-01") == {"TON": "last-recorded"}


def test_tie_with_an_imprecise_end_is_possible(client):
    pact(in_force="2001-05-01", ended="2012/2014")
    assert standings(client, "2013-01-01") == {"TON": "possible"}


def test_open_beginning_reaches_back_to_the_coverage_of_the_source(data_set, client):
    pact(source=data_set, in_force="../2001-05-01")
    assert standings(client, "1989-12-31") == {}
    assert standings(client, "1990-01-01") == {"TON": "possible"}
    assert standings(client, "2001-05-01") == {"TON": "confirmed"}


def test_open_beginning_does_not_reach_back_without_coverage(client):
    pact(in_force="../2001-05-01")
    assert standings(client, "2001-04-30") == {}
    assert standings(client, "2001-05-01") == {"TON": "confirmed"}


def test_unknown_beginning_reaches_back_to_the_date_of_the_source(client):
    pact(source=factories.source(date_published="2010-03"))
    assert standings(client, "2010-02-28") == {}
    assert standings(client, "2010-03-01") == {"TON": "possible"}


def test_confirmed_allies_come_first_and_can_be_filtered(data_set, client):
    pact(in_force="2001")
    older = factories.alliance("FJI", "PNG", cited=False, in_force="2001")
    factories.cite(older, data_set)
    assert list(standings(client, "2020-01-01").items()) == [
        ("TON", "confirmed"),
        ("PNG", "last-recorded"),
    ]
    assert standings(client, "2020-01-01", standing="last-recorded") == {"PNG": "last-recorded"}


def test_page_counts_confirmed_allies_and_folds_the_others(data_set, client):
    pact(in_force="2001")
    older = factories.alliance("FJI", "PNG", cited=False, in_force="2001")
    factories.cite(older, data_set)
    page = client.get("/en/countries/fiji/").content.decode()
    assert "1 confirmed ally of Fiji" in page
    assert "1 more last recorded 2012" in page
    listing = client.get("/en/countries/fiji/allies/").content.decode()
    folded = listing[listing.index('<details class="unconfirmed">') :]
    assert "Papua New Guinea" in folded
    assert "Tonga" in listing[: listing.index('<details class="unconfirmed">')]


def test_country_without_confirmed_ties_is_not_given_a_zero(data_set, client):
    pact(source=data_set, in_force="2001")
    page = client.get("/en/countries/fiji/").content.decode()
    assert "No current ties recorded" in page
    assert "1 last recorded 2012" in page


def test_api_gives_the_standing_of_the_ties_of_a_pair(data_set, client):
    pact(source=data_set, in_force="2001")
    ties = client.get("/api/v1/ties/fiji/tonga").json()["ties"]
    assert [tie["standing"] for tie in ties] == ["last-recorded"]
    ties = client.get("/api/v1/ties/fiji/tonga?on=2005-01-01").json()["ties"]
    assert [tie["standing"] for tie in ties] == ["confirmed"]
