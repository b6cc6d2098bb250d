"""Pages kept: the same bytes without the work, and never a state that was."""

import gzip
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError

import brotli
import pytest
import zstandard
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from allies.models import Source
from allies.page_cache.encoding import negotiate_encoding
from allies.page_cache.store import CachedPage, PageStore
from allies.page_cache.wsgi import STATE_KEY, _content_state, wsgi_page_cache
from allies.views.home import HomeView
from tests import factories
from tests.views import page_urls
from tests.views.page_urls import body, content

ALLIES = "/en/countries/russia/allies/"


class TestOneProcess:
    pytestmark = pytest.mark.usefixtures("demo_data")

    @pytest.mark.slow
    def test_every_public_page_is_the_same_from_memory(self, client):
        kept = 0
        for address in page_urls.one_of_each("en", "id"):
            first = client.get(address)
            whole = content(first)
            with CaptureQueriesContext(connection) as queries:
                again = client.get(address)
                same = content(again)
            if not queries and first.has_header("ETag"):
                kept += 1
                assert same == whole, address
                told = {name: value for name, value in first.items() if name != "ETag"}
                assert {name: value for name, value in again.items() if name != "ETag"} == told
                assert again["ETag"] == first["ETag"]
        assert kept > 100

    def test_what_has_not_changed_is_said_without_looking(self, client):
        for address in (ALLIES, "/id/", "/en/events.atom", "/en/search/?q=china", "/sitemap.xml"):
            first = client.get(address)
            with CaptureQueriesContext(connection) as queries:
                again = client.get(address, headers={"If-None-Match": first["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again["ETag"] == first["ETag"]
            assert not queries
            assert "Cookie" not in again.get("Vary", "")

    def test_a_download_that_has_not_changed_is_not_made_again(self, client):
        for address in ("/en/events.csv?kind=visit", "/id/countries/russia/allies.xlsx"):
            first = client.get(address)
            content(first)
            asked = {"If-None-Match": first["ETag"]}
            with CaptureQueriesContext(connection) as queries:
                again = client.get(address, headers=asked)
            assert (again.status_code, again.content, len(queries)) == (304, b"", 0)
            Source.objects.filter(key="dw-2024-en").update(title=address)
            assert client.get(address, headers=asked).status_code == 200

    def test_what_is_written_in_other_bytes_is_another_question(self, client):
        """The bytes of “ü”, and those of the two letters that they are in Latin-1."""
        raw = "q=T\xc3\xbcrkiye"
        twice = client.get("/api/v1/countries?q=T%C3%83%C2%BCrkiye")
        once = client.get("/api/v1/countries", QUERY_STRING=raw)
        assert twice.json()["items"] == []
        assert [row["alpha3"] for row in once.json()["items"]] == ["TUR"]
        assert once["ETag"] != twice["ETag"]

    def test_another_version_is_another_page(self, client):
        address = "/en/sources/dw-2024-en/"
        first = client.get(address)
        Source.objects.filter(key="dw-2024-en").update(title="Another title")
        again = client.get(address, headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 200
        assert "Another title" in body(again)

    def test_a_page_that_was_written_while_it_was_rendered_is_not_kept(self, client, monkeypatch):
        # A view that writes is the nearest to one that is overtaken by a writer.
        whole = HomeView.get

        def overtaken(self, request, *args, **kwargs):
            response = whole(self, request, *args, **kwargs)
            Source.objects.filter(key="dw-2024-en").update(title="Another title")
            return response

        monkeypatch.setattr(HomeView, "get", overtaken)
        first = client.get("/en/")
        assert first.status_code == 200
        assert not first.has_header("ETag")
        monkeypatch.undo()
        assert client.get("/en/").has_header("ETag")

    def test_what_is_one_visitors_own_is_never_kept(self, client, login_as, reviewer):
        form = "/en/countries/russia/correct/"
        assert body(client.get(form)) != body(client.get(form))
        assert not client.get(form).has_header("ETag")
        desk = login_as(reviewer).get("/en/admin/")
        assert "rita" in body(desk)
        assert not desk.has_header("ETag")
        assert client.get("/en/admin/").status_code == 302
        # Whoever is signed in sees what everybody sees, and leaves nothing of theirs behind.
        assert content(login_as(reviewer).get(ALLIES)) == content(client.get(ALLIES))

    def test_errors_and_wrong_hosts_are_answered_as_before(self, client):
        assert client.get("/en/no/such/page/").status_code == 404
        assert not client.get("/en/no/such/page/").has_header("ETag")
        assert client.get(f"{ALLIES}?on=yesterday").status_code == 400
        assert client.get("/en/", headers={"Host": "evil.example"}).status_code == 400

    def test_a_language_asked_for_in_a_header_has_its_own_answer(self, client):
        for address in ("/", "/site.webmanifest"):
            answers = [
                client.get(address, headers={"Accept-Language": language})
                for language in ("id", "en", "id")
            ]
            told = [(answer.get("Location"), answer.content) for answer in answers]
            assert told[0] == told[2]
            if address == "/":
                assert told[0] != told[1]

    def test_caches_before_the_site_ask_each_time_unless_they_are_told_otherwise(
        self, client, settings
    ):
        control = client.get(ALLIES)["Cache-Control"]
        assert control == "public, max-age=0, s-maxage=0, stale-while-revalidate=0"
        settings.CDN_MAX_AGE_SECONDS = 30
        other = client.get("/id/countries/russia/allies/")["Cache-Control"]
        assert other == "public, max-age=0, s-maxage=30, stale-while-revalidate=30"

    @pytest.mark.parametrize(
        ("accepts", "unpack", "encoding"),
        [
            ("gzip, deflate, br, zstd", zstandard.decompress, "zstd"),
            ("gzip, br", brotli.decompress, "br"),
            ("gzip;q=1.0, br;q=0.1", gzip.decompress, "gzip"),
            ("", bytes, None),
        ],
    )
    def test_a_page_travels_as_its_reader_accepts(self, client, accepts, unpack, encoding):
        plain = client.get(ALLIES).content
        packed = client.get(ALLIES, headers={"Accept-Encoding": accepts})
        assert packed.get("Content-Encoding") == encoding
        assert unpack(packed.content) == plain
        assert "Accept-Encoding" in packed["Vary"]
        assert int(packed["Content-Length"]) == len(packed.content)
        assert (packed["ETag"] == client.get(ALLIES)["ETag"]) == (encoding is None)


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", "identity"),
        ("*", "zstd"),
        ("gzip;q=0, *", "zstd"),
        ("br;q=0, gzip", "gzip"),
        ("identity", "identity"),
        ("GZIP", "gzip"),
        ("gzip;q=x, br;q=", "identity"),
        (",;,=;q", "identity"),
    ],
)
def test_what_is_accepted_is_understood(header, encoding):
    assert negotiate_encoding(header) == encoding


class TestStore:
    def test_memory_is_bounded(self):
        store = PageStore(100_000)
        for n in range(1000):
            store.put(str(n), CachedPage((), {"identity": b"x" * (n * 10)}))
            assert store.size <= 100_000
        assert store.get("999") is not None
        assert store.get("0") is None
        store.put("huge", CachedPage((), {"identity": b"x" * 90_000}))
        assert store.get("huge") is None

    def test_of_many_who_ask_at_once_one_renders(self):
        store, began, go = PageStore(100_000), threading.Event(), threading.Event()
        rendered = []

        def render():
            rendered.append(1)
            began.set()
            go.wait()
            return CachedPage((), {"identity": b"x"})

        with ThreadPoolExecutor(20) as pool:
            first = pool.submit(store.single_flight, "key", render)
            began.wait()
            others = [pool.submit(store.single_flight, "key", render) for _n in range(19)]
            while store.wait_for("key") < 19:
                threading.Event().wait(0.01)
            go.set()
            assert {future.result().bodies["identity"] for future in [first, *others]} == {b"x"}
        assert rendered == [1]

    def test_who_waited_for_what_failed_does_it_alone(self):
        store = PageStore(100_000)

        def fails():
            raise ValueError

        with pytest.raises(ValueError):  # the one above
            store.single_flight("key", fails)
        assert store.single_flight("key", lambda: None) is None


class TestProcesses:
    """Real servers on one database."""

    @pytest.mark.slow
    def test_what_was_published_is_seen_at_the_next_request_under_load(self, live_site):
        servers = [live_site.serve(), live_site.serve()]
        address = "/en/sources/dw-2024-en/"
        ended = threading.Event()
        errors = []

        def read(server):
            while not ended.is_set():
                try:
                    _get(server + address)
                    _get(server + ALLIES)
                except OSError as error:
                    errors.append(error)

        with ThreadPoolExecutor(4) as pool:
            for server in servers * 2:
                pool.submit(read, server)
            try:
                for n in range(5):
                    live_site.shell(
                        "from allies.models import Source; "
                        f"Source.objects.filter(key='dw-2024-en').update(title='Title {n}.')"
                    )
                    for server in servers:
                        assert f"Title {n}." in _get(server + address).decode()
            finally:
                ended.set()
        assert errors == []

    def test_without_its_cache_server_the_site_goes_on(self, live_site):
        live_site.environment["CACHE_URL"] = "redis://127.0.0.1:1/0"
        server = live_site.serve()
        first = _get(server + ALLIES)
        assert _get(server + ALLIES) == first
        assert b"Russia" in first
        assert b"password" in _get(server + "/en/admin/login/")

    @pytest.mark.slow
    def test_a_reader_who_has_the_page_is_told_so(self, live_site):
        server = live_site.serve()
        with urllib.request.urlopen(server + ALLIES) as answer:
            tag = answer.headers["ETag"]
        request = urllib.request.Request(server + ALLIES, headers={"If-None-Match": tag})
        with pytest.raises(HTTPError) as told:
            urllib.request.urlopen(request)
        with told.value as answer:
            assert (answer.code, answer.read()) == (304, b"")


def _get(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read()


class TestInFront:
    """What is remembered of what came over the wire."""

    def test_what_is_asked_counts_as_much_as_what_is_answered(self, demo_data):
        asked = []

        def inner(environ, start_response):
            asked.append(environ["QUERY_STRING"])
            environ[STATE_KEY] = _content_state()
            start_response("200 OK", [("ETag", '"tag"')])
            return HttpResponse(b"x" * 100)

        application = wsgi_page_cache(inner, size=100_000)

        def ask(query):
            environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/en/", "QUERY_STRING": query}
            application(environ, lambda *told: None)

        for query in ("short", "short", "x" * 5_000, "x" * 5_000):
            ask(query)
        assert asked == ["short", "x" * 5_000, "x" * 5_000]  # none so long is remembered
        for number in range(60):
            ask(f"{number:01900}")
        asked.clear()
        ask("short")
        assert asked == ["short"]  # sixty of nearly 2,000 characters took its place


def test_a_draft_is_not_in_memory(demo_data, client):
    """A page that was kept while a record was public is not shown once it is withdrawn."""
    event = factories.event(("RUS", "host"), title_en="Zanzabarra")
    address = f"/en/events/{event.slug}/"
    assert "Zanzabarra" in body(client.get(address))
    event.status = "withdrawn"
    event.save()
    assert client.get(address).status_code == 404
    assert "Zanzabarra" not in body(client.get("/en/events/"))
