"""Memo of slow counts: computed once per content version, never outdated."""

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
    """Return (number of queries that count rows, number of records shown) for a page."""
    page_store.clear()
    with CaptureQueriesContext(connection) as queries:
        text = body(visitor.get(address))
    number = text.split('<p class="count">')[1].split("<span>")[1].split(" ")[0]
    return sum("rows_there" in query["sql"] for query in queries), int(number)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("demo_data")
def test_list_is_counted_once_for_all_languages(client):
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
def test_counts_of_a_rolled_back_transaction_are_not_cached(client):
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
def test_country_lookup_is_cached_until_its_names_change(client):
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
def test_unknown_names_do_not_evict_slow_counts(client):
    counted(client, EVENTS)
    for number in range(300):
        assert client.get(f"/en/events.csv?country=nobody{number}").status_code == 400
    assert counted(client, EVENTS)[0] == 0
