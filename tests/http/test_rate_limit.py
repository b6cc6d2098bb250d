"""The rate limit per client and minute is shared by processes, and explained in the response."""

import time

import pytest
from django.test import Client

from tests.live_site import answer, wait_for

PROXY = {"ALLIES_BEHIND_PROXY": "true", "ALLIES_RATE_LIMIT_PER_MINUTE": "8"}


def asked(server, path, client="203.0.113.9"):
    return answer(f"{server}{path}", **{"X-Forwarded-For": client})


@pytest.fixture
def frozen_minute():
    """Wait for the start of a minute, so that the test ends in the same minute."""
    wait_for(lambda: time.time() % 60 < 40)


@pytest.mark.slow
def test_rate_limit_is_shared_by_processes_and_skips_cached_pages(live_site, frozen_minute):
    live_site.environment |= PROXY
    servers = [live_site.serve(), live_site.serve()]
    assert asked(servers[0], "/en/sources/")[0] == 200
    statuses = [asked(servers[n % 2], f"/en/search/?q=china{n}")[0] for n in range(9)]
    assert statuses == [200] * 7 + [429] * 2
    assert asked(servers[0], "/en/sources/")[0] == 200  # from the cache
    assert asked(servers[1], "/en/events.csv")[0] == 429
    for other in ("203.0.113.10", "2001:db8::1", "10.1.2.3"):
        assert asked(servers[0], f"/en/search/?q={other}", other)[0] == 200


@pytest.mark.slow
def test_private_network_is_not_limited(live_site, frozen_minute):
    live_site.environment |= PROXY
    server = live_site.serve()
    for number in range(12):
        assert asked(server, f"/en/search/?q={number}", "192.168.1.7")[0] == 200


@pytest.mark.django_db
def test_client_over_the_limit_gets_a_429_with_retry_after(settings, frozen_minute, demo_data):
    settings.RATE_LIMIT_PER_MINUTE = 1
    reader = Client(REMOTE_ADDR="203.0.113.77")
    assert reader.get("/id/search/?q=a").status_code == 200
    page = reader.get("/id/search/?q=b")
    assert page.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 60
    assert "Terlalu banyak permintaan" in page.content.decode()
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    for path in ("/id/events.csv", "/api/v1/events", "/id/events.atom"):
        refused = reader.get(path)
        assert refused.status_code == 429
        assert refused["Content-Type"].startswith("text/plain")
    assert reader.get("/en/admin/login/").status_code == 200


@pytest.mark.django_db
def test_sign_in_attempts_are_limited(settings, frozen_minute):
    settings.LOGIN_RATE_LIMIT_PER_MINUTE = 3
    client = Client(REMOTE_ADDR="203.0.113.78")
    for number in range(3):
        form = {"username": f"somebody-{number}", "password": "a guess"}
        assert client.post("/en/admin/login/", form).status_code == 200
    for address in ("/en/admin/login/", "/id/admin/second-step/"):
        refused = client.post(address, form)
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 60
    assert client.get("/en/admin/login/").status_code == 200
    assert Client(REMOTE_ADDR="203.0.113.79").post("/en/admin/login/", form).status_code == 200


@pytest.mark.django_db
def test_no_client_is_refused_if_requests_cannot_be_counted(settings, demo_data, tmp_path):
    settings.RATE_LIMIT_PER_MINUTE = 1
    settings.DATA_DIR = tmp_path / "is-not-there"
    reader = Client(REMOTE_ADDR="203.0.113.78")
    for number in range(3):
        assert reader.get(f"/en/search/?q={number}").status_code == 200


@pytest.mark.django_db
def test_query_is_shortened_in_links_and_limited_in_length(demo_data):
    """Links on a page repeat the query, so extra spaces are removed and its length is limited."""
    reader = Client()
    plain = len(reader.get("/en/events/?q=vote").content)
    assert len(reader.get(f"/en/events/?q=vote{'+' * 7_000}").content) < plain + 30_000
    refused = reader.get(f"/en/events/?q=vote{'+' * 9_000}")
    assert refused.status_code == 414
    assert "too long" in refused.content.decode()
