"""Refused requests: one line in the log, a number in the metrics, and a limit."""

import logging
import sqlite3
import time

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.test import Client

from allies.db.errors import is_database_away
from allies.http.rate_limit import require_utf8
from allies.monitoring.log_formatters import ClientErrorFilter
from tests.live_site import answer, wait_for

TOKEN = "only-for-those-who-count"
CLIENT = {"X-Forwarded-For": "203.0.113.9"}


def figures(server):
    text = answer(f"{server}/metrics", Authorization=f"Bearer {TOKEN}")[2]
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")


@pytest.fixture
def frozen_minute():
    """Wait until enough of the current minute is left for the test."""
    wait_for(lambda: time.time() % 60 < 40)


@pytest.mark.slow
def test_wrong_host_is_one_line_counted_and_limited(live_site, frozen_minute):
    live_site.environment |= {
        "ALLIES_METRICS_TOKEN": TOKEN,
        "ALLIES_BEHIND_PROXY": "true",
        "ALLIES_RATE_LIMIT_PER_MINUTE": "5",
    }
    server = live_site.serve()
    hosts = ["evil.example", "a b", "x" * 300, "evil.example:port", "[::1", "\\x1b[31m"]
    found = [answer(f"{server}/id/sources/", Host=host, **CLIENT) for host in hosts]
    assert [status for status, _headers, _text in found] == [400] * 5 + [429]
    assert "Periksa alamat yang Anda ketik" in found[0][2]
    assert int(found[5][1]["Retry-After"]) > 0
    # The limit also holds for uncached pages that this client requests with the right host.
    assert answer(f"{server}/en/search/?q=china", **CLIENT)[0] == 429

    lines = [line for line in live_site.said() if "WARNING" in line or "ERROR" in line]
    assert sum("Host not in ALLIES_ALLOWED_HOSTS" in line for line in lines) == 5
    assert not any("Traceback" in line for line in live_site.said())
    assert float(figures(server)['allies_refused_total{reason="host"}']) == 5
    assert float(figures(server)['allies_refused_total{reason="rate"}']) == 2


@pytest.mark.slow
def test_client_behind_an_unreadable_forwarded_address_is_limited(live_site, frozen_minute):
    live_site.environment |= {"ALLIES_BEHIND_PROXY": "true", "ALLIES_RATE_LIMIT_PER_MINUTE": "3"}
    server = live_site.serve()
    said = ["unknown", "", "198.51.100.1, unknown", "203.0.113.999"]
    found = [
        answer(f"{server}/en/search/?q={number}", **{"X-Forwarded-For": text})[0]
        for number, text in enumerate(said)
    ]
    assert found == [200] * 3 + [429]


@pytest.mark.django_db
def test_wrong_host_gets_400_with_any_settings(settings, client):
    for https in (False, True):
        settings.SECURE_SSL_REDIRECT = https
        for path in ("/", "/en/", "/en/admin/", "/healthz", "/api/v1/events", "/nothing"):
            answered = client.get(path, HTTP_HOST="evil.example")
            assert answered.status_code == 400
            assert "Check what you typed" in answered.content.decode()


@pytest.mark.django_db
def test_password_guesses_from_an_unreadable_address_are_limited(settings, frozen_minute):
    settings.BEHIND_PROXY = True
    settings.LOGIN_RATE_LIMIT_PER_MINUTE = 2
    client = Client(HTTP_X_FORWARDED_FOR="unknown", REMOTE_ADDR="10.9.8.6")
    form = {"username": "nobody", "password": "a guess"}
    statuses = [client.post("/en/admin/login/", form).status_code for _n in range(3)]
    assert statuses == [200, 200, 429]


@pytest.mark.django_db
def test_password_guesses_from_an_unreadable_address_lock_the_user_name(settings):
    settings.BEHIND_PROXY = True
    settings.AXES_FAILURE_LIMIT = 2
    client = Client(HTTP_X_FORWARDED_FOR="unknown", REMOTE_ADDR="10.9.8.5")
    form = {"username": "nobody", "password": "a guess"}
    assert [client.post("/en/admin/login/", form).status_code for _n in range(2)][-1] == 429


@pytest.mark.parametrize(
    ("status", "kept"), [(400, False), (413, False), (500, True), (None, True)]
)
def test_traceback_is_logged_only_for_server_errors(status, kept):
    record = logging.LogRecord("django", logging.ERROR, "", 1, "said", (), (ValueError, None, None))
    if status is not None:
        record.status_code = status
    assert ClientErrorFilter().filter(record)
    assert (record.exc_info is not None) is kept
    assert record.levelname == ("ERROR" if kept else "WARNING")


def test_message_about_a_client_error_is_shortened():
    for status, length in ((400, 301), (500, 5000)):
        record = logging.LogRecord("django", logging.ERROR, "", 1, "%s", ("x" * 5000,), None)
        record.status_code = status
        assert ClientErrorFilter().filter(record)
        assert len(record.getMessage()) == length


# Is the database unavailable, or is the statement wrong?

STATEMENTS = {
    "sqlite": [
        "SELECT * FROM not_there",
        f"SELECT {' AND '.join(['1'] * 2000)}",  # the expression is nested too deeply
        "SELECT 'a' LIKE '" + "a" * 60_000 + "'",  # the pattern is too long
        "SELECT 'a' REGEXP '('",
    ],
    "postgresql": ["SELECT * FROM not_there", "SELECT 'a' ~ '('", "SELECT 1 / 0"],
}


@pytest.mark.django_db(transaction=True)
def test_invalid_statement_does_not_mean_the_database_is_unavailable():
    for statement in STATEMENTS[connection.vendor]:
        with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
            cursor.execute(statement)
        assert not is_database_away(caught.value), statement


def test_missing_connection_means_the_database_is_unavailable():
    assert is_database_away(OperationalError("No database server is available."))
    assert is_database_away(InterfaceError("connection already closed"))
    assert not is_database_away(ValueError())
    assert not is_database_away(None)
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("host=127.0.0.1 port=1")
    error = OperationalError()
    error.__cause__ = caught.value
    assert is_database_away(error)
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect("/not/there/db.sqlite3")
    error.__cause__ = caught.value
    assert is_database_away(error)


@pytest.mark.parametrize(
    "encoding", ["utf-16", "cp037", "latin-1", "punycode", "base64", "undefined", "idna", "x" * 300]
)
def test_request_in_another_encoding_gets_415(encoding):
    def application(environ, start_response):
        raise AssertionError("the request was taken")

    environ = {"PATH_INFO": "/id/", "CONTENT_TYPE": f"text/plain; charset={encoding}"}
    told = []
    (said,) = require_utf8(application)(environ, lambda *answer: told.extend(answer))
    assert told[0].startswith("415 ")
    assert "Kirim teks sebagai UTF-8" in said.decode()


@pytest.mark.slow
def test_request_encoding_does_not_change_cached_pages(live_site):
    server, path = live_site.serve(), "/en/events/?q=china"
    for encoding in ("utf-16", "cp037", "base64"):
        kind = f"text/plain; charset={encoding}"
        assert answer(f"{server}{path}", **{"Content-Type": kind})[0] == 415
    page = answer(f"{server}{path}")
    assert page[0] == 200
    assert 'value="china"' in page[2]
    for kind in ("text/plain; charset=UTF8", "text/plain", 'x/y; charset="utf-8"'):
        assert answer(f"{server}{path}", **{"Content-Type": kind})[2] == page[2]
