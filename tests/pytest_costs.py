"""Enforce markers by cost: a test that takes longer than the limit must be marked ``slow``.

Cost is processor time of the test's process and of the programs it waits for, so that other work
on the machine does not count. A slower machine gets a longer limit: a fixed piece of work is
measured first. Tests with a site of their own, which is real processes, are always slow.
"""

import os
import time

import pytest

LIMIT_SECONDS = 2.0
#: Processor seconds of `_measure_machine` on the machine that LIMIT_SECONDS was set on.
REFERENCE_SECONDS = 0.04
COSTLY_MARKERS = ("slow", "core", "browser")


def _measure_machine():
    """Return the processor seconds of a fixed piece of work, the least of five runs."""

    def measure():
        start = time.process_time()
        sum(number * number for number in range(1_000_000))
        return time.process_time() - start

    return min(measure() for _run in range(5))


def _cpu_seconds():
    return sum(os.times()[:4])


class CostLimit:
    """Fail tests without a marker for their cost that take longer than the limit."""

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
    """Return whether a test is marked, or a property with more examples than by default."""
    is_property = getattr(item.obj, "is_hypothesis_test", False)
    is_longer = os.environ.get("HYPOTHESIS_PROFILE", "dev") != "dev"
    return any(map(item.get_closest_marker, COSTLY_MARKERS)) or (is_property and is_longer)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests that start real processes as slow."""
    for item in items:
        if "sites" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


def pytest_configure(config):
    config.pluginmanager.register(CostLimit(), "cost-limit")
