"""What is counted over many rows: once a version of the content, and never a state that was."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from allies.models import Alias, Country, Event, Status
from allies.page_cache.memo import clear_all
from allies.page_cache.store import page_store
from tests.views.page_urls import body

EVENTS = "/en/events/?country=RUS"


@pytest.fixture(autouse=True)
def no_page_cache():
    page_store.clear()
    clear_all()


def counted(visitor, address):
    """Return how many statements that sum up rows a page took, and what it says of its number."""
    page_store.clear()
    with CaptureQueriesContext(connection) as queries:
        text = body(visitor.get(address))
    number = text.split('<p class="count">')[1].split("<span>")[1].split(" ")[0]
    return sum("rows_there" in query["sql"] for query in queries), int(number)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("demo_data")
def test_pages_of_a_list_and_its_languages_count_once(client):
    summed, number = counted(client, EVENTS)
    assert summed
    for address in (EVENTS, EVENTS.replace("/en/", "/id/")):
        assert counted(client, address) == (0, number)
    event = Event.objects.published().filter(participations__country__alpha3="RUS").first()
    event.status = Status.WITHDRAWN
    event.save()
    summed, after = counted(client, EVENTS)
    assert summed
    assert after == number - 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("demo_data")
def test_what_comes_to_nothing_is_not_remembered(client):
    _summed, number = counted(client, EVENTS)
    clear_all()
    try:
        with transaction.atomic():
            Event.objects.update(status=Status.WITHDRAWN)
            assert counted(client, EVENTS)[1] == 0
            raise InterruptedError
    except InterruptedError:
        pass
    Event.objects.published().first().save()
    assert counted(client, EVENTS)[1] == number


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("demo_data")
def test_a_country_is_looked_for_once_and_found_by_its_new_name_at_once(client):
    def looked(text):
        page_store.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"/en/events/?country={text}")
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
@pytest.mark.usefixtures("demo_data")
def test_names_of_nobody_push_out_nothing_that_was_dear_to_count(client):
    counted(client, EVENTS)
    for number in range(300):
        assert client.get(f"/en/events.csv?country=nobody{number}").status_code == 400
    assert counted(client, EVENTS)[0] == 0
