"""Metrics for Prometheus: requests, response times, refused requests and waiting jobs."""

import datetime as dt

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily

REQUESTS = Counter(
    "allies_requests",
    "Requests by method, status class and origin of the response.",
    ["method", "status", "answer"],
)
SECONDS = Histogram(
    "allies_request_seconds",
    "Seconds until the first byte of the response, by its origin.",
    ["answer"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REFUSED = Counter(
    "allies_refused",
    "Requests refused early: host, body (size), rate, lookup (in a list), encoding.",
    ["reason"],
)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


def count_response(method: str, status: str, answer: str, seconds: float) -> None:
    """Count a response, if metrics are enabled."""
    if not settings.METRICS_TOKEN:
        return
    REQUESTS.labels(method if method in _METHODS else "other", f"{status[:1]}xx", answer).inc()
    SECONDS.labels(answer).observe(seconds)


def count_refusal(reason: str) -> None:
    """Count a request that was refused early, if metrics are enabled."""
    if settings.METRICS_TOKEN:
        REFUSED.labels(reason).inc()


class TaskQueueCollector:
    """Collector of the waiting jobs. It queries the database when the metrics are requested."""

    def collect(self):  # type: ignore[no-untyped-def]
        waiting = GaugeMetricFamily("allies_jobs_waiting", "Jobs that are waiting for a worker.")
        oldest = GaugeMetricFamily(
            "allies_jobs_oldest_seconds", "Seconds that the oldest job has been waiting."
        )
        try:
            number, since = count_waiting_tasks()
        except DatabaseError:
            return
        waiting.add_metric([], number)
        oldest.add_metric([], since)
        yield waiting
        yield oldest


def count_waiting_tasks() -> tuple[int, float]:
    """Return the number of due jobs that wait, and the age of the oldest in seconds. One query."""
    due = DBTaskResult.objects.ready().aggregate(n=Count("pk"), first=Min("enqueued_at"))
    since = timezone.now() - due["first"] if due["first"] else dt.timedelta()
    return due["n"], since.total_seconds()


def render_metrics() -> bytes:
    """Return the metrics of all processes on this machine in the format of Prometheus.

    If the data folder could not be used for sharing them, return those of this process only.
    """
    registry = CollectorRegistry()
    if settings.METRICS_MULTIPROCESS:
        multiprocess.MultiProcessCollector(registry)
    else:
        registry.register(REQUESTS)
        registry.register(SECONDS)
        registry.register(REFUSED)
    registry.register(TaskQueueCollector())
    return bytes(generate_latest(registry))
