"""Citations on a page: one group per origin, with republications folded under it."""

import re

import pytest
from django.utils.translation import override

from allies.models import Status
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def pact():
    return factories.alliance("RUS", "IND", cited=False)


def shown(visitor, record):
    """Return {stance: texts of its groups} and the HTML of the record's page."""
    with override("en"):
        page = body(visitor.get(record.get_absolute_url()))
    found = {}
    for stance, side in re.findall(r'<div class="stance stance-(\w+)">(.*?)\n  </div>', page, re.S):
        voices = re.split(r"\n      <li>", side)[1:]
        found[stance] = [" ".join(re.sub(r"<[^>]+>", " ", voice).split()) for voice in voices]
    return found, page


def test_republications_are_folded_under_their_original(pact, client):
    original = factories.source(title="The report")
    retold = factories.source(title="Retold", derived_from=original, date_published="2024-01")
    again = factories.source(title="Retold again", derived_from=retold, date_published="2024-02")
    other = factories.source(title="Another witness")
    for source in (again, other, original, retold):
        factories.cite(pact, source)
    found, page = shown(client, pact)
    (report, witness) = found["supports"]
    assert "The report" in report
    assert "Another witness" in witness
    assert "based on it" not in witness
    assert re.search("2 sources based on it.*Retold.*Retold again.*based on", report)
    assert "2 independent sources" in page


def test_uncited_original_is_shown_above_its_republications(pact, client):
    original = factories.source(title="The report")
    factories.cite(pact, factories.source(title="Retold", derived_from=original), locator="p. 4")
    found, page = shown(client, pact)
    (voice,) = found["supports"]
    assert re.search(
        "The report.*the original source, not cited directly.*1 source based on it.*Retold.*p. 4",
        voice,
    )
    assert '<details class="repeated" open>' in page


def test_hidden_original_is_not_named(pact, client):
    hidden = factories.source(title="Zanzabarra", status=Status.DRAFT)
    factories.cite(
        pact, factories.source(title="Retold", derived_from=hidden, date_published="2024-01")
    )
    factories.cite(
        pact, factories.source(title="Retold again", derived_from=hidden, date_published="2024-02")
    )
    found, page = shown(client, pact)
    (voice,) = found["supports"]
    assert re.search("Retold.*1 source based on it.*Retold again", voice)
    assert "Zanzabarra" not in page


def test_stances_are_grouped_separately(pact, client):
    original = factories.source(title="The report")
    factories.cite(pact, original)
    factories.cite(pact, factories.source(title="Retold", derived_from=original), stance="disputes")
    found, _page = shown(client, pact)
    assert [len(voices) for voices in found.values()] == [1, 1]
    assert "not cited directly" in found["disputes"][0]


def test_number_of_supporting_groups_equals_independent_sources(pact, client):
    original = factories.source()
    for number in range(3):
        factories.cite(pact, factories.source(derived_from=original), locator=f"p. {number}")
        factories.cite(pact, factories.source())
    factories.cite(pact, original, locator="p. 1")
    factories.cite(pact, original, locator="p. 2")
    found, page = shown(client, pact)
    number = int(re.search(r"(\d+) independent source", page)[1])
    assert len(found["supports"]) == number == 4


def test_citation_shows_quote_note_location_and_date(pact, client):
    factories.cite(
        pact,
        factories.source(language="id"),
        locator="p. 4",
        quote="saling membela",
        note_en="As translated.",
        verified_on="2024-06-20",
    )
    _found, page = shown(client, pact)
    assert '<blockquote dir="auto" lang="id">saling membela</blockquote>' in page
    for text in (", p. 4", "As translated.", "verified on 20 June 2024"):
        assert text in page
