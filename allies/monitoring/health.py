"""Endpoints for operators: liveness, readiness and metrics."""

import hmac
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS as PRIMARY
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST

from allies import __version__
from allies.db.router import REPLICAS, is_up
from allies.db.uploads_restore import is_interrupted
from allies.monitoring.metrics import count_waiting_tasks, render_metrics

#: If a job has waited for this many seconds, no worker is running.
TIMEOUT_SECONDS = 300


@never_cache
def liveness(request: HttpRequest) -> HttpResponse:
    """Return `ok` and the version if this process reaches any database server.

    Raises OperationalError if it reaches none.
    """
    if not any(map(is_up, (PRIMARY, *REPLICAS))):
        raise OperationalError("No database server is available.")
    return HttpResponse(f"ok\nversion: {__version__}\n", content_type="text/plain")


@never_cache
def readiness(request: HttpRequest) -> HttpResponse:
    """Return the state of each part of the site, with status 503 if it cannot serve requests.

    A missing cache, replica or worker is reported, but does not change the status. The same holds
    for the primary while a replica responds.
    """
    primary = _is_database_down(PRIMARY)
    replicas = {name: _is_database_down(name) for name in REPLICAS}
    left = not primary or not all(replicas.values())
    lacks = {"database": "" if left else primary, "static files": _check_static_files()}
    if not primary:
        lacks["migrations"] = _check_migrations()
    if is_interrupted():
        lacks["restore"] = "interrupted; run `manage.py restore --resume`"
    notes = {"cache": _check_cache(), "worker": "" if primary else _check_worker()}
    if REPLICAS:
        notes = {"primary": primary and f"{primary}; nothing can be edited", **replicas, **notes}
    lines = [f"{part}: {said or 'ok'}" for part, said in (lacks | notes).items()]
    status = 503 if any(lacks.values()) else 200
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain", status=status)


def _is_database_down(server: str) -> str:
    file_problem = getattr(connections[server], "file_problem", None)  # only SQLite has it
    if file_problem is not None and (said := file_problem()):
        return str(said)
    return "" if is_up(server) else "cannot be reached"


def _check_migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} not applied" if plan else ""


def _check_static_files() -> str:
    collected = Path(settings.STATIC_ROOT) / "staticfiles.json"
    return "" if collected.exists() else "not collected"


def _check_cache() -> str:
    cache.set("ready", 1, 10)
    return "" if cache.get("ready") == 1 else "cannot be reached; continuing without it"


def _check_worker() -> str:
    number, seconds = count_waiting_tasks()
    if seconds < TIMEOUT_SECONDS:
        return ""
    return f"no worker runs: {number} jobs are waiting, the oldest for {seconds / 60:.0f} minutes"


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics if the request has the token (``Authorization: Bearer …``), else 404."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise Http404
    return HttpResponse(render_metrics(), content_type=CONTENT_TYPE_LATEST)
