"""Fixtures: a web server on this machine, and checks that may visit it."""

import datetime as dt

import pytest
from django.utils import timezone

from allies.link_checking.check_due_links import Options, run_checks
from allies.link_checking.fetch import FetchLimits
from allies.link_checking.link_health import CheckResult, save_result, sync_health_rows
from allies.models import LinkResult
from tests.link_checking.servers import web as serving


@pytest.fixture
def web():
    with serving() as server:
        yield server


@pytest.fixture
def other():
    """Return a second server that checks may not visit."""
    with serving() as server:
        yield server


@pytest.fixture
def limits(web):
    return FetchLimits(allow_private=frozenset({web.spot}), connect=5, read=5, total=10)


@pytest.fixture
def run(limits):
    """Return a function that runs the due checks and returns their outcomes."""

    def checked(**given):
        return list(run_checks(Options(**{"limits": limits, "host_delay": 0, **given})))

    return checked


@pytest.fixture
def seen():
    """Return a function that saves results of a source, ``every`` days apart."""

    def keep_all(source, *results, every=1, start=None):
        start = start or timezone.now()
        sync_health_rows(start)
        for number, found in enumerate(results):
            found = found if isinstance(found, CheckResult) else CheckResult(LinkResult(found))
            at = start + dt.timedelta(days=every * number)
            save_result(source_id=source.pk, address=source.url, result=found, at=at)
        source.link_health.refresh_from_db()
        return source.link_health

    return keep_all
