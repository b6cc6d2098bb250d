"""Agreement of two countries in votes: Voeten's method, checked against a count from the file."""

import csv
import datetime as dt
import gzip
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.models import Country, Event, Participation, Status
from allies.tasks import refresh_statistics
from allies.ties.voting import (
    AgreementMeasure,
    Period,
    VoteAgreement,
    agreement_by_period,
    count_roles,
    is_unanimous,
    shared_roll_calls,
    total_agreement,
    vote_sources,
    votes_of_country,
)
from tests import factories
from tests.imports.files import command, write

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

#: The last day of a state under whose name the file has later votes; they are its successor's.
ENDED = {"Yemen Arab Republic": "1990-05-22"}


def vote(one, other, *, first="DNK", second="NOR", **given):
    given = {"kind": "un-vote", "date": "1990-05-01", **given}
    return factories.event((first, one), (second, other), **given)


def shared_by(one="DNK", other="NOR"):
    return shared_roll_calls(factories.country(one), factories.country(other))


def between(one="DNK", other="NOR", period=Period.YEAR):
    return agreement_by_period(shared_by(one, other), period)


def test_share_is_identical_votes_divided_by_joint_votes():
    vote("for", "for")
    vote("against", "against")
    vote("abstained", "abstained")
    vote("for", "abstained")
    vote("against", "for")
    (year,) = between()
    assert (year.period, year.both_cast, year.identical, year.differing) == (1990, 5, 3, 2)
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
    assert [(y.period, y.both_cast, y.share) for y in between()] == [(1990, 2, 1.0), (1991, 1, 0.0)]
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


def test_lijpharts_index_counts_an_abstention_half():
    for one, other in (
        *(("for", "for"), ("against", "against"), ("abstained", "abstained")),
        *(("for", "abstained"), ("abstained", "against"), ("against", "for")),
    ):
        vote(one, other)
    (year,) = between()
    assert (year.identical, year.partial, year.opposite) == (3, 2, 1)
    assert year.lijphart == pytest.approx(4 / 6)
    assert year.measured(AgreementMeasure.LIJPHART) == year.lijphart
    assert year.measured(AgreementMeasure.IDENTICAL) == year.share == pytest.approx(3 / 6)
    assert VoteAgreement().lijphart is None


def test_votes_are_grouped_by_session_if_it_is_recorded():
    vote("for", "against", session=45, date="1991-01")
    vote("for", "for", session=45, date="1990-12/1991-01")
    vote("for", "for", session=9)
    vote("for", "for")
    found = between(period=Period.SESSION)
    assert [(s.period, s.both_cast, s.share) for s in found] == [(9, 1, 1.0), (45, 2, 0.5)]


def test_unanimous_votes_are_those_in_which_all_voted_alike():
    vote("for", "for", slug="alike")
    vote("abstained", "abstained", slug="all-abstained")
    vote("against", "absent", slug="one-voted")
    vote("for", "abstained", slug="half")
    third = vote("for", "for", slug="third")
    Participation.objects.create(event=third, country=factories.country("SWE"), role="against")
    unanimous = Event.objects.roll_calls().filter(is_unanimous(), date="1990-05-01")
    assert {event.slug for event in unanimous} == {"alike", "all-abstained", "one-voted"}
    (year,) = agreement_by_period(shared_by().filter(~is_unanimous()))
    assert (year.both_cast, year.identical) == (2, 1)


def test_counts_of_roles_agree_with_the_condition_of_unanimity():
    for votes in (("for", "for"), ("against", "absent"), ("for", "abstained")):
        vote(*votes)
    found = Event.objects.roll_calls().filter(date="1990-05-01")
    alike = set(found.filter(is_unanimous()).values_list("pk", flat=True))
    counts = count_roles(found.values_list("pk", flat=True))
    assert {event for event, roles in counts.items() if roles.is_unanimous} == alike
    (half,) = (roles for event, roles in counts.items() if event not in alike)
    assert half.totals == [("for", 1), ("abstained", 1)]


def test_votes_of_a_country_are_counted_by_vote_and_year():
    vote("for", "for")
    vote("for", "against", date="1991")
    vote("abstained", "for", date="1991-12/1992-01")
    vote("absent", "for")
    vote("for", "for", status=Status.DRAFT)
    found = votes_of_country(factories.country("DNK"))
    assert found.by_vote == {"for": 2, "against": 0, "abstained": 1}
    assert (found.total, found.by_year.counts, found.by_year.uncertain) == (
        3,
        {1990: 1, 1991: 1},
        1,
    )
    until = dt.date(1990, 12, 31)
    assert votes_of_country(factories.country("DNK"), until=until).total == 1


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


def test_formula_of_the_us_state_department(shared):
    """Its voting coincidence with the United States in 2018 is Lijphart's index."""
    with (shared / "known-answers/us_state_department_coincidence_2018.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["COINCIDENCE"]]
    assert len(rows) > 180
    for row in rows:
        same, opposite, partial = (int(row[name]) for name in ("SAME", "OPPOSITE", "PARTIAL"))
        cast = {("for", "for"): same, ("against", "for"): opposite, ("abstained", "for"): partial}
        index = VoteAgreement(cast=cast).lijphart
        assert index == pytest.approx(float(row["COINCIDENCE"]), abs=0.0051), row["COUNTRY"]


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
                if days[row["rcid"]] <= ENDED.get(row["country"], "9999"):
                    votes[row["country"]][row["rcid"]] = row["vote"]
    command("import_un_votes", str(rolls), str(some), "--commit")
    refresh_statistics.call()  # as the worker does after an import
    for pair, slugs in PAIRS.items():
        one, other = (Country.objects.get(slug=slug) for slug in slugs)
        roll_calls = shared_roll_calls(one, other).exclude(identifier="")
        with CaptureQueriesContext(connection) as queries:
            found = {y.period: (y.both_cast, y.identical) for y in agreement_by_period(roll_calls)}
        assert found == by_hand(votes, days, *pair), pair
        assert sum(joint for joint, _identical in found.values()) > 400, pair
        assert len(queries) == 1


@pytest.mark.slow
def test_agreement_by_session_matches_the_published_scores(shared, tmp_path):
    """Identical votes with the US and Russia in sessions 1 to 30, without unanimous votes."""
    rolls = shared / "data/un-votes/un_roll_calls.csv"
    with rolls.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["session"]) <= 30]
    wanted = {row["rcid"] for row in rows}
    early, votes = tmp_path / "rolls.csv", tmp_path / "votes.csv"
    write(early, rows)
    with (
        gzip.open(shared / "data/un-votes/un_votes.csv.gz", "rt", encoding="utf-8") as file,
        votes.open("w", encoding="utf-8", newline="") as written,
    ):
        found = csv.DictReader(file)
        writer = csv.DictWriter(written, found.fieldnames)
        writer.writeheader()
        writer.writerows(row for row in found if row["rcid"] in wanted)
    command("import_un_votes", str(early), str(votes), "--commit")
    refresh_statistics.call()  # as the worker does after an import
    contested = Event.objects.roll_calls().exclude(identifier="").filter(~is_unanimous())
    ids = set(contested.values_list("pk", flat=True))

    def shares(country, slug):
        roll_calls = shared_roll_calls(country, Country.objects.get(slug=slug))
        found = agreement_by_period(roll_calls.filter(pk__in=ids), Period.SESSION)
        return {session.period: session.share for session in found}

    published = {}
    answers = shared / "known-answers/unga_agreement_with_us_and_russia_by_session_jun2024.csv"
    with answers.open() as file:
        for row in csv.DictReader(file):
            published.setdefault(int(row["ccode"]), {})[int(row["session"])] = row
    checked = 0
    for code, by_session in published.items():
        country = Country.objects.get(cow_code=code)
        for column, slug in (("USAgree", "united-states"), ("RUSSAgree", "russia")):
            if country.slug == slug:
                continue
            ours = shares(country, slug)
            if country.alpha3 == "TWN":  # the seat of China until 1949, before Taiwan in COW
                ours = {**shares(factories.country("CHN"), slug), **ours}
            for session, row in by_session.items():
                if row[column]:
                    assert ours[session] == pytest.approx(float(row[column]), abs=1e-6), row
                    checked += 1
    assert checked > 5_000
