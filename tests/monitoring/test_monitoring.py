"""Liveness, readiness, request IDs and metrics."""

import datetime as dt
import json

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from allies import __version__
from allies.tasks import refresh_statistics
from tests.live_site import ROOT, answer

MIGRATIONS = ROOT / "allies" / "migrations"

TOKEN = "only-for-those-who-count"


@pytest.mark.slow
def test_started_site_is_ready(live_site):
    # The template of the site may contain an old job that no worker has started.
    live_site.shell(
        "from django_tasks_db.models import DBTaskResult as R; R.objects.all().delete()"
    )
    server = live_site.serve()
    status, headers, text = answer(f"{server}/readyz")
    assert status == 200
    assert text.splitlines() == [
        *("database: ok", "static files: ok", "migrations: ok", "cache: ok", "worker: ok"),
    ]
    assert "no-store" in headers["Cache-Control"]
    assert answer(f"{server}/healthz")[2] == f"ok\nversion: {__version__}\n"


@pytest.mark.slow
def test_site_with_an_unapplied_migration_is_not_ready(live_site):
    *_others, before, _last = sorted(path.stem for path in MIGRATIONS.glob("0*.py"))
    live_site.manage("migrate", "allies", before, "-v0")
    server = live_site.serve()
    status, _headers, text = answer(f"{server}/readyz")
    assert status == 503
    assert "migrations: 1 not applied" in text
    live_site.manage("migrate", "-v0")
    assert answer(f"{server}/readyz")[0] == 200


@pytest.mark.slow
def test_unavailable_cache_is_reported_but_site_is_ready(live_site):
    live_site.environment["CACHE_URL"] = "redis://127.0.0.1:1/0"
    status, _headers, text = answer(f"{live_site.serve()}/readyz")
    assert status == 200
    assert "cache: cannot be reached" in text


@pytest.mark.django_db
def test_jobs_without_a_worker_are_reported(client, django_capture_on_commit_callbacks):
    DBTaskResult.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        refresh_statistics.enqueue()
    assert "worker: ok" in client.get("/readyz").content.decode()
    DBTaskResult.objects.update(enqueued_at=timezone.now() - dt.timedelta(hours=1))
    assert "worker: no worker runs: 1 jobs are waiting" in client.get("/readyz").content.decode()


@pytest.mark.slow
def test_request_id_is_in_response_and_log(live_site):
    live_site.environment |= {"ALLIES_LOG_FORMAT": "json", "ALLIES_LOG_LEVEL": "INFO"}
    server = live_site.serve()
    _status, headers, _text = answer(
        f"{server}/en/countries/?q=secret", **{"X-Request-ID": "given-by-anybody"}
    )
    name = headers["X-Request-ID"]
    assert name != "given-by-anybody"
    lines = [json.loads(line) for line in live_site.said() if line.startswith("{")]
    (told,) = [line for line in lines if line.get("request_id") == name]
    assert told["path"] == "/en/countries/"
    assert told["status"] == 200
    assert told["method"] == "GET"
    assert "secret" not in json.dumps(lines)


@pytest.mark.slow
def test_request_id_of_a_proxy_is_used_only_if_valid(live_site):
    live_site.environment["ALLIES_BEHIND_PROXY"] = "true"
    server = live_site.serve()
    given = {"X-Request-ID": "4bf92f3577b34da6"}
    assert answer(f"{server}/en/", **given)[1]["X-Request-ID"] == "4bf92f3577b34da6"
    for bad in ("x" * 65, 'a"b,c:d{e}f', "short"):
        assert answer(f"{server}/en/", **{"X-Request-ID": bad})[1]["X-Request-ID"] != bad


@pytest.mark.slow
def test_metrics_need_the_token_and_cover_all_processes(live_site):
    server = live_site.serve()
    assert answer(f"{server}/metrics")[0] == 404
    live_site.environment["ALLIES_METRICS_TOKEN"] = TOKEN
    servers = [live_site.serve(), live_site.serve()]
    for one in servers:
        for _n in range(3):
            assert answer(f"{one}/en/countries/")[0] == 200
    assert answer(f"{servers[0]}/metrics")[0] == 404
    assert answer(f"{servers[0]}/metrics", Authorization="Bearer wrong")[0] == 404
    status, _headers, text = answer(f"{servers[0]}/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    kept = 'allies_requests_total{answer="memory",method="GET",status="2xx"}'
    assert float(figures[kept]) == 4
    waiting = live_site.shell(
        "from allies.monitoring.metrics import count_waiting_tasks; print(count_waiting_tasks()[0])"
    )
    assert float(figures["allies_jobs_waiting"]) == float(waiting)
