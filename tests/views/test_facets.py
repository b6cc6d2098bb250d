"""Facets: the number at each link is the number of rows that it leads to."""

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils.translation import override

from allies.models import AllyList, Changeset, Event, Status
from allies.views.listing import Listing
from tests import factories
from tests.views import page_urls
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

LISTS = {
    "countries/": ["", "ties=yes", "region=142&existence=current", "q=korea"],
    "countries/russia/allies/": [
        "",
        "kind=defence-pact",
        "min_sources=2",
        "on=2012-12-31&q=a",
        "on=2012-12-31&q=a",
        "standing=possible&disputed=no",
    ],
    "alliances/": ["", "country=RUS", "on=2024-06-20", "disputed=yes"],
    "events/": ["", "country=RUS", "country=RUS&role=host", "disputed=no&certainty=confirmed"],
    "votes/": ["", "country=RUS", "country=RUS&with=CHN", "unanimous=no&country=RUS&role=against"],
    "sources/": ["", "kind=news", "date_after=2024-06-01"],
    "lists/": ["", "country=RUS", "origin=recorded"],
    "changes/": ["", "kind=import"],
    "search/": ["q=russia", "q=russia&noun=event", "q=rusia&date_after=2020-01-01"],
}
CHOICE = re.compile(
    r'<a href="([^"]*)" rel="nofollow"( aria-current="true")?>.*?<span class="number">(\d+)</span>'
)


def facets(visitor, address):
    """Return (URL, is active, count) of every choice on the page."""
    page = body(visitor.get(address))
    nav = re.search(r'<nav class="facets".*?</nav>', page, re.S)
    found = CHOICE.findall(nav[0]) if nav else []
    return [(html.unescape(link), bool(active), int(count)) for link, active, count in found]


def number_of_rows(visitor, address):
    """Return the number of rows that the page shows; 0 if it shows none, as an empty search."""
    found = re.search(r'<p class="count">\s*<span>(\d+) ', body(visitor.get(address)))
    return int(found[1]) if found else 0


def names_of_lists():
    """Yield the URL names of all pages that are lists."""
    for pattern in get_resolver().namespace_dict["allies"][1].url_patterns:
        view = getattr(pattern.callback, "view_class", None)
        if view and issubclass(view, Listing) and not pattern.default_args:
            yield pattern.name


def assert_choices_tell_the_truth(visitor, address):
    here = number_of_rows(visitor, address)
    for link, active, count in facets(visitor, address):
        if active:
            assert count == here, link
            assert number_of_rows(visitor, link) >= here
        else:
            assert count == number_of_rows(visitor, link), link


@pytest.mark.slow
def test_facet_counts_are_right_on_every_list(client):
    names = list(names_of_lists())
    assert len(names) >= 8
    for name in names:
        with override("en"):
            address = page_urls.of(name)[0]
        assert_choices_tell_the_truth(client, address)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "query"), [(path, query) for path, queries in LISTS.items() for query in queries]
)
def test_facet_counts_are_right_with_other_filters(path, query, client):
    address = f"/en/{path}?{query}"
    assert facets(client, address) or not number_of_rows(client, address)
    assert_choices_tell_the_truth(client, address)


def test_facets_have_every_choice_with_rows(client):
    kinds = {event.kind for event in Event.objects.published().except_roll_calls()}
    offered = {
        link.partition("kind=")[2] for link, _active, _count in facets(client, "/en/events/")
    }
    assert kinds <= offered


def test_facets_do_not_count_drafts(client):
    before = {path: facets(client, f"/en/{path}") for path in LISTS}
    hidden = factories.source(status=Status.DRAFT, kind="book")
    factories.alliance("RUS", "IND", status=Status.DRAFT, cited=False)
    factories.event(("RUS", "host"), status=Status.WITHDRAWN, kind="election", cited=False)
    factories.cite(factories.event(("RUS", "host"), cited=False, kind="election"), hidden)
    factories.ally_list("RUS", "CHN", status=Status.IN_REVIEW, cited=False)
    Changeset.objects.create(reason="nobody knows of it yet")
    assert {path: facets(client, f"/en/{path}") for path in LISTS} == before


def test_facet_query_count_is_constant_for_more_choices(client):
    def queries():
        client.get("/en/lists/")
        with CaptureQueriesContext(connection) as found:
            client.get("/en/lists/?origin=ours")
        return len(found)

    before = queries()
    for code in ("CHN", "IND", "IRN"):
        factories.ally_list("RUS", code, recorded_from=factories.source())
    assert AllyList.objects.count() > 3
    assert queries() == before


def test_active_choice_links_to_the_list_without_it(client):
    choices = facets(client, "/en/events/?country=RUS&kind=visit&page=1")
    (link,) = [link for link, active, _count in choices if active]
    assert link == "/en/events/?country=RUS"


def test_facets_are_translated(client):
    assert "pakta pertahanan" in body(client.get("/id/alliances/")).split('class="facets"')[1]


def test_invalid_value_hides_facets(client):
    response = client.get("/en/events/?kind=nonsense")
    assert response.status_code == 400
    assert 'class="facets"' not in body(response)
