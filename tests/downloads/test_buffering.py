"""Downloads are buffered completely, need a slot, and always release it."""

import contextlib
import http.client
import os
import select
import socket

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError
from django.http import FileResponse
from django.test import RequestFactory
from django.urls import reverse

from allies.downloads.buffering import IN_MEMORY, is_download, limit_downloads
from allies.downloads.stalled_connections import STALLED_MILLISECONDS, abort_stalled_connections
from tests.live_site import wait_for
from tests.process_utils import free_port, listens
from tests.views import page_urls
from tests.views.page_urls import content

CLIENT, OTHER = "203.0.113.9", "203.0.113.10"


class Blocks:
    """A streamed response, as Django returns it to the server."""

    streaming = True

    def __init__(self, blocks):
        self._blocks = blocks
        self.is_closed = False

    def __iter__(self):
        return iter(self._blocks)

    def close(self):
        self.is_closed = True


class Asked:
    """The response of a WSGI application to a GET request."""

    def __init__(self, application, path, client=CLIENT, **more):
        environ = RequestFactory(REMOTE_ADDR=client).get(path, **more).environ
        environ["REQUEST_METHOD"] = more.get("REQUEST_METHOD", "GET")
        self.response = application(environ, self._start)

    def _start(self, status, headers, *_error):
        self.status, self.headers = int(status[:3]), dict(headers)

    def read(self):
        body = b"".join(self.response)
        self.close()
        return body

    def close(self):
        if hasattr(self.response, "close"):
            self.response.close()


@pytest.fixture
def one_each(settings):
    """One download per client, and two per process."""
    settings.DOWNLOADS_PER_CLIENT, settings.DOWNLOADS_PER_PROCESS = 1, 2


def site_with(blocks):
    """Return the wrapped application whose downloads consist of the blocks from ``blocks()``."""

    def answer(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/csv; charset=utf-8")])
        return Blocks(blocks())

    return limit_downloads(answer)


def is_free(application):
    """Return whether a client's only slot is free."""
    asked = Asked(application, "/en/a.csv")
    asked.close()
    return asked.status == 200


def test_second_download_of_a_client_is_refused(one_each):
    site = site_with(lambda: [b"a"])
    first = Asked(site, "/en/a.csv")
    second = Asked(site, "/id/a.csv")
    assert (first.status, second.status) == (200, 429)
    assert int(second.headers["Retry-After"]) > 0
    assert second.headers["Cache-Control"] == "no-store"
    assert second.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Jaringan Anda" in second.read().decode()
    other = Asked(site, "/en/a.csv", OTHER)
    assert other.read() == b"a"
    assert first.read() == b"a"
    assert is_free(site)


def test_all_clients_share_the_slots_of_a_process(one_each):
    site = site_with(lambda: [b"a"])
    held = [Asked(site, "/en/a.csv", client) for client in (CLIENT, OTHER)]
    refused = Asked(site, "/id/a.csv", "203.0.113.11")
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Cache-Control"] == "no-store"
    assert "Terlalu banyak unduhan" in refused.read().decode()
    assert Asked(site, "/en/a.csv", "10.0.0.1").status == 503
    for one in held:
        one.close()
    assert Asked(site, "/en/a.csv", "203.0.113.11").read() == b"a"


def test_refused_head_request_has_no_body(one_each):
    site = site_with(lambda: [b"a"])
    held = Asked(site, "/en/a.csv")
    refused = Asked(site, "/en/a.csv", REQUEST_METHOD="HEAD")
    assert (refused.status, refused.read()) == (429, b"")
    held.close()


def test_head_request_creates_no_download(one_each):
    def blocks():
        raise AssertionError
        yield

    site = site_with(blocks)
    asked = Asked(site, "/en/a.csv", REQUEST_METHOD="HEAD")
    assert (asked.status, asked.read()) == (200, b"")


def test_disconnected_client_releases_the_slot(one_each):
    site = site_with(lambda: [b"a" * IN_MEMORY] * 3)
    asked = Asked(site, "/en/a.csv")
    assert next(iter(asked.response))
    assert not is_free(site)
    asked.close()
    assert is_free(site)


@pytest.mark.parametrize(("error", "status"), [(ValueError, 500), (OperationalError, 503)])
def test_failed_download_is_an_error_and_releases_the_slot(error, status, one_each):
    def blocks():
        yield b"a"
        if not made:
            made.append(True)
            raise error

    made = []
    site = site_with(blocks)
    failed = Asked(site, "/id/a.csv")
    assert failed.status == status
    assert failed.headers["Cache-Control"] == "no-store"
    assert failed.read().decode() == "Berkas ini tidak dapat dibuat. Coba lagi nanti.\n"
    assert is_free(site)


def test_failed_view_releases_the_slot(one_each):
    def fail(environ, start_response):
        raise ValueError

    site = limit_downloads(fail)
    for _time in range(3):
        with pytest.raises(ValueError):
            Asked(site, "/en/a.csv")


@pytest.mark.sqlite_only
@pytest.mark.django_db  # closing Django’s response closes its connections
def test_static_files_and_pages_need_no_slot(one_each, tmp_path):
    (tmp_path / "a.css").write_text("a")

    def answer(environ, start_response):
        start_response("200 OK", [])
        is_file = environ["PATH_INFO"] == "/static/a.css"
        return FileResponse((tmp_path / "a.css").open("rb")) if is_file else [b"a"]

    site = limit_downloads(answer)
    held = [Asked(site, path) for path in ("/static/a.css", "/en/", "/en/search/suggest.json") * 2]
    assert [one.status for one in held] == [200] * 6
    for one in held:
        one.close()


@pytest.mark.sqlite_only
@pytest.mark.slow
@pytest.mark.django_db
def test_every_download_has_the_same_bytes_as_from_django(
    reviewer, data_manager, login_as, demo_data, settings
):
    application = limit_downloads(get_wsgi_application())
    seen = 0
    manager_client = login_as(data_manager)
    cookies = "; ".join(f"{name}={one.value}" for name, one in manager_client.cookies.items())
    paths = [*page_urls.one_of_each("en"), "/sitemap-lists.xml"]
    paths += [f"{reverse('admin:allies_event_export')}?form={form}" for form in ("csv", "zip")]
    for path in paths:
        response = manager_client.get(path)
        if path.startswith("/en/") and "/admin/" not in path:
            assert is_download(path) == response.streaming, path
        if not response.streaming:
            continue
        expected = content(response)
        asked = Asked(application, path, HTTP_COOKIE=cookies)
        assert asked.status == 200
        assert asked.headers["Content-Length"] == str(len(expected))
        assert asked.read() == expected, path
        seen += 1
    assert seen > 50


@pytest.fixture
def endless(live_site):
    """The port of a server with downloads of any size."""
    live_site.environment |= {"ALLIES_DOWNLOADS_PER_PROCESS": "1"}
    port = free_port()
    live_site.start(
        *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", port),
        *("--blocking-threads", "4", "tests.downloads.endless:application"),
    )
    wait_for(lambda: listens(port))
    return port


def ask(port, path):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as link:
        link.request("GET", path)
        found = link.getresponse()
        return found.status, found.read()


@pytest.mark.sqlite_only
@pytest.mark.slow
def test_stalled_client_does_not_keep_the_slot(endless):
    assert ask(endless, "/1.csv")[0] == 200  # from now on, connections inherit the option
    with socket.create_connection(("127.0.0.1", endless)) as stalled:
        stalled.sendall(b"GET /100.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert stalled.recv(12) == b"HTTP/1.1 200"
        assert ask(endless, "/1.csv")[0] == 503
        wait_for(lambda: ask(endless, "/1.csv")[0] == 200)


@pytest.mark.sqlite_only
def test_disconnected_slow_client_sees_that_the_file_is_incomplete(endless):
    with pytest.raises(http.client.IncompleteRead):
        ask(endless, "/slow-100.csv")


def test_connections_inherit_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        abort_stalled_connections.__wrapped__()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as taken:
            assert (
                taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                == STALLED_MILLISECONDS
            )


def test_stalled_connection_check_keeps_no_pipe_open():
    reading, writing = os.pipe()
    abort_stalled_connections.__wrapped__()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert select.select([pipe], [], [], 5)[0], "somebody else still holds the other end"
        assert pipe.read() == b""
