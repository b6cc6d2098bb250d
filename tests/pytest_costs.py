"""Keep the cost of tests low: mark what runs less often, and enforce a limit for the others.

The time is CPU time of the test process and of the programs it waits for, so the load of the
machine does not count. The limit is longer on a slower machine, which is measured with a fixed
calculation. Tests with a live site, which needs real processes, always count as slow. Tests that
cannot access a database run on SQLite only.
"""

import gc
import os
import time

import pytest

LIMIT_SECONDS = 2.0
#: CPU seconds of `_measure_machine` on the machine for which LIMIT_SECONDS was chosen.
REFERENCE_SECONDS = 0.04
COSTLY_MARKERS = ("slow", "core", "browser")
#: Fixtures that allow access to a database.
DATABASE_FIXTURES = ("db", "transactional_db", "live_server")


def _measure_machine():
    """Return the CPU seconds of a fixed calculation, the minimum of five runs."""

    def measure():
        start = time.process_time()
        sum(number * number for number in range(1_000_000))
        return time.process_time() - start

    return min(measure() for _run in range(5))


def _cpu_seconds():
    return sum(os.times()[:4])


class CostLimit:
    """Fail tests that take longer than the limit without being marked."""

    def __init__(self):
        self.limit = LIMIT_SECONDS * max(1, _measure_machine() / REFERENCE_SECONDS)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        start = _cpu_seconds()
        result = yield
        spent = _cpu_seconds() - start
        item.user_properties.append(("cpu", round(spent, 3)))
        if spent > self.limit and not _may_be_costly(item):
            pytest.fail(
                f"took {spent:.1f} s of processor time, the limit is {self.limit:.1f} s:"
                " make it quicker, or mark it slow",
                pytrace=False,
            )
        return result


def _may_be_costly(item):
    """Return True if a test is marked, or is a property with more examples than by default."""
    is_property = getattr(item.obj, "is_hypothesis_test", False)
    is_longer = os.environ.get("HYPOTHESIS_PROFILE", "dev") != "dev"
    return any(map(item.get_closest_marker, COSTLY_MARKERS)) or (is_property and is_longer)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests with real processes as slow, and tests without a database for SQLite only."""
    for item in items:
        fixtures = {"live_site_factory", *DATABASE_FIXTURES} & set(item.fixturenames)
        if "live_site_factory" in fixtures:
            item.add_marker(pytest.mark.slow)
        # pytest-django raises an error if any other test accesses a database.
        if not fixtures and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.sqlite_only)


def pytest_collection_finish():
    """Exempt what was loaded so far from garbage collection, which takes 4 % of the time else."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def pytest_configure(config):
    config.pluginmanager.register(CostLimit(), "cost-limit")
