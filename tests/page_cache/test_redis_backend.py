"""The shared cache: it contains signed JSON only, and nothing in it is executed."""

import json
import pickle
import shutil
import subprocess
import urllib.request

import pytest
import redis
from django.core.cache import cache

from allies.page_cache.serializer import JsonSerializer
from allies.page_cache.store import CachedPage
from allies.text.markdown import render_markdown
from tests.conftest import skip_or_fail_missing
from tests.live_site import answer, wait_for
from tests.process_utils import free_port

VALUES = [0, -7, True, None, 1.5, 2.0, "7", "ö", b"\x00\xff", [1, [b"x"]], {"a": {"b": b"c"}}, []]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_serializer_round_trip_keeps_values(value):
    serializer = JsonSerializer()
    written = serializer.dumps(value)
    # The server returns bytes.
    found = serializer.loads(str(written).encode())
    assert (type(found), found) == (type(value), value)
    cache.set("value", value)
    found = cache.get("value", "none")
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, CachedPage((), {})], ids=["object", "set", "page"]
)
def test_memory_cache_refuses_values_that_json_cannot_represent(value):
    with pytest.raises(TypeError):
        cache.set("value", value)
    assert cache.get("value") is None


def test_cached_counter_can_be_incremented():
    cache.add("count", 0)
    assert [cache.incr("count"), cache.incr("count", 5), cache.get("count")] == [1, 6, 6]
    assert cache.get_or_set("made", lambda: b"once") == b"once"


def test_rendered_markdown_is_the_same_from_the_cache():
    text = "One [@dw-2024-en, p. 4; @un-1]. *Two* & three."
    first = render_markdown(text)
    assert render_markdown(text) == first
    assert first.marks[0][0].key == "dw-2024-en"
    assert render_markdown(text).marks[0][0].locator == "p. 4"


@pytest.mark.parametrize(
    "found",
    [
        None,
        7,
        "text",
        [],
        [1, 2, 3],
        [[], {}, ""],
        [[], {"br": "text"}, ""],
        [["a"], {"br": b""}, ""],
    ],
)
def test_cached_page_from_json_refuses_other_values(found):
    assert CachedPage.from_json(found) is None


def test_cached_page_round_trip_keeps_the_page():
    page = CachedPage((("Content-Type", "text/html"),), {"br": b"x"}, "digest")
    cache.set("page", page.to_json())
    assert CachedPage.from_json(cache.get("page")) == page


@pytest.mark.parametrize(
    "written",
    [
        *(b'[[],{"br":{"$bytes":"eA=="}},""]', b":[]", b"0" * 32 + b":[]", b"[" * 100_000),
        *(b"", b"\xff", b"nan", "٣x".encode()),
    ],
)
def test_serializer_refuses_forged_values(written):
    with pytest.raises(ValueError):
        JsonSerializer().loads(written)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def shared_cache(tmp_path):
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        skip_or_fail_missing("redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    server = subprocess.Popen(
        [*command, "--requirepass", "a-password", "--dir", tmp_path], stdout=subprocess.DEVNULL
    )
    link = redis.Redis(port=port, password="a-password")

    def is_up():
        try:
            return link.ping()
        except redis.exceptions.ConnectionError:
            return False

    wait_for(is_up)
    yield link, f"redis://:a-password@127.0.0.1:{port}/0"
    link.close()
    server.kill()
    server.wait()


@pytest.mark.slow
def test_servers_share_pages_as_json_and_execute_no_pickles(live_site, shared_cache, tmp_path):
    link, address = shared_cache
    live_site.environment["CACHE_URL"] = address
    first = live_site.serve()
    paths = ("/en/countries/russia/", "/en/lists/russia-allies-in-asia/", "/en/card.png")
    pages = {path: answer_bytes(f"{first}{path}") for path in paths}
    keys = link.keys("*")
    assert len(keys) > 3
    for key in keys:  # signed JSON, not a pickle
        json.loads(link.get(key).partition(b":")[2])
    # Another server sends the pages that the first one cached.
    second = live_site.serve()
    for path in paths:
        assert answer_bytes(f"{second}{path}") == pages[path]
    # A pickle that would create a file is not executed, and causes no error.
    made = tmp_path / "made"
    for key in link.keys("*"):
        link.set(key, pickle.dumps(Bomb(made)))
    third = live_site.serve()
    for path in paths:
        assert answer_bytes(f"{third}{path}") == pages[path]
    assert not made.exists()
    # A forged page is ignored too.
    for key in link.keys("*"):
        link.set(key, json.dumps([[["X", "y"]], {"identity": {"$bytes": "Zm9yZ2Vk"}}, ""]))
    fourth = live_site.serve()
    for path in paths:
        assert answer_bytes(f"{fourth}{path}") == pages[path]
    assert "cache: ok" in answer(f"{third}/readyz")[2]


def answer_bytes(address):
    # The same host name for all servers, as behind a proxy.
    asked = urllib.request.Request(address, headers={"Host": "localhost"})
    with urllib.request.urlopen(asked) as found:
        return found.status, found.read()
