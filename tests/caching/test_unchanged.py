"""What is counted over many rows: once a version of the content, and never a state that was."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from allies.caching.store import pages
from allies.caching.unchanged import forget
from allies.models import Event, Status
from tests.views.addresses import body

EVENTS = "/en/events/?country=RUS"


@pytest.fixture(autouse=True)
def nothing_kept():
    pages.clear()
    forget()


def counted(visitor, address):
    """Return how many statements that sum up rows a page took, and what it says of its number."""
    pages.clear()
    with CaptureQueriesContext(connection) as queries:
        text = body(visitor.get(address))
    number = text.split('<p class="count">')[1].split("<span>")[1].split(" ")[0]
    return sum("rows_there" in query["sql"] for query in queries), int(number)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.usefixtures("starter")
def test_pages_of_a_list_and_its_languages_count_once(visitor):
    summed, number = counted(visitor, EVENTS)
    assert summed
    for address in (EVENTS, EVENTS.replace("/en/", "/id/")):
        assert counted(visitor, address) == (0, number)
    event = Event.objects.published().filter(participations__country__alpha3="RUS").first()
    event.status = Status.WITHDRAWN
    event.save()
    summed, after = counted(visitor, EVENTS)
    assert summed
    assert after == number - 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.usefixtures("starter")
def test_what_comes_to_nothing_is_not_remembered(visitor):
    _summed, number = counted(visitor, EVENTS)
    forget()
    try:
        with transaction.atomic():
            Event.objects.update(status=Status.WITHDRAWN)
            assert counted(visitor, EVENTS)[1] == 0
            raise InterruptedError
    except InterruptedError:
        pass
    Event.objects.published().first().save()
    assert counted(visitor, EVENTS)[1] == number
