"""Numbers of queries per page: as recorded in one file, and constant for more rows.

To record them after an intended change, run
`pytest tests/views/test_queries.py --refresh-query-counts`.
"""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from allies.models import Alliance, AllyList, Event, Membership, Participation, Source
from allies.page_cache.store import page_store
from tests import factories
from tests.views import page_urls
from tests.views.page_urls import body
from tests.views.test_corrections import corrected

pytestmark = pytest.mark.usefixtures("demo_data")

COUNTS = Path(__file__).with_name("query_counts.json")


def address_of(name):
    with override("en"):
        return page_urls.one(name)


def count(visitor, address):
    body(visitor.get(address))  # warm up: a process compiles each template once
    page_store.clear()
    with CaptureQueriesContext(connection) as queries:
        body(visitor.get(address))
    return len(queries)


@pytest.mark.core
def test_query_counts_are_as_recorded(client, request):
    counts = {name: count(client, address_of(name)) for name in page_urls.names()}
    if request.config.getoption("--refresh-query-counts"):
        COUNTS.write_text(json.dumps(counts, indent=2) + "\n")
    assert counts == json.loads(COUNTS.read_text())


@pytest.mark.slow
def test_query_counts_are_constant_for_more_rows(client):
    names = page_urls.names()
    pact = address_of("alliance-detail").strip("/").split("/")[-1]
    treaty = Alliance.objects.get(slug=pact)
    vote = Event.objects.get(slug="unga-es-11-1")
    featured = AllyList.objects.get(slug="russia-allies-in-asia")
    dw = Source.objects.get(key="dw-2024-en")

    def one_more(code, position):
        corrected(vote, title_en=f"Corrected {code}")
        factories.cite(factories.alliance("RUS", code), dw)
        factories.cite(factories.event(("RUS", "host"), (code, "visitor"), alliance=treaty), dw)
        factories.ally_list("RUS", code, "CHN")
        factories.source(derived_from=dw)
        Membership.objects.create(alliance=treaty, country=factories.country(code))
        Participation.objects.create(event=vote, country=factories.country(code), role="for")
        factories.cite(treaty)
        factories.cite(vote)
        factories.cite(featured.entries.create(country=factories.country(code), position=position))

    one_more("NZL", 9)  # so that no history is empty
    before = {name: count(client, address_of(name)) for name in names}
    others = ["IDN", "MYS", "THA", "LAO", "KHM", "MMR", "PHL", "SGP", "BRN", "TLS"]
    for position, code in enumerate(others, start=10):
        one_more(code, position)
    after = {name: count(client, address_of(name)) for name in names}
    for name in [name for name in names if name.endswith("-atom")]:
        # Feeds show only the newest rows, so queries for older ones may be gone.
        assert after.pop(name) <= before.pop(name), name
    assert after == before
