"""Beneficiaries, observers and associates are tied to members, and not to each other."""

import pytest
from django.utils import timezone

from allies.ties.allies_on_day import Ties, standing_on_the_day
from allies.ties.shared_alliances import shared_alliances
from allies.ties.ties_between import CountryPair, get_ties_between
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data", "no_ties")


@pytest.fixture(params=["beneficiary", "observer", "associate"])
def promise(request):
    alliance = factories.alliance("USA", "BRA", "PAK", title_en="Promise of Washington")
    beneficiaries = alliance.memberships.filter(country__alpha3__in=("BRA", "PAK"))
    beneficiaries.update(role=request.param)
    return alliance


def today():
    return timezone.localdate()


@pytest.mark.parametrize(("focus", "allies"), [("USA", {"BRA", "PAK"}), ("BRA", {"USA"})])
def test_allies_of_a_country(promise, focus, allies, client):
    country = factories.country(focus)
    ties = Ties(country, today())
    assert {ally.alpha3 for ally in ties.allies()} == allies
    assert standing_on_the_day(ties).total == len(allies)
    page = body(client.get(f"{country.get_absolute_url()}allies.csv"))
    assert {line.split(",")[0] for line in page.splitlines()[1:]} == allies


def test_country_that_is_also_a_member_is_tied_to_all(promise):
    promise.memberships.create(country=factories.country("BRA"), joined="2020")
    assert {ally.alpha3 for ally in Ties(factories.country("BRA"), today()).allies()} == {
        "USA",
        "PAK",
    }


@pytest.mark.parametrize(("one", "other", "number"), [("USA", "BRA", 1), ("BRA", "PAK", 0)])
def test_pair(promise, one, other, number, client):
    pair = CountryPair.of(factories.country(one), factories.country(other))
    ties = get_ties_between(pair, pair.alliances(), on=today())
    assert [tie.alliance for tie in ties] == [promise] * number
    page = body(client.get(f"/en{pair.get_absolute_url().removeprefix('/en')}"))
    assert ("Promise of Washington" in page) == bool(number)


def test_comparison(promise):
    countries = [factories.country(code) for code in ("BRA", "PAK", "USA")]
    (shared,) = shared_alliances(countries, today())
    assert shared.tie(countries[0], countries[1]) is None
    assert shared.tie(countries[0], countries[2])
    assert shared.tie(countries[0], factories.country("IDN")) is None
