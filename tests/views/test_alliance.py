"""The page of an alliance: names, outside IDs, and addresses made from data-set IDs."""

import pytest
from django.urls import reverse

from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")


def page(visitor, pact, language="en"):
    return body(visitor.get(f"/{language}/alliances/{pact.slug}/"))


def test_alternative_names_have_their_language_and_wikidata_a_link(client):
    pact = factories.alliance("RUS", "IND", wikidata="Q7184")
    assert "Also called" not in page(client, pact)
    factories.alias(pact, "Pacte", "fr")
    factories.alias(pact, "PCT")
    shown = page(client, pact)
    assert '<dd><span>PCT</span>, <span lang="fr">Pacte</span></dd>' in shown
    assert 'href="https://www.wikidata.org/wiki/Q7184"' in shown
    assert "Nama lain" in page(client, pact, "id")


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
