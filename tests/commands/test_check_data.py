"""The command that lists records that look impossible."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from allies.models import Country, Event, Membership, Participation
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


def check(*names):
    out = io.StringIO()
    call_command("check_data", *names, all=True, stdout=out)
    return out.getvalue()


def new_member(alliance, code, **dates):
    return Membership.objects.create(alliance=alliance, country=factories.country(code), **dates)


def test_vote_of_a_state_that_did_not_exist_is_found():
    before = check("existence")
    austria = Country.objects.get(slug="austria-hungary")
    vote = factories.event(("FJI", "for"), kind="un-vote", date="1950-03")
    Participation.objects.create(event=vote, country=austria, role="for")
    assert "un-vote: 1 participations while the state did not exist" in check("existence")
    assert "Austria-Hungary, un-vote" not in before


def test_membership_after_the_end_of_its_state_is_found():
    member = Membership.objects.create(
        alliance=factories.alliance("FJI", in_force="1900"),
        country=Country.objects.get(slug="austria-hungary"),
        joined="1930",
    )
    assert f"membership {member.pk} “{member}”: joined 1930, after 1918" in check("existence")


def test_membership_outside_its_alliance_is_found():
    late = new_member(
        factories.alliance("TON", in_force="1950", ended="1960"), "FJI", joined="1970"
    )
    early = new_member(factories.alliance("TON", signed="1950"), "FJI", joined="1930", left="1940")
    fine = new_member(factories.alliance("TON", signed="1950"), "FJI", joined="1955", left="1960")
    found = check("outside")
    assert f"membership {late.pk} " in found
    assert f"membership {early.pk} " in found
    assert f"membership {fine.pk} " not in found


def test_overlapping_memberships_are_found():
    pact = factories.alliance("TON", in_force="1950")
    first = new_member(pact, "FJI", joined="1950", left="1970")
    new_member(pact, "FJI", joined="1960")
    other = factories.alliance("TON", in_force="1950")
    apart = new_member(other, "FJI", joined="1950", left="1955")
    new_member(other, "FJI", joined="1960")
    found = check("overlap")
    assert f"membership {first.pk} " in found
    assert f"membership {apart.pk} " not in found


def test_one_day_of_end_for_many_memberships_is_found():
    for _number in range(19):
        new_member(factories.alliance(in_force="1950"), "FJI", left="1999-12-31")
    assert "1999-12-31" not in check("one-day")
    new_member(factories.alliance(in_force="1950"), "FJI", left="1999-12-31")
    assert "1999-12-31: 20 memberships in 20 alliances end on this day" in check("one-day")


def test_days_in_the_first_week_of_each_month_are_found():
    for number in range(20):
        day = f"1961-{number % 12 + 1:02}-{number % 7 + 1:02}"
        factories.event(("FJI", "for"), kind="un-vote", date=day, cited=False)
    assert "un-vote 1961: all 20 are dated the 1st to the 7th" in check("days")
    Event.objects.filter(date="1961-01-01").update(date="1961-01-20", date_earliest="1961-01-20")
    Event.objects.filter(date="1961-01-20").update(date_latest="1961-01-20")
    assert "all 20" not in check("days")


def test_many_votes_at_weekends_are_found():
    for number in range(20):
        day = f"1962-06-{23 if number < 5 else 25:02}"
        factories.event(("FJI", "for"), kind="un-vote", date=day, cited=False)
    assert "un-vote 1962: 5 of 20 are dated at a weekend" in check("days")


def test_date_far_in_the_future_is_found():
    year = timezone.localdate().year
    near = factories.alliance("FJI", "TON", in_force="1990", ended=str(year + 5))
    far = factories.alliance("FJI", "TON", in_force="1990", ended=str(year + 6))
    found = check("future")
    assert f"alliance {far.pk} “{far}”: ended {year + 6}" in found
    assert f"alliance {near.pk} " not in found


def test_source_with_other_dates_is_found():
    member = new_member(factories.alliance("TON", in_force="1950"), "FJI", joined="1955-05-06")
    factories.cite(member, factories.source(key="other-book"), joined="1990")
    factories.cite(member, factories.source(key="vague-book"), joined="1955")
    found = check("disagree")
    assert "other-book says 1990 to ?, we say 1955-05-06 to ?" in found
    assert "vague-book" not in found


def test_data_set_without_coverage_is_found():
    factories.source(key="endless-set", title="The endless set", kind="dataset")
    factories.source(key="bounded-set", title="The bounded set", kind="dataset", covers_to="2012")
    found = check("coverage")
    assert "endless" in found
    assert "bounded" not in found


def test_alliance_without_a_name_is_counted():
    before = check("names")
    factories.alliance("FJI", "TON", title_en="Defence pact, Fiji–Tonga (1936)", title_ind="x")
    assert check("names") != before


def test_few_findings_are_shown_unless_all_are_requested():
    for _number in range(12):
        new_member(factories.alliance("TON", in_force="1950", ended="1960"), "FJI", joined="1970")
    out = io.StringIO()
    call_command("check_data", "outside", stdout=out)
    assert "and 2 more (--all)" in out.getvalue()


def test_unknown_check_is_refused():
    with pytest.raises(CommandError, match=r"Unknown check: colour\. Accepted are: existence"):
        check("colour")
