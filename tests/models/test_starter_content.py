"""The alliances of the starter content: what readers learn of today, and what it rests on."""

import csv
import io

import pytest
from django.db.models import Exists, OuterRef

from allies.models import Alliance, Citation, Membership
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

#: Publishers of sources that must never be the only ones for an alliance or a membership.
WEAK_PUBLISHERS = ("Wikipedia", "WikiMili", "OSINT Watch")


def allies_of(client, slug, day, **query):
    """Return the codes of the confirmed allies of a country on a day."""
    text = body(client.get(f"/en/countries/{slug}/allies.csv", {"on": day, **query}))
    rows = csv.DictReader(io.StringIO(text))
    return {row["country"] for row in rows if row["standing"] == "confirmed"}


def test_allies_by_defence_pact_are_those_of_today(client):
    american, russian = (
        allies_of(client, slug, "2026-12-01", kind="defence-pact")
        for slug in ("united-states", "russia")
    )
    assert len(american) >= 50
    assert {"CAN", "SWE", "JPN", "KOR", "AUS", "BRA", "PHL", "THA", "PLW"} <= american
    # Uzbekistan has left the CSTO, but its treaty of 2005 with Russia is in force.
    assert russian == {"ARM", "BLR", "KAZ", "KGZ", "PRK", "TJK", "UZB"}


def test_allies_by_defence_pact_are_those_of_the_day(client):
    found = allies_of(client, "united-states", "1962-06-01", kind="defence-pact")
    assert {"TWN", "TUR", "FRA", "MEX", "NZL"} <= found
    assert not {"CUB", "ESP", "POL", "SWE"} & found


def test_member_has_its_date_and_a_source_for_it(client):
    sweden = Membership.objects.get(alliance__slug="nato", country__alpha3="SWE")
    assert (sweden.joined, sweden.left) == ("2024-03-07", "")
    assert {citation.joined for citation in sweden.citations.all()} == {"2024-03-07"}
    assert "7 March 2024" in body(client.get("/en/alliances/nato/"))


def test_dates_that_another_data_set_gives_are_cited():
    greece = Membership.objects.get(alliance__slug="nato", country__alpha3="GRC")
    cow = greece.citations.get(source__key="cow-alliances-4-1")
    assert (greece.joined, cow.joined) == ("1952-02-18", "1951-10-22")


def test_all_are_public_in_both_languages():
    alliances = Alliance.objects.all()
    assert alliances.published().count() == alliances.count() == 79
    for alliance in alliances:
        texts = (alliance.title_en, alliance.title_ind, alliance.summary_en, alliance.summary_ind)
        assert all(texts), alliance.slug
        assert not alliance.publication_issues(), alliance.slug


@pytest.mark.parametrize("model", [Alliance, Membership])
def test_weak_sources_are_never_alone(model):
    supporting = Citation.objects.supporting().from_published_sources()
    about = supporting.filter(**{model._meta.model_name: OuterRef("pk")})
    cited = model.objects.filter(Exists(about))
    assert cited.count() > 70
    others = about.exclude(source__publisher__in=WEAK_PUBLISHERS)
    assert not cited.exclude(Exists(others)).exists()


def test_day_before_which_a_tie_began_is_excluded():
    """“Before 24 February 2022” excludes the day itself."""
    partnership = Alliance.objects.get(slug="china-russia-no-limits-partnership")
    assert partnership.signed == "../2022-02-23"
