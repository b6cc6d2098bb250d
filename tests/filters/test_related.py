"""Filters of parts of records: each filters by its own column, and a search by names."""

import pytest

from allies.filters.membership import MembershipFilterSet
from allies.filters.related import (
    AliasFilterSet,
    AllEntriesFilterSet,
    AnyMembershipFilterSet,
    CitationFilterSet,
    ParticipationFilterSet,
    SeeAlsoFilterSet,
)
from allies.models import Alias, Citation, Entry, Membership, Participation, SeeAlso
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def records():
    """Create two records of each type: one for Fiji with Tonga, one for Samoa with Vanuatu."""
    for number, (focus, other) in enumerate((("FJI", "TON"), ("WSM", "VUT")), start=1):
        source = factories.source(key=f"source-of-{number}", title=f"Paper {number}x")
        stance = ("supports", "disputes")[number - 1]
        alliance = factories.alliance(cited=False, slug=f"pact-{number}", title_en=f"Pak {number}x")
        alliance.memberships.create(
            country=factories.country(focus),
            role=("member", "observer")[number - 1],
            joined=("1990", "1995")[number - 1],
        )
        event = factories.event(
            (focus, ("host", "visitor")[number - 1]),
            cited=False,
            slug=f"visit-{number}",
            title_en=f"Trip {number}x",
        )
        ally_list = factories.ally_list(
            focus, other, cited=False, slug=f"list-{number}", title_en=f"Roll {number}x"
        )
        ally_list.see_also.create(source=source)
        for record in (alliance, event, ally_list.entries.get()):
            factories.cite(record, source, stance=stance)
        Alias.objects.create(country=factories.country(focus), name=f"Alias {number}x")


#: (filter set, model, function that names a row, query, names of the rows that match).
CASES = [
    (AliasFilterSet, Alias, lambda a: a.name, {"country": "FJI"}, {"Alias 1x"}),
    (AliasFilterSet, Alias, lambda a: a.name, {"q": "alias 1x"}, {"Alias 1x"}),
    *(
        (filterset, Membership, lambda m: m.alliance.slug, query, {"pact-1"})
        for filterset, query in (
            (AnyMembershipFilterSet, {"country": "FJI"}),
            (AnyMembershipFilterSet, {"alliance": "pact-1"}),
            (AnyMembershipFilterSet, {"role": "member"}),
            (MembershipFilterSet, {"role": "member"}),
            (MembershipFilterSet, {"on": "1992-01-01"}),
            (MembershipFilterSet, {"q": "pak 1x"}),
            (MembershipFilterSet, {"q": "fiji"}),
            (MembershipFilterSet, {"q": "1x pak"}),
        )
    ),
    (MembershipFilterSet, Membership, lambda m: m.alliance.slug, {"q": "1x absent"}, set()),
    *(
        (ParticipationFilterSet, Participation, lambda p: p.event.slug, query, {"visit-1"})
        for query in (
            {"country": "FJI"},
            {"event": "visit-1"},
            {"role": "host"},
            {"q": "trip 1x"},
            {"q": "fiji"},
        )
    ),
    *(
        (AllEntriesFilterSet, Entry, lambda e: e.ally_list.slug, query, {"list-1"})
        for query in (
            {"country": "TON"},
            {"focus": "FJI"},
            {"list": "list-1"},
            {"q": "roll 1x"},
            {"q": "tonga"},
        )
    ),
    *(
        (SeeAlsoFilterSet, SeeAlso, lambda s: s.source.key, query, {"source-of-1"})
        for query in (
            {"list": "list-1"},
            {"source": "source-of-1"},
            {"q": "roll 1x"},
            {"q": "paper 1x"},
        )
    ),
    *(
        (CitationFilterSet, Citation, lambda c: c.target_noun + c.source.key[-1], query, found)
        for query, found in (
            ({"source": "source-of-1"}, {"alliance1", "event1", "entry1"}),
            ({"stance": "supports"}, {"alliance1", "event1", "entry1"}),
            ({"stance": "disputes"}, {"alliance2", "event2", "entry2"}),
            ({"alliance": "pact-1"}, {"alliance1"}),
            ({"event": "visit-1"}, {"event1"}),
            ({"list": "list-1"}, {"entry1"}),
            ({"q": "paper 1x"}, {"alliance1", "event1", "entry1"}),
        )
    ),
]


@pytest.mark.parametrize(("filterset", "model", "name", "query", "found"), CASES)
def test_related_filters_narrow_their_queryset(filterset, model, name, query, found, records):
    ours = {
        Alias: Alias.objects.filter(name__startswith="Alias "),
        Membership: Membership.objects.filter(alliance__slug__startswith="pact-"),
        Participation: Participation.objects.filter(event__slug__startswith="visit-"),
        Entry: Entry.objects.filter(ally_list__slug__startswith="list-"),
        SeeAlso: SeeAlso.objects.filter(ally_list__slug__startswith="list-"),
        Citation: Citation.objects.filter(source__key__startswith="source-of-"),
    }[model]
    narrowed = filterset(query, queryset=ours)
    assert narrowed.is_valid(), narrowed.errors
    assert {name(row) for row in narrowed.qs} == found
