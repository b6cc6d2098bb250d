"""Agreement of two countries in votes: Voeten's method, checked against a count from the file."""

import csv
import gzip
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.models import Country, Participation, Status
from allies.ties.voting import (
    VoteAgreement,
    shared_roll_calls,
    total_agreement,
    vote_sources,
    votes_by_year,
)
from tests import factories
from tests.imports.files import command

pytestmark = pytest.mark.usefixtures("demo_data")

#: Names in the file → our slugs. They include countries whose code is missing in the file or looks
#: like a missing value ("NA"), a name with a typographic apostrophe, and former states.
PAIRS = {
    ("China", "Russia"): ("china", "russia"),
    ("United Kingdom", "United States"): ("united-kingdom", "united-states"),
    ("North Korea", "Russia"): ("north-korea", "russia"),
    ("Namibia", "Côte d’Ivoire"): ("namibia", "cote-divoire"),
    ("Federal Republic of Germany", "German Democratic Republic"): ("west-germany", "east-germany"),
    ("Yemen Arab Republic", "Pakistan"): ("north-yemen", "pakistan"),
}


def vote(one, other, *, first="DNK", second="NOR", **given):
    given = {"kind": "un-vote", "date": "1990-05-01", **given}
    return factories.event((first, one), (second, other), **given)


def between(one="DNK", other="NOR"):
    return votes_by_year(shared_roll_calls(factories.country(one), factories.country(other)))


def test_share_is_identical_votes_divided_by_joint_votes():
    vote("for", "for")
    vote("against", "against")
    vote("abstained", "abstained")
    vote("for", "abstained")
    vote("against", "for")
    (year,) = between()
    assert (year.year, year.both_cast, year.identical, year.differing) == (1990, 5, 3, 2)
    assert year.share == pytest.approx(0.6)
    assert year.cast["for", "abstained"] == year.cast["against", "for"] == 1
    assert year.of("for") == 2


def test_absent_country_does_not_vote():
    vote("absent", "for")
    vote("absent", "absent")
    assert between() == []


def test_votes_are_grouped_by_calendar_year_in_order():
    vote("for", "against", date="1991-01-01")
    vote("for", "for", date="1990-12-31")
    vote("for", "for", date="1990-12")
    assert [(y.year, y.both_cast, y.share) for y in between()] == [(1990, 2, 1.0), (1991, 1, 0.0)]
    assert total_agreement(between()).share == pytest.approx(2 / 3)


def test_roll_call_of_uncertain_year_is_left_out():
    vote("for", "for", date="1990-12/1991-01")
    assert between() == []


def test_order_of_countries_only_transposes_the_table():
    vote("for", "against")
    (mine,), (theirs,) = between(), between("NOR", "DNK")
    assert mine.cast == {("for", "against"): 1}
    assert theirs.cast == {("against", "for"): 1}
    assert mine.share == theirs.share


@pytest.mark.parametrize(
    "hidden",
    [
        {"status": Status.DRAFT},
        {"status": Status.WITHDRAWN},
        {"cited": False},
        {"kind": "statement"},
    ],
)
def test_only_public_votes_are_counted(hidden):
    vote("for", "for", **hidden)
    assert between() == []


def test_contradictory_votes_in_one_roll_call_are_ignored():
    roll_call = vote("for", "for")
    Participation.objects.create(event=roll_call, country=factories.country("DNK"), role="against")
    assert between() == []


def test_share_without_votes_is_none():
    assert VoteAgreement().share is None
    assert total_agreement([]).both_cast == 0


def test_vote_sources_are_public_with_number_of_roll_calls():
    data = factories.source(key="roll-calls")
    hidden = factories.source(status=Status.DRAFT)
    for record in (vote("for", "for", cited=False), vote("for", "against", cited=False)):
        factories.cite(record, data, locator="1")
        factories.cite(record, data, locator="2")
        factories.cite(record, hidden)
        factories.cite(record, stance="disputes")
    one, other = factories.country("DNK"), factories.country("NOR")
    found = vote_sources(shared_roll_calls(one, other))
    assert [(source.key, source.roll_calls) for source in found] == [("roll-calls", 2)]


def by_hand(votes, days, one, other):
    """Return year → (joint, identical) votes of two countries, counted from the file's rows."""
    joint, identical = Counter(), Counter()
    for number, mine in votes[one].items():
        if (theirs := votes[other].get(number)) is not None:
            joint[days[number][:4]] += 1
            identical[days[number][:4]] += mine == theirs
    return {int(year): (joint[year], identical[year]) for year in joint}


@pytest.mark.slow
def test_six_pairs_match_a_count_from_the_file(shared, tmp_path):
    names = {name for pair in PAIRS for name in pair}
    rolls = shared / "data/un-votes/un_roll_calls.csv"
    with rolls.open(encoding="utf-8", newline="") as file:
        days = {row["rcid"]: row["date"] for row in csv.DictReader(file)}
    votes = {name: {} for name in names}
    some = tmp_path / "votes.csv"
    with (
        gzip.open(shared / "data/un-votes/un_votes.csv.gz", "rt", encoding="utf-8") as file,
        some.open("w", encoding="utf-8", newline="") as written,
    ):
        rows = csv.DictReader(file)
        writer = csv.DictWriter(written, rows.fieldnames)
        writer.writeheader()
        for row in rows:
            if row["country"] in names:
                writer.writerow(row)
                votes[row["country"]][row["rcid"]] = row["vote"]
    command("import_un_votes", str(rolls), str(some), "--commit")
    for pair, slugs in PAIRS.items():
        one, other = (Country.objects.get(slug=slug) for slug in slugs)
        roll_calls = shared_roll_calls(one, other).exclude(identifier="")
        with CaptureQueriesContext(connection) as queries:
            found = {y.year: (y.both_cast, y.identical) for y in votes_by_year(roll_calls)}
        assert found == by_hand(votes, days, *pair), pair
        assert sum(joint for joint, _identical in found.values()) > 400, pair
        assert len(queries) == 1
