"""Filters at their limits: numbers and days that are just included or just excluded."""

import csv
import datetime as dt
import io

import pytest
from django.utils import timezone

from allies.filters.ally import AllyFilterSet
from allies.filters.base import unknown_parameter_names
from allies.filters.changeset import ChangesetFilterSet
from allies.filters.event import EventFilterSet
from allies.filters.facets import aggregate_filterset, build_facets
from allies.filters.tie_changes import ten_years_earlier
from allies.models import Alias, AllyList, Changeset, Country, Event, Membership
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def rows(client, path, column, **query):
    """Return one column of a view’s CSV."""
    response = client.get(f"/en/{path}.csv", query)
    assert response.status_code == 200, response.content
    text = b"".join(response).decode()
    return [row[column] for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize(
    ("at_least", "found"), [("", True), ("0", True), ("1", True), ("2", True), ("3", False)]
)
def test_min_sources_means_at_least_that_many(at_least, found, client):
    alliance = factories.alliance("FJI", "TON", cited=False)
    original = factories.source()
    for source in (original, factories.source(derived_from=original), factories.source()):
        factories.cite(alliance, source)
    allies = rows(client, "countries/fiji/allies", "country", min_sources=at_least)
    assert ("TON" in allies) is found


@pytest.mark.parametrize(
    ("disputing", "yes", "no"), [(0, [], ["TON"]), (1, ["TON"], []), (2, ["TON"], [])]
)
def test_disputed_filter_includes_ties_with_one_disputing_citation(disputing, yes, no, client):
    alliance = factories.alliance("FJI", "TON")
    for _n in range(disputing):
        factories.cite(alliance, stance="disputes")
    for answer, found in (("yes", yes), ("no", no)):
        assert rows(client, "countries/fiji/allies", "country", disputed=answer) == found
        assert (alliance.slug in rows(client, "alliances", "alliance", disputed=answer)) is bool(
            found
        )


@pytest.mark.parametrize(
    ("date", "query", "found"),
    [
        ("2024-05", {"date_after": "2024-05-31"}, True),
        ("2024-05", {"date_after": "2024-06-01"}, False),
        ("2024-05", {"date_before": "2024-05-01"}, True),
        ("2024-05", {"date_before": "2024-04-30"}, False),
        ("2024-05-07", {"date_after": "2024-05-07", "date_before": "2024-05-07"}, True),
        ("2022/..", {"date_after": "2090-01-01"}, True),
        ("2022/..", {"date_before": "2021-12-31"}, False),
        ("../2022", {"date_before": "1900-01-01"}, True),
        ("../2022", {"date_after": "2023-01-01"}, False),
    ],
)
def test_event_date_filter_includes_all_possible_days(date, query, found, client):
    event = factories.event(("RUS", "host"), date=date)
    assert (event.slug in rows(client, "events", "event", **query)) is found


@pytest.mark.parametrize(
    ("date", "query", "found"),
    [
        ("2023-05", {"date_after": "2023-05-31"}, True),
        ("2023-05", {"date_after": "2023-06-01"}, False),
        ("2023-05", {"date_before": "2023-05-01"}, True),
        ("2023-05", {"date_before": "2023-04-30"}, False),
        ("", {"date_after": "1900-01-01"}, False),
        ("", {"date_before": "2090-01-01"}, False),
    ],
)
def test_source_date_filter_includes_all_possible_days(date, query, found, client):
    source = factories.source(date_published=date)
    assert (source.key in rows(client, "sources", "source", **query)) is found


@pytest.mark.parametrize(
    ("given", "on", "found"),
    [
        ({"in_force": "2001-02", "ended": "2003-04"}, "2001-01-31", False),
        ({"in_force": "2001-02", "ended": "2003-04"}, "2001-02-01", True),
        ({"in_force": "2001-02", "ended": "2003-04"}, "2003-04-30", True),
        ({"in_force": "2001-02", "ended": "2003-04"}, "2003-05-01", False),
        ({"signed": "2001-02"}, "2001-01-31", False),
        ({"signed": "2001-02"}, "2001-02-01", True),
        ({"signed": "1990", "in_force": "2001-02"}, "2001-01-31", False),
        ({"ended": "2003-04/.."}, "2050-01-01", True),
        ({"in_force": "../2001-02"}, "2001-02-28", True),
        ({"in_force": "../2001-02"}, "2001-02-27", False),
        ({}, "1500-01-01", False),
        ({}, f"{timezone.localdate():%Y-%m-%d}", True),
    ],
)
def test_on_filter_includes_all_days_possibly_in_force(given, on, found, client):
    alliance = factories.alliance("FJI", "TON", **given)
    assert (alliance.slug in rows(client, "alliances", "alliance", on=on)) is found
    members = rows(client, f"alliances/{alliance.slug}/memberships", "country", on=on)
    assert members == (["FJI", "TON"] if found else [])
    assert rows(client, "countries/fiji/allies", "country", on=on) == (["TON"] if found else [])


@pytest.mark.parametrize(
    ("given", "day", "certain"),
    [
        ({"joined": "2001-02"}, "2001-02-27", False),
        ({"joined": "2001-02"}, "2001-02-28", True),
        ({"joined": "2001", "left": "2003-04"}, "2003-04-01", True),
        ({"joined": "2001", "left": "2003-04"}, "2003-04-02", False),
        ({"joined": "2001", "left": "2003-04/.."}, "2003-04-01", True),
        ({"joined": "2001", "left": "2003-04/.."}, "2003-04-02", False),
        ({"joined": "2001"}, "2050-01-01", True),
        ({"alliance__in_force": "2001-02"}, "2001-02-27", False),
        ({"alliance__in_force": "2001-02"}, "2001-02-28", True),
        ({"alliance__signed": "2001-02"}, "2001-02-27", False),
        ({"alliance__signed": "2001-02"}, "2001-02-28", True),
        ({"alliance__signed": "1990", "alliance__in_force": "2001-02"}, "2001-02-27", False),
        ({"alliance__signed": "1990", "joined": "2001-02"}, "2001-02-27", False),
        ({"alliance__signed": "1990", "alliance__ended": "2003-04"}, "2003-04-01", True),
        ({"alliance__signed": "1990", "alliance__ended": "2003-04"}, "2003-04-02", False),
        ({"joined": "2001", "left": "2010", "alliance__ended": "2003-04"}, "2004-01-01", True),
        ({"joined": "2001", "left": "2010/..", "alliance__ended": "2003"}, "2004-01-01", False),
        ({}, "2001-01-01", False),
        ({"joined": "1990~"}, "2050-01-01", False),
        ({"joined": "2004-06-11?"}, "2050-01-01", False),
        ({"joined": "1990%"}, "2050-01-01", False),
        ({"joined": "1990~/1995"}, "2050-01-01", False),
        ({"alliance__in_force": "1990~"}, "2050-01-01", False),
        ({"alliance__signed": "1990~"}, "2050-01-01", False),
        ({"alliance__signed": "1990~", "joined": "1991"}, "2050-01-01", True),
        ({"joined": "1990", "left": "2003~"}, "2000-01-01", False),
        ({"joined": "1990", "alliance__ended": "2003?"}, "2000-01-01", False),
        ({"joined": "1990", "left": "2002/..", "alliance__ended": "2003?"}, "2000-01-01", False),
        ({"joined": "1990", "left": "2002", "alliance__ended": "2003?"}, "2000-01-01", True),
        ({"joined": "../2021"}, "2022-06-01", True),
        ({"joined": "2023/.."}, "2022-06-01", False),
    ],
)
def test_membership_is_certain_only_in_every_reading_of_its_dates(given, day, certain):
    theirs = {name[10:]: date for name, date in given.items() if name.startswith("alliance__")}
    own = {name: date for name, date in given.items() if not name.startswith("alliance__")}
    membership = Membership.objects.create(
        alliance=factories.alliance(**theirs), country=factories.country("RUS"), **own
    )
    sure = Membership.objects.confirmed(dt.date.fromisoformat(day))
    assert sure.filter(pk=membership.pk).exists() is certain


@pytest.mark.parametrize(("days", "certain"), [(-1, False), (0, True), (1, True)])
def test_membership_of_unknown_start_is_certain_from_today(days, certain):
    membership = Membership.objects.create(
        alliance=factories.alliance(), country=factories.country("RUS"), joined="1990/.."
    )
    day = timezone.localdate() + dt.timedelta(days=days)
    sure = Membership.objects.confirmed(day)
    assert sure.filter(pk=membership.pk).exists() is certain


@pytest.mark.parametrize(
    ("standing", "found"), [("confirmed", ["PNG"]), ("possible", ["TON"]), ("last-recorded", [])]
)
def test_standing_filter_separates_certain_and_possible_allies(standing, found, client):
    factories.alliance("FJI", "TON", in_force="2001")
    factories.alliance("FJI", "PNG", in_force="1990")
    query = {"on": "2001-06-01", "standing": standing}
    assert rows(client, "countries/fiji/allies", "country", **query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"date_after": "2024-05-07"}, True),
        ({"date_after": "2024-05-08"}, False),
        ({"date_before": "2024-05-07"}, True),
        ({"date_before": "2024-05-06"}, False),
        ({"kind": "import"}, True),
        ({"kind": "undo"}, False),
        ({"q": "PACTS csv"}, True),
        ({"q": "pacts yearly"}, True),
        ({"q": "pacts absent"}, False),
    ],
)
def test_changeset_filter_by_day_kind_file_and_reason(query, found):
    applied = timezone.make_aware(dt.datetime(2024, 5, 7, 12))
    changeset = Changeset.objects.create(
        kind="import",
        state="applied",
        file_name="pacts.csv",
        reason="yearly",
        applied_at=applied,
    )
    filterset = ChangesetFilterSet(query, queryset=Changeset.objects.all())
    assert filterset.is_valid()
    assert (changeset in filterset.qs) is found


@pytest.mark.parametrize(
    ("source_status", "recorded", "derived"),
    [("published", True, True), ("draft", False, False)],
)
def test_origin_filters_ignore_unpublished_sources(source_status, recorded, derived, client):
    source = factories.source(status=source_status)
    ally_list = factories.ally_list("RUS", "CHN", recorded_from=source)
    drawn = factories.source(derived_from=source)
    assert AllyList.objects.published().filter(pk=ally_list.pk).exists()
    for value, found in (("recorded", recorded), ("ours", not recorded)):
        assert (ally_list.slug in rows(client, "lists", "list", origin=value)) is found
    for value, found in (("derived", derived), ("original", not derived)):
        assert (drawn.key in rows(client, "sources", "source", derivation=value)) is found


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2024-06-19", "2014-06-19"),
        ("2024-02-29", "2014-02-28"),
        ("2023-02-28", "2013-02-28"),
        ("2024-03-29", "2014-03-29"),
        ("0011-03-01", "0001-03-01"),
        ("0010-03-01", "0001-01-01"),
    ],
)
def test_ten_years_earlier_is_the_same_calendar_day(day, before):
    assert ten_years_earlier(dt.date.fromisoformat(day)).isoformat() == before


def test_tie_changes_accept_one_day_but_not_reversed_dates(client):
    path = "/en/countries/fiji/allies/changes/"
    assert client.get(path, {"from": "2020-01-01", "to": "2020-01-01"}).status_code == 200
    answer = client.get(path, {"from": "2020-01-02", "to": "2020-01-01"})
    assert answer.status_code == 400
    assert "The start date is after the end date" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"votes": "none"}, {"visit"}),
        ({"votes": "same"}, {"alike"}),
        ({"votes": "different"}, {"apart"}),
        ({"role": "for"}, {"alike", "apart"}),
        ({"role": "against"}, {"apart"}),
        ({"role": "against", "country": "FJI"}, set()),
        ({"role": "host", "country": "FJI"}, {"visit"}),
        ({"country": "PNG"}, {"single"}),
        ({}, {"visit", "alike", "apart"}),
    ],
)
def test_api_filters_events_by_role_and_vote_of_two_countries(query, found, client):
    votes = {"kind": "un-vote"}
    factories.event(("FJI", "host"), ("TON", "visitor"), slug="visit")
    factories.event(("FJI", "for"), ("TON", "for"), slug="alike", **votes)
    factories.event(("FJI", "for"), ("TON", "against"), slug="apart", **votes)
    factories.event(("FJI", "absent"), ("PNG", "absent"), slug="single", **votes)
    both = {} if "PNG" in query.values() else {"country": "FJI", "with": "TON"}
    if query.get("country") == "FJI" or "votes" in query or not query:
        both = {**both, **query}
    else:
        both = query
    ours = {"visit", "alike", "apart", "single"}
    listed = client.get("/api/v1/events", {**both, "limit": 500}).json()["items"]
    assert ours & {row["event"] for row in listed} == found


def test_votes_filter_requires_two_countries(client):
    for query in ({"votes": "same"}, {"votes": "different", "country": "FJI"}):
        answer = client.get("/api/v1/events", query)
        assert answer.status_code == 409
        assert "Choose two countries" in answer.content.decode()
    assert client.get("/api/v1/events", {"votes": "none"}).status_code == 200
    wrong = client.get("/en/votes/", {"votes": "same", "country": "Atlantis"})
    assert "Choose two countries:" not in wrong.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"existence": "current"}, {"FJI", "TON"}),
        ({"existence": "historic"}, {"300"}),
        ({"ties": "yes"}, {"FJI", "TON"}),
        ({"ties": "no"}, {"300"}),
        ({"region": "009"}, {"FJI", "TON"}),
        ({"region": "054"}, {"FJI"}),
        ({"region": "061"}, {"TON"}),
        ({"q": "fiji"}, {"FJI"}),
        ({"q": "–"}, set()),
    ],
)
def test_country_filter_by_ties_existence_and_region(query, found, client):
    factories.alliance("FJI", "TON")
    factories.alliance("FJI", status="draft").memberships.create(
        country=Country.objects.get(cow_code=300)
    )
    assert {"FJI", "TON", "300"} & set(rows(client, "countries", "country", **query)) == found


def test_facets_count_disputed_ties_and_standings(client):
    factories.cite(factories.alliance("FJI", "TON", in_force="2001"), stance="disputes")
    factories.alliance("FJI", "PNG", in_force="1990")
    factories.alliance("FJI", "VUT", in_force="1990")
    filterset = AllyFilterSet({"on": "2001-06-01"}, focus=factories.country("FJI"))
    assert filterset.is_valid()
    counts = aggregate_filterset(filterset, {}).counts
    assert counts["disputed"] == {"yes": 1, "no": 2}
    assert counts["standing"] == {"confirmed": 2, "possible": 1}
    assert counts["kind"] == {"defence-pact": 3}
    assert {
        facet.name for facet in build_facets(filterset, aggregate_filterset(filterset, {}))
    } == {
        "region",
        "kind",
        "standing",
        "disputed",
    }


def test_facets_count_events_of_a_country_by_kind_and_role():
    factories.event(("FJI", "host"), ("TON", "visitor"))
    factories.event(("FJI", "signatory"), kind="agreement")
    filterset = EventFilterSet({"country": "FJI"}, queryset=Event.objects.published())
    assert filterset.is_valid()
    counts = aggregate_filterset(filterset, {}).counts
    assert counts["kind"] == {"visit": 1, "agreement": 1}
    assert counts["role"] == {"host": 1, "signatory": 1}


@pytest.mark.parametrize(
    ("name", "said"),
    [("Twin", "More than one country"), ("Atlantis", "No country has this name")],
)
def test_country_parameter_requires_unambiguous_name(name, said, client):
    for code in ("FJI", "TON"):
        Alias.objects.create(country=factories.country(code), name="Twin")
    answer = client.get("/en/alliances/", {"country": name})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    if name == "Twin":
        assert "Fiji (FJI), Tonga (TON)" in answer.content.decode()


def test_country_code_takes_precedence_over_aliases(client):
    alliance = factories.alliance("FJI", "TON")
    Alias.objects.create(country=factories.country("RUS"), name="FJI")
    assert alliance.slug in rows(client, "alliances", "alliance", country="fji")


@pytest.mark.parametrize(
    ("names", "unknown"),
    [(["kind"], []), (["colour"], ["colour"]), (["utm_source", "b", "a"], ["b", "a"])],
)
def test_unknown_parameters_are_reported_except_tracking(names, unknown):
    assert unknown_parameter_names(names, {"kind"}) == unknown
