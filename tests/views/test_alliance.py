"""The page of an alliance: names, outside IDs, and addresses made from data-set IDs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allies.models import Membership
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")


def page(visitor, pact, language="en"):
    return body(visitor.get(f"/{language}/alliances/{pact.slug}/"))


def test_alternative_names_have_their_language_and_wikidata_a_link(client):
    pact = factories.alliance("RUS", "IND", wikidata="Q90210")
    assert "Also called" not in page(client, pact)
    factories.alias(pact, "Pacte", "fr")
    factories.alias(pact, "PCT")
    factories.alias(pact, pact.title_en, "en")
    shown = page(client, pact)
    assert '<dd><span>PCT</span>, <span lang="fr">Pacte</span></dd>' in shown
    assert 'href="https://www.wikidata.org/wiki/Q90210"' in shown
    assert "Disebut juga" in page(client, pact, "id")


def test_country_links_to_wikidata(client):
    norway = factories.country("NOR")
    norway.wikidata = "Q20"
    norway.save()
    assert 'href="https://www.wikidata.org/wiki/Q20"' in body(client.get("/en/countries/norway/"))


@pytest.mark.parametrize(
    ("identifier", "old"), [("x:227", "x-227"), ("my-set:2-b", "my-set-2-b"), ("x:Y-1", "x-Y-1")]
)
def test_address_made_from_the_data_set_id_leads_to_the_alliance(identifier, old, client):
    pact = factories.alliance("RUS", "IND", identifier=identifier, slug="the-pact")
    moved = client.get(f"/en/alliances/{old}/?on=2000-01-01")
    assert (moved.status_code, moved.url) == (301, "/en/alliances/the-pact/?on=2000-01-01")
    assert client.get(f"/en/alliances/{old}/memberships.csv").url.endswith(
        "/alliances/the-pact/memberships.csv"
    )
    assert (
        client.get(f"/api/v1/alliances/{old}").headers["Location"] == "/api/v1/alliances/the-pact"
    )
    pact.status = "withdrawn"
    pact.save()
    assert client.get(f"/en/alliances/{old}/").status_code == 404


def test_current_and_old_slugs_win_over_data_set_ids(client):
    factories.alliance("RUS", "IND", identifier="x:227", slug="first")
    other = factories.alliance("RUS", "CHN", slug="x-227")
    assert client.get("/en/alliances/x-227/").status_code == 200
    other.slug = "renamed"
    other.save()
    assert client.get("/en/alliances/x-227/").url == reverse(
        "allies:alliance-detail", args=["renamed"]
    )
    assert client.get("/en/alliances/x-228/").status_code == 404
    assert client.get("/en/alliances/-227/").status_code == 404


def test_event_is_found_by_its_data_set_id_too(client):
    factories.event(("RUS", "host"), identifier="y:12", slug="a-visit")
    assert client.get("/en/events/y-12/").url == "/en/events/a-visit/"


# Members, their sources, and where these disagree.


def test_members_have_their_own_sources(client):
    pact = factories.alliance("RUS", "IND")
    member = pact.memberships.get(country__alpha3="IND")
    source = factories.source(title="The accession of India")
    hidden = factories.source(title="A secret", status="draft")
    factories.cite(member, source, locator="article 5", note_en="Says [@dw-2024-en].")
    factories.cite(member, hidden)
    shown = page(client, pact)
    assert "<summary>1 source" in shown
    assert "The accession of India</cite></a>, article 5" in shown
    assert "A secret" not in shown
    assert 'id="disagreements"' not in shown
    assert 'href="#note-1"' in shown
    listed = body(client.get(f"/en/sources/{source.key}/"))
    assert f"India: {pact.title_en}" in listed


def test_dates_that_differ_are_shown_side_by_side(client):
    pact = factories.alliance("RUS", "IND")
    member = pact.memberships.get(country__alpha3="IND")
    member.joined = "1982-05-30"
    member.save()
    ours, other = factories.source(title="Ours"), factories.source(title="Theirs")
    factories.cite(member, ours, joined="1982-05-30")
    factories.cite(member, other, joined="1981-12-10", left="1990")
    factories.cite(member, stance="disputes")
    shown = page(client, pact).partition('id="disagreements"')[2].partition("</table>")[0]
    joined, left, disputed = shown.split("<tr>")[2:]
    assert joined.index("30 May 1982") < joined.index("Ours") < joined.index("10 December 1981")
    assert joined.index("10 December 1981") < joined.index("Theirs")
    assert left.index("still a member") < left.index("1990")
    assert "never a member" in disputed
    assert f"/en/data/disagreements/?alliance={pact.slug}" in page(client, pact)
    assert "Perbedaan antarsumber" in page(client, pact, "id")


def test_obligations_of_some_members_are_sentences(client):
    pact = factories.alliance("USA", "KOR")
    pact.memberships.filter(country__alpha3="USA").update(defence=True)
    assert "The United States promises to defend South Korea." in page(client, pact)


def test_page_costs_no_query_per_member(client, no_page_cache):
    pact = factories.alliance("RUS", "IND")

    def queries():
        page(client, pact)
        with CaptureQueriesContext(connection) as asked:
            page(client, pact)
        return len(asked)

    def cite_all():
        for number, member in enumerate(pact.memberships.all()):
            factories.cite(member, joined=f"19{number + 50}")

    cite_all()
    before = queries()
    for code in ("CHN", "FRA", "GBR"):
        Membership.objects.create(
            alliance=pact, country=factories.country(code), joined="2001", defence=True
        )
    cite_all()
    assert queries() == before
