"""Which records were public at a time: the status, the evidence and the sources of that time."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.history.visibility import VisibilityHistory
from allies.models import Alliance, AllyList, Country, Event, Source, Status
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def time_of(record):
    """Return when a record was last written."""
    return record.history.latest().history_date


def test_record_is_public_from_the_publication_of_its_source():
    source = factories.source(status=Status.DRAFT)
    event = factories.event(("RUS", "host"), cited=False)
    citation = factories.cite(event, source)
    source.status = Status.PUBLISHED
    source.save()
    past = VisibilityHistory.read(Event, [event.pk])
    assert not past.is_public(event.pk, time_of(event))
    assert not past.is_public(event.pk, time_of(citation))
    assert not past.is_public(event.pk, time_of(source), with_it=False)
    assert past.public_key(event.pk, time_of(source)) == event.slug


def test_list_is_public_while_one_entry_is_supported():
    ally_list = factories.ally_list("RUS", "CHN", "IND")
    before = time_of(ally_list.entries.get(country__alpha3="IND").citations.get())
    for entry in ally_list.entries.all():
        factories.cite(entry, stance="disputes")
    ally_list.entries.get(country__alpha3="CHN").delete()
    after = time_of(ally_list.entries.get().citations.latest("pk"))
    past = VisibilityHistory.read(AllyList, [ally_list.pk])
    assert past.is_public(ally_list.pk, before)
    assert past.is_public(ally_list.pk, after)
    assert not past.is_public(ally_list.pk, time_of(ally_list))  # before its first entry


def test_withdrawn_and_deleted_records_were_public_under_their_former_slug():
    event = factories.event(("RUS", "host"), slug="before")
    shown = time_of(event.citations.get())
    number = event.pk
    event.status, event.slug = Status.WITHDRAWN, "after"
    event.save()
    withdrawn = time_of(event)
    event.delete()
    past = VisibilityHistory.read(Event, [number])
    assert past.public_key(number, shown) == "before"
    assert past.public_key(number, withdrawn) == ""
    assert past.last_unpublished_at(number, shown) == withdrawn


@pytest.mark.parametrize(
    ("model", "queries"), [(Country, 1), (Source, 1), (Event, 3), (Alliance, 3), (AllyList, 4)]
)
def test_query_count_depends_only_on_the_model(model, queries):
    factories.ally_list("RUS", "CHN")
    numbers = list(model.objects.values_list("pk", flat=True)[:20])
    assert len(numbers) > 1
    for ids in (numbers[:1], numbers):
        with CaptureQueriesContext(connection) as found:
            VisibilityHistory.read(model, ids)
        assert len(found) == queries
