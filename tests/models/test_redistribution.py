"""Which rows may be passed on in whole tables: those that do not rest on withheld sources alone."""

import pytest

from allies.models import (
    Alliance,
    Citation,
    Entry,
    Event,
    Membership,
    Participation,
    Source,
    Status,
)
from allies.models.provenance import withheld_source_q
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


@pytest.fixture
def withheld(db):
    return factories.source(kind="dataset", redistribution=False)


def passed_on(record):
    """Return whether a record may be passed on; the two querysets are complements."""
    rows = type(record).objects.filter(pk=record.pk)
    found = rows.redistributable().exists()
    assert rows.redistributable(False).exists() is not found
    return found


def alliance_by(*sources, **given):
    pact = factories.alliance("RUS", "IND", cited=False, **given)
    for source in sources:
        factories.cite(pact, source)
    return pact


def test_source_is_withheld_if_it_or_its_origin_says_so(withheld):
    derived = factories.source(derived_from=withheld)
    allowed = factories.source(derived_from=withheld, redistribution=True)
    silent = factories.source(kind="dataset")
    found = Source.objects.filter(withheld_source_q())
    assert set(found.filter(pk__gte=withheld.pk)) == {withheld, derived}
    shown = {s.pk: s.is_withheld for s in (withheld, derived, allowed, silent)}
    assert shown == {withheld.pk: True, derived.pk: True, allowed.pk: False, silent.pk: False}


def test_record_needs_one_source_that_may_be_passed_on(withheld):
    assert not passed_on(alliance_by(withheld))
    assert not passed_on(alliance_by(withheld, factories.source(derived_from=withheld)))
    assert passed_on(alliance_by(withheld, factories.source()))
    assert not passed_on(alliance_by(withheld, factories.source(status=Status.DRAFT)))
    disputed = alliance_by(withheld)
    factories.cite(disputed, stance="disputes")
    assert not passed_on(disputed)


def test_membership_rests_on_its_own_sources_or_those_of_its_alliance(withheld):
    assert not passed_on(alliance_by(withheld).memberships.first())
    member = alliance_by(withheld, factories.source()).memberships.first()
    assert passed_on(member)
    factories.cite(member, withheld)
    assert not passed_on(member)
    factories.cite(member)
    assert passed_on(member)


def test_source_with_other_dates_is_not_what_a_membership_rests_on(withheld):
    member = alliance_by(withheld, factories.source()).memberships.first()
    member.joined = "1982"
    member.save()
    cited = factories.cite(member, withheld, joined="1981")
    assert passed_on(member)
    cited.joined = "1982-05"
    cited.save()
    assert not passed_on(member)


def test_parts_are_passed_on_like_their_records(withheld):
    event = factories.event(("RUS", "host"), cited=False)
    factories.cite(event, withheld)
    part = event.participations.get()
    assert not passed_on(event)
    assert not passed_on(part)
    factories.cite(event)
    assert passed_on(part)
    entry = factories.ally_list("RUS", "CHN", cited=False).entries.get()
    cited = factories.cite(entry, withheld)
    assert not passed_on(entry)
    assert not passed_on(cited)


@pytest.mark.parametrize("model", [Alliance, Membership, Event, Participation, Entry, Citation])
def test_evidence_are_the_public_citations_of_the_rows(model, withheld):
    pact = alliance_by(withheld)
    factories.cite(pact.memberships.first(), factories.source(status=Status.DRAFT))
    factories.cite(factories.event(("RUS", "host"), cited=False), withheld)
    factories.cite(factories.ally_list("RUS", "CHN", cited=False).entries.get(), withheld)
    found = model.objects.published().evidence()
    assert found.filter(source=withheld).exists()
    assert not found.exclude(source__status=Status.PUBLISHED).exists()
