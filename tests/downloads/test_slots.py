"""A client's downloads are counted across processes, and released if a process is killed."""

import pytest

from tests.live_site import answer, wait_for
from tests.process_utils import kill

HOLD = """
import sys, time, django
django.setup()
from allies.downloads.slots import lock_client_slot
client, kind, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
held = [lock_client_slot(client, number, kind) for _slot in range(number)]
assert all(held)
print("held", file=sys.stderr, flush=True)
time.sleep(600)
"""
CLIENT, OTHER = "203.0.113.9", "203.0.113.10"


@pytest.fixture
def servers(live_site):
    live_site.environment |= {
        "ALLIES_BEHIND_PROXY": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    return [live_site.serve(), live_site.serve()]


def hold(site, kind, number):
    """Start a process that holds ``number`` slots of the client; return it."""
    child = site.start("-c", HOLD, CLIENT, kind, number)
    wait_for(lambda: "held" in child.said.read_text())
    return child


def asked(server, path, client=CLIENT):
    return answer(f"{server}{path}", **{"X-Forwarded-For": client})


@pytest.mark.slow
def test_client_slots_are_shared_by_processes_and_released_by_a_kill(live_site, servers):
    other = hold(live_site, "download", 2)
    for server in servers:
        status, headers, text = asked(server, "/en/events.csv")
        assert status == 429
        assert int(headers["Retry-After"]) > 0
        assert headers["Cache-Control"] == "no-store"
        assert "Your network" in text
        assert asked(server, "/en/events.csv", OTHER)[0] == 200
        assert asked(server, "/en/events/")[0] == 200
    kill(other.pid)
    other.wait()
    for server in servers:
        status, headers, text = asked(server, "/en/events.csv")
        assert status == 200
        assert len(text.encode()) == int(headers["Content-Length"])


def test_data_responses_are_limited_unless_cached(live_site, servers):
    cached = ("/api/v1/alliances", "/en/events.atom")
    made = ("/api/v1/sources", "/en/sources.atom", "/en/card.png", "/en/corrections/feed/")
    for path in cached:
        assert asked(servers[0], path)[0] == 200
    other = hold(live_site, "data", 4)
    for path in cached:
        assert asked(servers[0], path)[0] == 200
    for path in made:
        status, headers, _text = asked(servers[0], path)
        assert status == 429
        assert int(headers["Retry-After"]) > 0
        assert headers["Cache-Control"] == "no-store"
    assert asked(servers[0], "/en/sources/")[0] == 200
    assert asked(servers[0], "/api/v1/sources", OTHER)[0] == 200
    kill(other.pid)
    other.wait()
    assert asked(servers[0], "/en/sources.atom")[0] == 200


def test_slot_is_free_again_after_a_download(servers):
    for _time in range(5):
        assert asked(servers[0], "/en/events.csv")[0] == 200
