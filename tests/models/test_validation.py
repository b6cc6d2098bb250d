"""Rules of records that the database and the evidence guards enforce."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from allies.evidence.guards import EvidenceLost
from allies.models import Alliance, Citation, Entry, Event, Membership, OldSlug, Source, Status
from allies.ties.allies_on_day import Ties
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def refused(operation):
    with pytest.raises(IntegrityError), transaction.atomic():
        operation()


def test_citation_is_about_exactly_one_record():
    source, alliance, event = (
        factories.source(),
        factories.alliance("RUS", "CHN"),
        factories.event(),
    )
    refused(lambda: Citation.objects.create(source=source))
    refused(lambda: Citation.objects.create(source=source, alliance=alliance, event=event))


def test_same_citation_twice_is_refused():
    alliance, source = factories.alliance("RUS", "CHN"), factories.source()
    factories.cite(alliance, source)
    refused(lambda: factories.cite(alliance, source))
    factories.cite(alliance, source, locator="p. 4")


def test_membership_can_be_repeated_with_another_start_date():
    alliance, russia = factories.alliance(), factories.country("RUS")
    Membership.objects.create(alliance=alliance, country=russia, joined="1990", left="1995")
    Membership.objects.create(alliance=alliance, country=russia, joined="2000")
    refused(lambda: Membership.objects.create(alliance=alliance, country=russia, joined="2000"))


def test_membership_cannot_end_before_it_begins():
    alliance, russia = factories.alliance(), factories.country("RUS")
    refused(
        lambda: Membership.objects.create(
            alliance=alliance, country=russia, joined="1990", left="1989"
        )
    )


def test_published_record_requires_title():
    refused(lambda: factories.alliance(title_en="", title_ind=""))


def test_unknown_status_is_refused():
    refused(lambda: factories.event(status="secret"))


def test_dates_are_stored_with_their_bounds():
    alliance = factories.alliance(signed="May 2024")
    alliance.refresh_from_db()
    assert alliance.signed == "2024-05"
    assert alliance.signed_latest == dt.date(2024, 5, 31)
    alliance.signed = "2023"
    alliance.save(update_fields=["signed"])
    alliance.refresh_from_db()
    assert alliance.signed_earliest == dt.date(2023, 1, 1)


def test_origin_is_the_end_of_the_derivation_chain():
    original = factories.source()
    copy = factories.source(derived_from=original)
    copy_of_copy = factories.source(derived_from=copy)
    assert Source.objects.get(pk=copy_of_copy.pk).origin == original
    elder = factories.source()
    original.derived_from = elder
    original.save()
    assert {s.origin for s in Source.objects.filter(pk__in=[copy.pk, copy_of_copy.pk])} == {elder}


def test_republications_count_as_one_independent_source():
    original = factories.source()
    alliance = factories.alliance("RUS", "CHN", cited=False)
    for source in (original, factories.source(derived_from=original), factories.source()):
        factories.cite(alliance, source)
    factories.cite(alliance, factories.source(), stance="disputes")
    factories.cite(alliance, factories.source(status=Status.DRAFT))
    counted = Alliance.objects.with_evidence().get(pk=alliance.pk)
    assert (counted.independent_sources, counted.disputes) == (2, 1)


@pytest.mark.parametrize(
    ("status", "source_status", "stance", "is_public"),
    [
        ("published", "published", "supports", True),
        ("published", "published", "disputes", False),
        ("published", "draft", "supports", False),
        ("draft", "published", "supports", False),
        ("in-review", "published", "supports", False),
        ("withdrawn", "published", "supports", False),
    ],
)
def test_public_means_published_and_supported(status, source_status, stance, is_public):
    source = factories.source(status=source_status)
    records = [
        factories.alliance("RUS", "CHN", status=status, cited=False),
        factories.event(("RUS", "host"), status=status, cited=False),
        factories.ally_list("RUS", "CHN", status=status, cited=False).entries.get(),
    ]
    for record in records:
        factories.cite(record, source, stance=stance)
        assert type(record).objects.published().filter(pk=record.pk).exists() is is_public


def test_last_support_of_a_public_record_cannot_be_deleted():
    alliance = factories.alliance("RUS", "CHN")
    only = alliance.citations.get()
    with pytest.raises(EvidenceLost), transaction.atomic():
        only.delete()
    second = factories.cite(alliance)
    with pytest.raises(EvidenceLost), transaction.atomic():
        alliance.citations.all().delete()
    assert alliance.citations.count() == 2
    second.delete()
    assert alliance.citations.get() == only


def test_last_support_cannot_turn_into_a_dispute():
    citation = factories.alliance("RUS", "CHN").citations.get()
    citation.stance = "disputes"
    with pytest.raises(EvidenceLost), transaction.atomic():
        citation.save()
    citation.refresh_from_db()
    assert citation.stance == "supports"


def test_needed_source_cannot_be_withdrawn_or_deleted():
    source = factories.alliance("RUS", "CHN").citations.get().source
    source.status = Status.WITHDRAWN
    with pytest.raises(EvidenceLost), transaction.atomic():
        source.save()
    with pytest.raises(ProtectedError):
        Source.objects.get(pk=source.pk).delete()


def test_source_of_a_public_recorded_list_cannot_be_withdrawn():
    source = factories.source()
    factories.ally_list("RUS", "CHN", recorded_from=source)
    source.status = Status.WITHDRAWN
    with pytest.raises(EvidenceLost):
        source.save()


def test_public_record_cannot_be_deleted_before_withdrawal():
    alliance = factories.alliance("RUS", "CHN")
    with pytest.raises(EvidenceLost), transaction.atomic():
        alliance.delete()
    alliance.status = Status.WITHDRAWN
    alliance.save()
    citation = alliance.citations.get().pk
    alliance.delete()
    assert not Citation.objects.filter(pk=citation).exists()


def test_entry_of_public_list_can_be_deleted_with_its_citations():
    entry = factories.ally_list("RUS", "CHN", "PRK").entries.first()
    entry.delete()
    assert not Entry.objects.filter(pk=entry.pk).exists()


def test_renamed_record_keeps_its_old_slug():
    event = factories.event(("RUS", "host"), slug="first-name")
    event = Event.objects.get(pk=event.pk)
    event.slug = "second-name"
    event.save()
    assert OldSlug.objects.record_id(Event, "first-name") == event.pk


def test_old_slug_of_public_record_is_not_taken_by_draft():
    event = factories.event(("RUS", "host"), slug="old")
    event = Event.objects.get(pk=event.pk)
    event.slug = "new"
    event.save()
    draft = Event.objects.get(pk=factories.event(status="draft", slug="old").pk)
    draft.slug = "whatever"
    draft.save()
    assert OldSlug.objects.record_id(Event, "old") == event.pk


def test_old_slug_of_draft_passes_to_public_record():
    draft = Event.objects.get(pk=factories.event(status="draft", slug="old").pk)
    draft.slug = "whatever"
    draft.save()
    event = Event.objects.get(pk=factories.event(("RUS", "host"), slug="old").pk)
    event.slug = "new"
    event.save()
    assert OldSlug.objects.record_id(Event, "old") == event.pk


def test_alliance_of_public_event_cannot_be_deleted():
    alliance = factories.alliance("RUS", "CHN", status="draft")
    factories.event(("RUS", "host"), alliance=alliance)
    with pytest.raises(EvidenceLost):
        alliance.delete()


@pytest.mark.parametrize(
    ("mine", "theirs", "since"),
    [
        ("2020", "2020-03-01", "2020-03-01/2020-12-31"),
        ("../2022-02-24", "2010-01-01", "2010-01-01/2022-02-24"),
        ("2001-01-01", "2000", "2001-01-01"),
        ("", "2000", ""),
        ("", "", ""),
    ],
)
def test_since_is_no_more_precise_than_the_memberships(mine, theirs, since, few_ties):
    alliance, day = factories.alliance(cited=False), dt.date(2024, 1, 1)
    factories.cite(alliance, factories.source(covers_from="1990"))
    focus, other = factories.country("IDN"), factories.country("MYS")
    Membership.objects.create(alliance=alliance, country=focus, joined=mine)
    Membership.objects.create(alliance=alliance, country=other, joined=theirs)
    ties = Ties(focus, day)
    (row,) = ties.rows(ties.allies())
    assert row.since == since


def test_missing_slug_is_made_from_title_and_unique():
    slugs = [factories.event(("RUS", "host"), title_en="A visit").slug for _ in range(3)]
    assert slugs == ["a-visit", "a-visit-2", "a-visit-3"]


@pytest.mark.parametrize(
    ("joined", "left", "signed", "ended", "day", "counts"),
    [
        ("2000", "", "", "", "1999-12-31", False),
        ("2000", "", "", "", "2000-01-01", True),
        ("2000", "2005-03", "", "", "2005-03-31", True),
        ("2000", "2005-03", "", "", "2005-04-01", False),
        ("", "", "2000-06-15", "", "2000-06-14", False),
        ("", "", "2000-06-15", "2001", "2001-12-31", True),
        ("", "", "2000-06-15", "2001", "2002-01-01", False),
        ("../1816-01-01", "", "1386-05-09", "", "1500-01-01", False),
        ("../1816-01-01", "", "1386-05-09", "", "1790-01-01", True),
        ("", "", "", "", "1500-01-01", False),
        ("", "", "", "", "1790-01-01", True),
        ("2010", "", "2000", "2005", "2004-01-01", False),
        ("1955", "1968/..", "1955", "1991-07-01", "2020-01-01", False),
        ("1955", "1968/..", "1955", "1991-07-01", "1991-07-01", True),
        ("../1816-01-01", "", "1766-02-05", "", "1700-01-01", False),
    ],
)
def test_in_force_includes_memberships_possibly_in_force(joined, left, signed, ended, day, counts):
    alliance = factories.alliance(signed=signed, ended=ended, cited=False)
    factories.cite(alliance, factories.source(covers_from="1790"))
    membership = Membership.objects.create(
        alliance=alliance, country=factories.country("RUS"), joined=joined, left=left
    )
    found = Membership.objects.in_force(dt.date.fromisoformat(day)).filter(pk=membership.pk)
    assert found.exists() is counts
