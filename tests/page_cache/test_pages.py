"""The page cache: same bytes, no queries, and never outdated content."""

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
    @pytest.mark.sqlite_only
    def test_every_public_page_is_identical_from_the_cache(self, client):
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

    def test_unchanged_page_gets_304_without_queries(self, client):
        for address in (ALLIES, "/id/", "/en/events.atom", "/en/search/?q=china", "/sitemap.xml"):
            first = client.get(address)
            with CaptureQueriesContext(connection) as queries:
                again = client.get(address, headers={"If-None-Match": first["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again["ETag"] == first["ETag"]
            assert not queries
            assert "Cookie" not in again.get("Vary", "")

    def test_unchanged_download_gets_304_without_queries(self, client):
        for address in ("/en/events.csv?kind=visit", "/id/countries/russia/allies.xlsx"):
            first = client.get(address)
            content(first)
            asked = {"If-None-Match": first["ETag"]}
            with CaptureQueriesContext(connection) as queries:
                again = client.get(address, headers=asked)
            assert (again.status_code, again.content, len(queries)) == (304, b"", 0)
            Source.objects.filter(key="dw-2024-en").update(title=address)
            assert client.get(address, headers=asked).status_code == 200

    def test_queries_with_different_bytes_have_different_pages(self, client):
        """The UTF-8 bytes of “ü”, once as they are, and once read as Latin-1 and encoded again."""
        raw = "q=T\xc3\xbcrkiye"
        twice = client.get("/api/v1/countries?q=T%C3%83%C2%BCrkiye")
        once = client.get("/api/v1/countries", QUERY_STRING=raw)
        assert twice.json()["items"] == []
        assert [row["alpha3"] for row in once.json()["items"]] == ["TUR"]
        assert once["ETag"] != twice["ETag"]

    def test_changed_content_gives_a_new_page(self, client):
        address = "/en/sources/dw-2024-en/"
        first = client.get(address)
        Source.objects.filter(key="dw-2024-en").update(title="Another title")
        again = client.get(address, headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 200
        assert "Another title" in body(again)

    def test_page_is_not_cached_if_content_changes_while_rendering(self, client, monkeypatch):
        # A view that writes has the same effect as a writer during the rendering.
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

    def test_page_cache_skips_personal_pages(self, client, login_as, reviewer):
        form = "/en/countries/russia/correct/"
        assert body(client.get(form)) != body(client.get(form))
        assert not client.get(form).has_header("ETag")
        desk = login_as(reviewer).get("/en/admin/")
        assert "rita" in body(desk)
        assert not desk.has_header("ETag")
        assert client.get("/en/admin/").status_code == 302
        # Signed-in users see the public page, and nothing of theirs gets into the cache.
        assert content(login_as(reviewer).get(ALLIES)) == content(client.get(ALLIES))

    def test_page_cache_skips_errors_and_wrong_hosts(self, client):
        assert client.get("/en/no/such/page/").status_code == 404
        assert not client.get("/en/no/such/page/").has_header("ETag")
        assert client.get(f"{ALLIES}?on=yesterday").status_code == 400
        assert client.get("/en/", headers={"Host": "evil.example"}).status_code == 400

    def test_page_without_language_prefix_depends_on_accept_language(self, client):
        for address in ("/", "/site.webmanifest"):
            answers = [
                client.get(address, headers={"Accept-Language": language})
                for language in ("id", "en", "id")
            ]
            told = [(answer.get("Location"), answer.content) for answer in answers]
            assert told[0] == told[2]
            if address == "/":
                assert told[0] != told[1]

    def test_cdn_revalidates_each_time_unless_max_age_is_set(self, client, settings):
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
    def test_page_is_sent_in_an_accepted_encoding(self, client, accepts, unpack, encoding):
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
def test_negotiate_encoding_parses_accept_encoding(header, encoding):
    assert negotiate_encoding(header) == encoding


class TestStore:
    def test_page_store_size_is_limited(self):
        store = PageStore(100_000)
        for n in range(1000):
            store.put(str(n), CachedPage((), {"identity": b"x" * (n * 10)}))
            assert store.size <= 100_000
        assert store.get("999") is not None
        assert store.get("0") is None
        store.put("huge", CachedPage((), {"identity": b"x" * 90_000}))
        assert store.get("huge") is None

    def test_one_of_many_simultaneous_requests_renders(self):
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

    def test_page_can_be_rendered_again_after_a_failure(self):
        store = PageStore(100_000)

        def fails():
            raise ValueError

        with pytest.raises(ValueError):  # the one above
            store.single_flight("key", fails)
        assert store.single_flight("key", lambda: None) is None


class TestProcesses:
    """Real servers that share one database."""

    @pytest.mark.slow
    def test_change_is_visible_at_the_next_request_under_load(self, live_site):
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

    def test_site_works_without_its_cache_server(self, live_site):
        live_site.environment["CACHE_URL"] = "redis://127.0.0.1:1/0"
        server = live_site.serve()
        first = _get(server + ALLIES)
        assert _get(server + ALLIES) == first
        assert b"Russia" in first
        assert b"password" in _get(server + "/en/admin/login/")

    @pytest.mark.slow
    def test_server_answers_304_to_a_matching_etag(self, live_site):
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
    """The WSGI cache of identical requests."""

    def test_wsgi_cache_size_includes_the_requests(self, demo_data):
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
        assert asked == ["short", "x" * 5_000, "x" * 5_000]  # too long to be cached
        for number in range(60):
            ask(f"{number:01900}")
        asked.clear()
        ask("short")
        assert asked == ["short"]  # sixty requests of nearly 2,000 characters have replaced it


def test_withdrawn_record_is_not_served_from_the_cache(demo_data, client):
    """A page that was cached while a record was public is not shown after it is withdrawn."""
    event = factories.event(("RUS", "host"), title_en="Zanzabarra")
    address = f"/en/events/{event.slug}/"
    assert "Zanzabarra" in body(client.get(address))
    event.status = "withdrawn"
    event.save()
    assert client.get(address).status_code == 404
    assert "Zanzabarra" not in body(client.get("/en/events/"))
