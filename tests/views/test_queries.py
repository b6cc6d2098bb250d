"""How many queries each page costs: written down in one file, and the same for more rows.

`pytest tests/views/test_queries.py --refresh-query-counts` writes the file anew, on purpose.
"""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from allies.caching.store import pages
from allies.models import Alliance, AllyList, Event, Membership, Participation, Source
from tests import cast
from tests.views import addresses
from tests.views.addresses import body
from tests.views.test_corrections import corrected

pytestmark = pytest.mark.usefixtures("starter")

COUNTS = Path(__file__).with_name("query_counts.json")


def address_of(name):
    with override("en"):
        return addresses.one(name)


def count(visitor, address):
    body(visitor.get(address))  # what a process does once, such as compiling a template
    pages.clear()
    with CaptureQueriesContext(connection) as queries:
        body(visitor.get(address))
    return len(queries)


@pytest.mark.core
def test_every_page_costs_what_is_written_down(visitor, request):
    counts = {name: count(visitor, address_of(name)) for name in addresses.names()}
    if request.config.getoption("--refresh-query-counts"):
        COUNTS.write_text(json.dumps(counts, indent=2) + "\n")
    assert counts == json.loads(COUNTS.read_text())


@pytest.mark.slow
def test_ten_more_rows_cost_no_more_queries(visitor):
    names = addresses.names()
    pact = address_of("alliance-detail").strip("/").split("/")[-1]
    treaty = Alliance.objects.get(slug=pact)
    vote = Event.objects.get(slug="unga-es-11-1")
    featured = AllyList.objects.get(slug="russia-allies-in-asia")
    dw = Source.objects.get(key="dw-2024-en")

    def one_more(code, position):
        corrected(vote, title_en=f"Corrected {code}")
        cast.cite(cast.alliance("RUS", code), dw)
        cast.cite(cast.event(("RUS", "host"), (code, "visitor"), alliance=treaty), dw)
        cast.ally_list("RUS", code, "CHN")
        cast.source(derived_from=dw)
        Membership.objects.create(alliance=treaty, country=cast.country(code))
        Participation.objects.create(event=vote, country=cast.country(code), role="for")
        cast.cite(treaty)
        cast.cite(vote)
        cast.cite(featured.entries.create(country=cast.country(code), position=position))

    one_more("NZL", 9)  # a history with something in it
    before = {name: count(visitor, address_of(name)) for name in names}
    others = ["IDN", "MYS", "THA", "LAO", "KHM", "MMR", "PHL", "SGP", "BRN", "TLS"]
    for position, code in enumerate(others, start=10):
        one_more(code, position)
    after = {name: count(visitor, address_of(name)) for name in names}
    for name in [name for name in names if name.endswith("-atom")]:
        # A feed tells of its newest rows: what older ones cost goes when they fall out of it.
        assert after.pop(name) <= before.pop(name), name
    assert after == before
