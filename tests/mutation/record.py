"""Record which test runs which lines of the mutated modules, and how long each test takes.

A pytest plugin (``-p tests.mutation.record``). It writes one JSON file per test file to the store:
``{"of": hash, "seconds": {test: seconds}, "lines": {module: {text of a line: [test]}}}``. Lines are
identified by their text, not by their number, so that a record stays valid after edits above them.
Tests that fail are left out, and tests that use other processes, in which there are no mutants.
"""

import hashlib
import json
import re
import time
from collections import defaultdict

import coverage
import pytest

from tests.mutation.targets import ROOT, STORE, modules

#: Fixtures of tests that use other processes or threads, or that empty the database at the end.
ELSEWHERE = {"live_site", "live_site_factory", "chromium", "live_server", "transactional_db"}


def hash_of(test_file):
    """Return the SHA-256 of a test file. A record with another hash is outdated."""
    return hashlib.sha256((ROOT / test_file).read_bytes()).hexdigest()


def record_of(test_file):
    """Return the path of the record of a test file."""
    return STORE / f"{test_file.removesuffix('.py').replace('/', '.')}.json"


def _is_elsewhere(item):
    marker = item.get_closest_marker("django_db")
    empties = marker is not None and marker.kwargs.get("transaction")
    return empties or bool(ELSEWHERE & set(item.fixturenames))


class Recorder:
    def __init__(self):
        self.seconds = {}
        self.failed = set()
        self.coverage = coverage.Coverage(
            data_file=None, include=[str(ROOT / module) for module in modules()]
        )
        self.coverage.start()

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if not _is_elsewhere(item)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item, nextitem):
        self.coverage.switch_context(item.nodeid)
        before = time.process_time()  # does not depend on the load of the machine
        result = yield
        self.seconds[item.nodeid] = round(time.process_time() - before, 3)
        if nextitem is None or nextitem.location[0] != item.location[0]:
            self.write(item.location[0])
        return result

    def pytest_runtest_logreport(self, report):
        if not report.passed:
            self.failed.add(report.nodeid)

    def write(self, file):
        """Write the record of a test file, and reset the recorded times."""
        ran = self.coverage.get_data()
        ran.set_query_contexts([f"^{re.escape(file)}::"])
        lines = defaultdict(lambda: defaultdict(set))
        for module in modules():
            texts = (ROOT / module).read_text().splitlines()
            for number, tests in ran.contexts_by_lineno(str(ROOT / module)).items():
                if 0 < number <= len(texts):
                    lines[module][texts[number - 1].strip()] |= set(tests) - self.failed
        seconds = {test: took for test, took in self.seconds.items() if test not in self.failed}
        record = {"of": hash_of(file), "seconds": seconds, "lines": lines}
        STORE.mkdir(parents=True, exist_ok=True)
        record_of(file).write_text(json.dumps(record, default=sorted))
        self.seconds = {}


def pytest_configure(config):
    config.pluginmanager.register(Recorder())
