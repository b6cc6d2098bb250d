"""What is counted over many rows: once a version of the content, and never a state that was."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from allies.caching.store import pages
from allies.caching.unchanged import forget
from allies.models import Alias, Country, Event, Status
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("starter")
def test_a_country_is_looked_for_once_and_found_by_its_new_name_at_once(visitor):
    def looked(text):
        pages.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = visitor.get(f"/en/events/?country={text}")
        asked = [query["sql"] for query in queries if "allies_alias" in query["sql"]]
        return len(asked), answer.status_code

    assert looked("Moskwa") == (1, 400)
    assert looked("Moskwa") == (0, 400)
    Alias.objects.create(country=Country.objects.get(alpha3="RUS"), name="Moskwa")
    assert looked("Moskwa") == (1, 200)
    assert looked("Moskwa") == (0, 200)
    Alias.objects.filter(name="Moskwa").delete()
    assert looked("Moskwa") == (1, 400)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("starter")
def test_names_of_nobody_push_out_nothing_that_was_dear_to_count(visitor):
    counted(visitor, EVENTS)
    for number in range(300):
        assert visitor.get(f"/en/events.csv?country=nobody{number}").status_code == 400
    assert counted(visitor, EVENTS)[0] == 0
