"""Rules of single records at their limits: values that are just accepted or just refused."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override

from allies.evidence.guards import EvidenceLost
from allies.models import (
    Alias,
    Alliance,
    AllyList,
    Country,
    Entry,
    Event,
    Membership,
    OldSlug,
    Participation,
    Source,
    Status,
)
from allies.models.ally_list import headline_count_text
from allies.models.base import unique_slug
from allies.models.event import YearlyCounts
from allies.ties.allies_on_day import Ties
from allies.ties.ties_between import CountryPair, get_ties_between
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


def errors_of(record, *fields):
    """Return those of these fields that have validation errors."""
    try:
        record.full_clean()
    except ValidationError as error:
        return {name for name in error.message_dict if name in fields}
    return set()


@pytest.mark.parametrize(
    ("field", "value", "is_accepted"),
    [
        ("alpha3", "XYZ", True),
        ("alpha3", "XY", False),
        ("alpha3", "XYZW", False),
        ("alpha3", "xyz", False),
        ("alpha2", "XX", True),
        ("alpha2", "X", False),
        ("alpha2", "xx", False),
        ("m49", "990", True),
        ("m49", "99", False),
        ("m49", "9900", False),
        ("m49", "99a", False),
        ("cow_code", "999", True),
        ("cow_code", "-1", False),
        ("name_en", "N" * 120, True),
        ("name_en", "N" * 121, False),
        ("region", "142", True),
        ("region", "143", False),
    ],
)
def test_country_codes_and_names_at_their_limits(field, value, is_accepted):
    country = Country(**{"name_en": "Nowhere", "slug": "nowhere", field: value})
    assert errors_of(country, field) == (set() if is_accepted else {field})


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"name_en": "", "name_ind": ""}, {"name_en"}),
        ({"name_en": "", "name_ind": "Antah"}, set()),
        ({"region": "142", "subregion": "030"}, set()),
        ({"region": "002", "subregion": "030"}, {"subregion"}),
        ({"existed_from": "1900", "existed_to": "1900"}, set()),
        ({"existed_from": "1901", "existed_to": "1900"}, {"existed_to"}),
        ({"existed_from": "1900-06", "existed_to": "1900"}, set()),
    ],
)
def test_country_requires_name_matching_region_and_ordered_dates(given, wrong):
    country = Country(**{"name_en": "Nowhere", "slug": "nowhere", **given})
    assert errors_of(country, "name_en", "subregion", "existed_to") == wrong


def test_country_cannot_be_its_own_successor():
    country = factories.country("RUS")
    country.successor = country
    assert errors_of(country, "successor") == {"successor"}
    country.successor = factories.country("CHN")
    assert errors_of(country, "successor") == set()


@pytest.mark.parametrize(
    ("field", "value", "is_accepted"),
    [
        ("name", "N" * 160, True),
        ("name", "N" * 161, False),
        ("name", "–", False),
        ("name", "7", True),
        ("language", "id", True),
        ("language", "ind", True),
        ("language", "", True),
        ("language", "i", False),
        ("language", "indo", False),
        ("language", "ID", False),
    ],
)
def test_alias_names_and_languages_at_their_limits(field, value, is_accepted):
    alias = Alias(**{"country": factories.country("RUS"), "name": "Rossiya 7", field: value})
    assert errors_of(alias, field) == (set() if is_accepted else {field})


@pytest.mark.parametrize(
    ("field", "value", "is_accepted"),
    [
        ("key", "a", True),
        ("key", "9-a", True),
        ("key", "-a", False),
        ("key", "A", False),
        ("key", "a_b", False),
        ("key", "a" * 80, True),
        ("key", "a" * 81, False),
        ("language", "en", True),
        ("language", "e", False),
        ("language", "EN", False),
        ("url", "https://example.org/", True),
        ("url", "http://example.org/", True),
        ("url", "ftp://example.org/", False),
        ("url", "javascript:alert(1)", False),
        ("publisher", "", False),
        ("title", "", False),
        ("author", "A" * 300, True),
        ("author", "A" * 301, False),
        ("date_published", "2024-02-30", False),
        ("date_published", "2024-02", True),
    ],
)
def test_source_fields_at_their_limits(field, value, is_accepted):
    source = Source(**{"key": "k", "publisher": "P", "title": "T", field: value})
    assert errors_of(source, field) == (set() if is_accepted else {field})


@pytest.mark.parametrize(
    ("status", "original", "is_accepted"),
    [
        ("published", "published", True),
        ("published", "draft", False),
        ("published", "withdrawn", False),
        ("draft", "draft", True),
    ],
)
def test_published_source_requires_published_original(status, original, is_accepted):
    source = Source(
        key="k",
        publisher="P",
        title="T",
        status=status,
        derived_from=factories.source(status=original),
    )
    assert errors_of(source, "derived_from") == (set() if is_accepted else {"derived_from"})
    lacks = [lack.where for lack in source.publication_issues()]
    assert lacks == ([] if original == "published" else ["derived_from"])


def test_source_cycle_is_refused_and_named():
    first = factories.source()
    second = factories.source(derived_from=first)
    third = factories.source(derived_from=second)
    for source, chain in ((second, [first, second, first]), (third, [first, third, second, first])):
        first.derived_from = source
        with pytest.raises(ValidationError) as refused:
            first.full_clean()
        (said,) = refused.value.message_dict["derived_from"]
        assert " ← ".join(one.key for one in chain) in said


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"signed": "2000", "in_force": "2000"}, set()),
        ({"signed": "2000-02", "in_force": "2000-01"}, {"in_force"}),
        ({"signed": "2000-02-02", "in_force": "2000-02-01"}, {"in_force"}),
        ({"signed": "2000-02-02", "in_force": "2000-02"}, set()),
        ({"signed": "2000", "ended": "1999"}, {"ended"}),
        ({"signed": "2000", "ended": "2000"}, set()),
        ({"in_force": "2000", "ended": "1999-12-31"}, {"ended"}),
        ({"in_force": "2000", "ended": "2000-01-01"}, set()),
        ({"signed": "2000/..", "ended": "1999"}, {"ended"}),
        ({"signed": "../2000", "ended": "1999"}, set()),
        ({"title_en": "", "title_ind": ""}, {"title_en"}),
        ({"title_en": "", "title_ind": "", "status": "draft"}, set()),
        ({"title_en": "", "title_ind": "Pakta"}, set()),
        ({"kind": "friendship"}, {"kind"}),
        ({"summary_en": "x" * 20_000}, set()),
        ({"summary_en": "x" * 20_001}, {"summary_en"}),
    ],
)
def test_alliance_requires_title_and_ordered_dates(given, wrong):
    fields = {"kind": "entente", "title_en": "Pact", "slug": "pact", "status": "published"}
    alliance = Alliance(**{**fields, **given})
    assert errors_of(alliance, "in_force", "ended", "title_en", "kind", "summary_en") == wrong


@pytest.mark.parametrize(
    ("own", "theirs", "said"),
    [
        ({"joined": "2005"}, {"signed": "2000", "ended": "2005"}, []),
        ({"joined": "2006"}, {"signed": "2000", "ended": "2005"}, ["The country joined after"]),
        ({"left": "2000"}, {"signed": "2000", "ended": "2005"}, []),
        ({"left": "1999"}, {"signed": "2000", "ended": "2005"}, ["The country left before"]),
        ({"left": "1999"}, {"signed": "1990", "in_force": "2000"}, ["The country left before"]),
        ({"left": "1999"}, {"signed": "1998"}, []),
        ({"joined": "2006"}, {"signed": "2000"}, []),
        ({"joined": "2006", "left": "2007"}, {}, []),
    ],
)
def test_membership_reports_dates_outside_its_alliance(own, theirs, said):
    membership = Membership(alliance=Alliance(**theirs), country=factories.country("RUS"), **own)
    found = membership.outside_alliance_dates()
    assert [text[: len(start)] for text, start in zip(found, said, strict=True)] == said


@pytest.mark.parametrize(
    ("joined", "left", "is_accepted"),
    [("2000", "2000", True), ("2000-02", "2000-01", False), ("2000-02-02", "2000-02-01", False)],
)
def test_membership_cannot_end_before_it_starts(joined, left, is_accepted):
    alliance = factories.alliance()
    member = Membership(
        alliance=alliance, country=factories.country("RUS"), joined=joined, left=left
    )
    assert errors_of(member, "left") == (set() if is_accepted else {"left"})


@pytest.mark.parametrize(
    ("own", "theirs", "began", "ended"),
    [
        ({}, {}, "", ""),
        ({}, {"signed": "1990"}, "1990", ""),
        ({}, {"signed": "1990", "in_force": "1991", "ended": "1999"}, "1991", "1999"),
        ({"joined": "1995", "left": "1996"}, {"signed": "1990", "ended": "1999"}, "1995", "1996"),
        ({"left": "1996/.."}, {"ended": "1999-05-07"}, "", "1996-01-01/1999-05-07"),
        ({"left": "1996/.."}, {}, "", "1996/.."),
    ],
)
def test_membership_dates_override_alliance_dates(own, theirs, began, ended):
    membership = Membership(alliance=Alliance(**theirs), **own)
    assert (membership.began, membership.ended) == (began, ended)


@pytest.mark.parametrize(("number", "is_accepted"), [(-1, False), (0, False), (1, True), (2, True)])
def test_headline_number_and_position_start_at_one(number, is_accepted):
    ally_list = factories.ally_list("RUS", "CHN")
    ally_list.promised = number
    assert errors_of(ally_list, "promised") == (set() if is_accepted else {"promised"})
    entry = Entry(ally_list=ally_list, country=factories.country("IND"), position=number)
    assert errors_of(entry, "position") == (set() if is_accepted else {"position"})


def test_list_refuses_its_focus_and_repeated_countries():
    ally_list = factories.ally_list("RUS", "CHN")
    for code, wrong in (("RUS", {"country"}), ("CHN", {"__all__"}), ("IND", set())):
        entry = Entry(ally_list=ally_list, country=factories.country(code), position=2)
        assert errors_of(entry, "country", "__all__") == wrong


@pytest.mark.parametrize(
    ("promised", "present", "said"),
    [
        (None, 3, ""),
        (1, 1, "The headline says one, and we could verify it."),
        (3, 3, "The headline says three, and we could verify all of them."),
        (1, 2, "The headline says one; we could verify two."),
        (1, 0, "The headline says one; we could not verify any."),
        (4, 1, "The headline says four; we could verify one."),
        (4, 3, "The headline says four; we could verify three."),
        (4, 5, "The headline says four; we could verify five."),
        (12, 11, "The headline says 12; we could verify 11."),
    ],
)
def test_headline_count_text_compares_both_numbers(promised, present, said):
    with override("en"):
        assert headline_count_text(promised, present) == said


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, []),
        ({"codes": ()}, ["entries"]),
        ({"cited": False}, ["citations", "citations"]),
        ({"title_en": ""}, ["title_en"]),
        ({"recorded_from": "draft"}, ["recorded_from"]),
        ({"recorded_from": "published"}, []),
    ],
)
def test_list_reports_all_publication_issues(given, where):
    codes = given.pop("codes", ("CHN", "IND"))
    if "recorded_from" in given:
        given = {"recorded_from": factories.source(status=given["recorded_from"])}
    fields = {"slug": "a-list", **given}
    ally_list = factories.ally_list("RUS", *codes, status=Status.DRAFT, **fields)
    assert [lack.where for lack in ally_list.publication_issues()] == where


@pytest.mark.parametrize(("parts", "where"), [([], ["participations"]), ([("RUS", "host")], [])])
def test_event_requires_participant(parts, where):
    event = factories.event(*parts, status=Status.DRAFT)
    assert [lack.where for lack in event.publication_issues()] == where
    assert Event().publication_issues()


@pytest.mark.parametrize(("number", "is_cut"), [(1, False), (5, False), (6, True)])
def test_source_withdrawal_error_names_five_records(number, is_cut):
    source = factories.source()
    alliances = [factories.alliance("RUS", "CHN", cited=False) for _n in range(number)]
    for alliance in alliances:
        factories.cite(alliance, source)
    source.status = Status.WITHDRAWN
    with pytest.raises(EvidenceLost) as refused:
        source.save()
    (said,) = refused.value.messages
    assert sum(alliance.title_en in said.split(": ")[1] for alliance in alliances) >= min(number, 5)
    assert ("…" in said) is is_cut


def test_source_can_be_withdrawn_if_another_supports_the_record():
    alliance = factories.alliance("RUS", "CHN")
    source = alliance.citations.get().source
    other = factories.cite(alliance, factories.source(status=Status.DRAFT)).source
    source.status = Status.WITHDRAWN
    with pytest.raises(EvidenceLost):
        source.save()
    other.status = Status.PUBLISHED
    other.save()
    source.save()
    assert Alliance.objects.published().filter(pk=alliance.pk).exists()


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("russia", True),
        ("RUS", True),
        ("ru", True),
        ("365", True),
        ("0365", True),
        ("Rusia", True),
        ("rússia", True),
        (" Russia ", True),
        ("rus sia", False),
        ("russi", False),
        ("ussia", False),
        ("36", False),
        ("00365", False),
        ("", False),
        ("–", False),
    ],
)
def test_exact_name_matches_whole_names_and_codes(name, is_found):
    assert Country.objects.exact_name(name).filter(alpha3="RUS").exists() is is_found


@pytest.mark.parametrize(
    ("text", "is_found"), [("ussi", True), ("", True), ("  ", True), ("–", False), ("x", False)]
)
def test_name_contains_matches_parts_of_names(text, is_found):
    assert Country.objects.name_contains(text).filter(alpha3="RUS").exists() is is_found


def test_unique_slug_has_at_most_a_hundred_characters():
    assert unique_slug(Event, "a" * 101) == "a" * 100
    assert unique_slug(Event, "–") == "event"
    factories.event(slug="taken")
    factories.event(slug="taken-3")
    assert unique_slug(Event, "Taken") == "taken-2"


@pytest.mark.parametrize("status", Status.values)
def test_old_slug_of_draft_is_released(status):
    renamed = Event.objects.get(pk=factories.event(("RUS", "host"), slug="old", status=status).pk)
    renamed.slug = "new"
    renamed.save()
    other = Event.objects.get(pk=factories.event(("RUS", "host"), slug="old").pk)
    other.slug = "newer"
    other.save()
    was_read = status in ("published", "withdrawn")
    assert OldSlug.objects.record_id(Event, "old") == (renamed.pk if was_read else other.pk)


def test_old_slug_of_deleted_draft_is_released(client):
    deleted = Event.objects.get(pk=factories.event(slug="old", status="draft").pk)
    deleted.slug = "new"
    deleted.save()
    deleted.delete()
    public = Event.objects.get(pk=factories.event(("RUS", "host"), slug="old").pk)
    public.slug = "newer"
    public.save()
    answer = client.get("/en/events/old/")
    assert (answer.status_code, answer.url) == (301, "/en/events/newer/")


def test_old_slug_of_reopened_record_is_not_taken_by_draft(client):
    reopened = Event.objects.get(pk=factories.event(("RUS", "host"), slug="old").pk)
    reopened.slug = "new"
    reopened.save()
    Event.objects.filter(pk=reopened.pk).update(status="draft")
    draft = Event.objects.get(pk=factories.event(slug="old", status="draft").pk)
    draft.slug = "newer"
    draft.save()
    Event.objects.filter(pk=reopened.pk).update(status="published")
    answer = client.get("/en/events/old/")
    assert (answer.status_code, answer.url) == (301, "/en/events/new/")


def test_yearly_counts_separate_events_of_uncertain_year():
    found = YearlyCounts.of({(1990, 1990): 2, (1992, 1992): 1, (1990, 1991): 3, (None, None): 1})
    assert (found.counts, found.uncertain) == ({1990: 2, 1992: 1}, 4)
    assert found.total == [(1990, 2), (1991, 0), (1992, 1)]
    assert YearlyCounts.of({}).total == []


@pytest.mark.parametrize(
    ("mine", "theirs", "on", "standing", "periods"),
    [
        (["1990", "2000"], ["1995", "2005"], "1999-06-01", "confirmed", [("1995", "2000")]),
        (["1990", "2000"], ["1995", "2005"], "2000-12-31", "possible", [("1995", "2000")]),
        (["1990", "2000"], ["1995", "2005"], "2001-01-01", "past", [("1995", "2000")]),
        (["1990", "2000"], ["1995", "2005"], "1995-01-01", "possible", [("1995", "2000")]),
        (["1990", "2000"], ["1995", "2005"], "1994-12-31", "later", [("1995", "2000")]),
        (["1990", "1995"], ["1995", "2005"], "1995-06-01", "possible", [("1995", "1995")]),
        (["1990", ""], ["1995", ""], "1999-06-01", "confirmed", [("1995", "")]),
        (["1990", "1994"], ["1995", "2005"], "1995-06-01", None, None),
        (["1995", "2005"], ["1990", "1994"], "1995-06-01", None, None),
    ],
)
def test_pair_tie_requires_overlapping_memberships(mine, theirs, on, standing, periods):
    alliance = factories.alliance(signed="1980")
    for code, (joined, left) in (("FJI", mine), ("TON", theirs)):
        Membership.objects.create(
            alliance=alliance, country=factories.country(code), joined=joined, left=left
        )
    pair = CountryPair.of(factories.country("TON"), factories.country("FJI"))
    assert (pair.first.alpha3, pair.second.alpha3) == ("FJI", "TON")
    ties = get_ties_between(pair, pair.alliances(), on=dt.date.fromisoformat(on))
    found = [(tie.standing, [(p.since, p.until) for p in tie.periods]) for tie in ties]
    assert found == ([(standing, periods)] if standing else [])


def test_allies_exclude_focus_drafts_and_unsupported_alliances():
    focus, day = factories.country("FJI"), dt.date(2024, 1, 1)
    factories.alliance("FJI", "TON", in_force="1990")
    factories.alliance("FJI", "WSM", status=Status.DRAFT)
    factories.alliance("FJI", "VUT", cited=False)
    ties = Ties(focus, day)
    assert [country.alpha3 for country in ties.allies()] == ["TON"]
    assert Participation.objects.published().filter(country=focus).count() == 0


def test_pair_entries_come_from_public_lists_of_either_country():
    factories.ally_list("FJI", "TON")
    factories.ally_list("TON", "FJI")
    factories.ally_list("TON", "FJI", status=Status.DRAFT)
    factories.ally_list("TON", "FJI", cited=False)
    factories.ally_list("TON", "WSM")
    pair = CountryPair.of(factories.country("FJI"), factories.country("TON"))
    assert pair.entries().count() == 2
    assert AllyList.objects.published().filter(focus__in=pair.countries).count() == 3
