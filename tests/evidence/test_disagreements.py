"""Disagreements between sources about memberships: one rule for the list and for the page."""

import random

import pytest

from allies.evidence.disagreements import (
    Difference,
    disagreements,
    find_disagreements,
    with_membership_citations,
)
from allies.models import Membership, Status
from allies.views.disagreement import differences
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def membership(joined="", left="", **alliance):
    pact = factories.alliance("RUS", "IND", **alliance)
    member = pact.memberships.get(country__alpha3="IND")
    member.joined, member.left = joined, left
    member.save()
    return member


def listed(member):
    """Return the differences in the list of all disagreements, per source."""
    rows = disagreements().filter(membership=member)
    return sorted((row.source.key, kind) for row in rows for kind in differences(row))


def shown(member):
    """Return the differences on the page of the alliance."""
    members = Membership.objects.filter(pk=member.pk).select_related("alliance")
    return [(one.difference, one) for one in find_disagreements(with_membership_citations(members))]


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        ({"joined": "1982-05-30"}, {"joined": "1981-12-10"}, ["joined"]),
        ({"joined": "1982-05-30"}, {"joined": "1982-05-30"}, []),
        ({"joined": "1982-05-30"}, {"joined": "1982"}, []),
        ({"joined": "1982-05"}, {"joined": "1982-06"}, ["joined"]),
        ({"joined": "1982-05-30"}, {}, []),
        ({"joined": "../1982"}, {"joined": "1981"}, []),
        ({"joined": "../1982"}, {"joined": "1983"}, ["joined"]),
        ({}, {"joined": "1981"}, []),
        ({"signed": "1954", "in_force": "1957"}, {"joined": "1955"}, []),
        ({"signed": "1954", "in_force": "1957"}, {"joined": "1953"}, ["joined"]),
        ({"signed": "1954"}, {"joined": "1955"}, ["joined"]),
        ({}, {"left": "1990"}, ["left"]),
        ({}, {"left": "1990/.."}, []),
        ({"left": "1991"}, {"left": "1990/.."}, []),
        ({"left": "1989"}, {"left": "1990/.."}, ["left"]),
        ({"ended": "1991"}, {"left": "1990"}, ["left"]),
        ({"ended": "1991"}, {"left": "1991-07-01"}, []),
        ({"left": "1990", "ended": "1991"}, {"left": "1991"}, ["left"]),
        (
            {"joined": "1950", "left": "1960"},
            {"joined": "1951", "left": "1961"},
            ["joined", "left"],
        ),
    ],
)
def test_dates_differ_if_no_day_can_be_both(ours, theirs, differs):
    member = membership(**ours)
    source = factories.source()
    factories.cite(member, source, **theirs)
    assert listed(member) == [(source.key, kind) for kind in differs]
    assert [kind for kind, _one in shown(member)] == differs


def test_readings_are_ours_first_with_the_sources_of_each():
    member = membership(joined="1982-05-30")
    sources = {date: factories.source() for date in ("1982-05-30", "1981-12-10", "1982")}
    for date, source in sources.items():
        factories.cite(member, source, joined=date)
    ((kind, one),) = shown(member)
    assert kind == Difference.JOINED
    assert [(r.date, r.is_ours, r.sources) for r in one.readings] == [
        ("1982-05-30", True, [sources["1982-05-30"]]),
        ("1981-12-10", False, [sources["1981-12-10"]]),
        ("1982", False, [sources["1982"]]),
    ]


def test_disputed_membership_is_only_in_some_sources():
    member = membership(joined="1982")
    factories.cite(member)
    source = factories.source()
    factories.cite(member, source, stance="disputes", joined="1950")
    assert listed(member) == [(source.key, "only-in-one")]
    ((kind, one),) = shown(member)
    assert (kind, one.disputing) == (Difference.ONLY_IN_ONE, [source])


def test_draft_sources_and_hidden_alliances_do_not_count():
    member = membership(joined="1982")
    factories.cite(member, factories.source(status=Status.DRAFT), joined="1950")
    assert (listed(member), shown(member)) == ([], [])
    factories.cite(member, joined="1950")
    assert listed(member)
    member.alliance.status = Status.WITHDRAWN
    member.alliance.save()
    assert listed(member) == []


@pytest.mark.parametrize("seed", range(3))
def test_list_and_page_agree_on_random_dates(seed):
    chance = random.Random(seed)
    dates = [
        "",
        "1950",
        "1950-05",
        "1950-05-10",
        "1951",
        "../1950",
        "1951/..",
        "1950~",
        "1950/1951",
    ]
    for _case in range(12):
        signed, entry = chance.choice([("", ""), ("1950", ""), ("", "1951"), ("1950", "1951")])
        ended = chance.choice(["", "1951-12", "1951-12/.."])
        joined, left = chance.choice(["", *dates]), chance.choice(["", "1951", "1951/.."])
        member = membership(joined, left, signed=signed, in_force=entry, ended=ended)
        source = factories.source()
        stance = chance.choice(["supports", "supports", "disputes"])
        given = {"joined": chance.choice(dates), "left": chance.choice(dates)}
        factories.cite(member, source, stance=stance, **given)
        kinds = [(source.key, kind) for kind, _one in shown(member)]
        assert listed(member) == sorted(kinds), (member.__dict__, given)
