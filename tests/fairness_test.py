"""Clients download all the time while others read pages: `make fairness-test`.

The site runs as `make run` starts it, with all published data: two web processes with four threads
each. First, 16 connections from one address request a large download, then 16 addresses do. Other
clients must get cached and uncached pages in time, and each download must still be complete.
"""

import contextlib
import http.client
import io
import itertools
import multiprocessing
import statistics
import sys
import threading
import time
import zipfile
from collections import Counter

from tests.benchmarks.__main__ import VOTES
from tests.benchmarks.readers import COW
from tests.live_site import site_of_its_own
from tests.process_utils import free_port

CONNECTIONS, SECONDS = 16, 20
DOWNLOAD = "/en/events.zip"
CACHED, UNCACHED = "/en/countries/russia/allies/", "/en/events/?utm_source={number}"
#: Maximum median seconds of a page while others download.
BOUNDS = {"cached": 0.2, "uncached": 1.0}
#: Timeout of a request in seconds.
PATIENCE = 120


def ask(link, path, client):
    """Return (status, headers, body) of a request as a proxy would forward it for ``client``."""
    link.request("GET", path, headers={"Host": "localhost", "X-Forwarded-For": client})
    found = link.getresponse()
    return found.status, found.headers, found.read()


def download(port, addresses, ended, results):
    """Request the download on a connection per address until ``ended`` is set.

    Puts (number of responses by status, number of errors by description) into ``results``.
    """
    answers, errors, lock = Counter(), Counter(), threading.Lock()

    def work(client):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while not ended.is_set():
            try:
                status, headers, body = ask(link, DOWNLOAD, client)
            except (OSError, http.client.HTTPException) as error:
                status, problem = 0, type(error).__name__
                link.close()
            else:
                problem = wrong_with(status, headers, body)
            with lock:
                answers[status] += 1
                if problem:
                    errors[problem] += 1
        link.close()

    threads = [threading.Thread(target=work, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    results.put((answers, errors))


def wrong_with(status, headers, body):
    """Return a description of what is wrong with a download's response, or None."""
    if status == 200:
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                return archive.testzip() and "a damaged file in the archive"
        except zipfile.BadZipFile:
            return "an incomplete archive"
    if status in (429, 503):
        return None if headers["Retry-After"] else f"{status} without Retry-After"
    return f"status {status}"


class Readers:
    """Two readers in threads: one requests cached pages, the other uncached ones."""

    _numbers = itertools.count()

    def __init__(self, port):
        self.port = port
        self.waits = {"cached": [], "uncached": []}
        self.errors = Counter()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(kind,)) for kind in self.waits]
        for thread in self._threads:
            thread.start()

    def _read(self, kind):
        while not self._ended.is_set():
            number = next(self._numbers)
            path = CACHED if kind == "cached" else UNCACHED.format(number=number)
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            began = time.perf_counter()
            try:
                # The addresses take turns, so that the rate limit has no effect.
                status, _headers, _body = ask(link, path, f"198.51.100.{number % 50}")
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
            finally:
                link.close()
            self.waits[kind].append(time.perf_counter() - began)
            if status != 200:
                self.errors[status] += 1
            self._ended.wait(0.1)

    def stop(self):
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE)


def measure(port, name, addresses):
    """Measure pages while ``addresses`` download; print the results and return the problems."""
    context = multiprocessing.get_context("spawn")
    ended, results = context.Event(), context.Queue()
    others = context.Process(target=download, args=(port, addresses, ended, results))
    if addresses:
        others.start()
        time.sleep(3)
    readers = Readers(port)
    time.sleep(SECONDS)
    readers.stop()
    problems = [f"{name}: a reader got {status}" for status in readers.errors]
    print(f"  {name}")
    for kind, waits in readers.waits.items():
        waits.sort()
        median, late = statistics.median(waits), waits[len(waits) * 99 // 100]
        print(
            f"    {kind:<9} page: median {median:.3f} s, 99 % {late:.3f} s, {len(waits)} answers",
            flush=True,
        )
        if median > BOUNDS[kind]:
            problems.append(f"{name}: the median of the {kind} page is {median:.2f} s")
    if addresses:
        ended.set()
        answers, errors = results.get(timeout=2 * PATIENCE)
        others.join()
        told = ", ".join(f"{answers[status]} × {status}" for status in sorted(answers))
        print(f"    downloads: {told}", flush=True)
        problems += [f"{name}: {error}" for error in errors]
        if answers[200] < 2:
            problems.append(f"{name}: {answers[200]} complete downloads")
    return problems


def add_published_data(site):
    """Import the published data in the folder next to this checkout."""
    votes = VOTES / "un_votes.csv.gz"
    site.manage("import_cow_alliances", COW, "--commit", "--accept-terms")
    site.manage("import_un_votes", VOTES / "un_roll_calls.csv", votes, "--commit")
    site.shell("from allies.tasks import refresh_statistics; refresh_statistics.call()")


def main():
    if not (VOTES.is_dir() and COW.is_file()):
        raise SystemExit("The published data is not beside this checkout.")
    with site_of_its_own("fairness") as site:
        add_published_data(site)
        return run(site)


def run(site):
    site.environment["ALLIES_BEHIND_PROXY"] = "true"
    port = free_port()
    site.web(port, workers=2)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as link:
        began = time.perf_counter()
        _status, _headers, body = ask(link, DOWNLOAD, "203.0.113.1")
        took = time.perf_counter() - began
    kind = "PostgreSQL" if site.environment.get("DATABASE_URL") else "SQLite"
    print(f"{kind}, all published data; {DOWNLOAD} alone: {len(body):,} bytes in {took:.1f} s")
    problems = [
        *measure(port, "nobody downloads", []),
        *measure(port, f"{CONNECTIONS} connections of one address", ["203.0.113.9"] * CONNECTIONS),
        *measure(
            port,
            f"{CONNECTIONS} addresses at once",
            [f"203.0.113.{20 + number}" for number in range(CONNECTIONS)],
        ),
    ]
    for problem in problems:
        print(f"Missed: {problem}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
