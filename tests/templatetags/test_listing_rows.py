"""Cached rows of lists: each of their values shows in the HTML."""

import datetime as dt

import pytest
from django.utils.safestring import SafeString
from django.utils.translation import override

from allies.models import Event
from allies.templatetags.listing_rows import (
    AllyRowValues,
    DisplayText,
    EventRow,
    LatestEvent,
    TieLabel,
    _ally_row,
    _event_row,
    event_row,
)
from tests import factories

EVENT = EventRow("a", DisplayText("A visit", ""), "2024", "visit", "certain", "certain", 2, 0)
ALLY = AllyRowValues(
    slug="china",
    name=DisplayText("China", ""),
    flag=SafeString('<svg class="flag"></svg>'),
    ties=(TieLabel("a-pact", DisplayText("A pact", ""), "defence-pact", "defence pact"),),
    since="2001",
    standing="confirmed",
    last_confirmed=None,
    event=LatestEvent("a", DisplayText("A visit", ""), "2024"),
    independent_sources=2,
    disputed=True,
    focus="Russia",
    pair=("china", "russia"),
    on="2024-01-01",
)

OTHERS = [
    (_event_row, EVENT, {"slug": "b"}),
    (_event_row, EVENT, {"title": DisplayText("A vote", "")}),
    (_event_row, EVENT, {"title": DisplayText("A visit", "id")}),
    (_event_row, EVENT, {"date": "2024-05"}),
    (_event_row, EVENT, {"kind": "vote"}),
    (_event_row, EVENT, {"certainty": "doubtful"}),
    (_event_row, EVENT, {"certainty_label": "doubtful"}),
    (_event_row, EVENT, {"independent_sources": 3}),
    (_event_row, EVENT, {"disputes": 1}),
    (_ally_row, ALLY, {"slug": "iran"}),
    (_ally_row, ALLY, {"name": DisplayText("China", "id")}),
    (_ally_row, ALLY, {"ties": ()}),
    (_ally_row, ALLY, {"ties": (ALLY.ties[0]._replace(slug="b"),)}),
    (_ally_row, ALLY, {"ties": (ALLY.ties[0]._replace(title=DisplayText("A pact", "id")),)}),
    (_ally_row, ALLY, {"ties": (ALLY.ties[0]._replace(kind="entente"),)}),
    (_ally_row, ALLY, {"ties": (ALLY.ties[0]._replace(label="entente"),)}),
    (_ally_row, ALLY, {"since": ""}),
    (_ally_row, ALLY, {"standing": "possible"}),
    (
        _ally_row,
        ALLY._replace(standing="last-recorded"),
        {"last_confirmed": dt.date(2012, 12, 31)},
    ),
    (_ally_row, ALLY, {"flag": SafeString("")}),
    (_ally_row, ALLY, {"event": None}),
    (_ally_row, ALLY, {"event": ALLY.event._replace(slug="b")}),
    (_ally_row, ALLY, {"event": ALLY.event._replace(date="2023")}),
    (_ally_row, ALLY, {"independent_sources": 1}),
    (_ally_row, ALLY, {"disputed": False}),
    (_ally_row, ALLY, {"focus": "Belarus"}),
    (_ally_row, ALLY, {"pair": ("china", "iran")}),
    (_ally_row, ALLY, {"on": ""}),
]


@pytest.mark.parametrize(("draw", "row", "other"), OTHERS)
def test_rows_with_different_values_have_different_html(draw, row, other):
    assert draw(row) != draw(row._replace(**other))
    assert draw(row) == draw(row._replace())


@pytest.mark.parametrize(("draw", "row"), [(_event_row, EVENT), (_ally_row, ALLY)])
def test_cases_cover_every_value_of_a_row(draw, row):
    tried = {name for drawn, _row, other in OTHERS if drawn is draw for name in other}
    assert tried == set(row._fields)


def test_row_is_cached_per_language():
    said = set()
    for language in ("en", "id", "en"):
        with override(language):
            said.add(_event_row(EVENT))
    assert len(said) == 2


@pytest.mark.django_db
def test_row_shows_the_events_current_title():
    event = factories.event(title_en="First <i>title</i>")

    def drawn():
        return event_row(Event.objects.with_evidence().get(pk=event.pk))

    assert "First &lt;i&gt;title&lt;/i&gt;" in drawn()
    event.title_en = "Second title"
    event.save()
    assert "Second title" in drawn()
