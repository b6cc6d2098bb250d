"""Migrate a site with all published data while readers use it: `make migration-test`.

The last migrations are reverted and applied again while readers request uncached pages. No reader
may get an error or have to wait until a migration ends.
"""

import http.client
import itertools
import sys
import threading
import time

from tests.benchmarks.__main__ import VOTES
from tests.benchmarks.readers import COW
from tests.failover_test import ask
from tests.live_site import site_of_its_own
from tests.process_utils import free_port

#: Migrations after this one change nothing that public pages need.
BACK_TO = "0012"
READERS = 4
PAGES = (
    *("/en/countries/russia/allies/", "/en/votes/?country=CHN&role=for", "/id/"),
    *("/en/events/", "/en/search/?q=pact", "/api/v1/participations"),
)


class Readers:
    """Readers in threads who request pages all the time, with their waiting times and errors."""

    def __init__(self, port):
        self.port = port
        self.waits, self.errors = [], []
        self._numbers = itertools.count()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._read, daemon=True) for _ in range(READERS)]
        for thread in self._threads:
            thread.start()

    def _read(self):
        while not self._ended.is_set():
            number = next(self._numbers)
            path = PAGES[number % len(PAGES)]
            if "/api/" not in path:
                path = f"{path}{'&' if '?' in path else '?'}utm_source={number}"
            began = time.monotonic()
            try:
                status, _text, _headers = ask(self.port, path)
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(f"{type(error).__name__} at {path}")
            else:
                self.waits.append((began, time.monotonic() - began))
                if status != 200:
                    self.errors.append(f"{status} at {path}")

    def longest(self, since, until):
        """Return the longest wait in seconds of requests that overlap this period."""
        return max((w for began, w in self.waits if began < until and began + w > since), default=0)

    def stop(self):
        self._ended.set()
        for thread in self._threads:
            thread.join(60)


def main():
    if not (VOTES.is_dir() and COW.is_file()):
        raise SystemExit("The published data is not beside this checkout.")
    with site_of_its_own("migrate") as site:
        votes = VOTES / "un_votes.csv.gz"
        site.manage("import_cow_alliances", COW, "--commit", "--accept-terms")
        site.manage("import_un_votes", VOTES / "un_roll_calls.csv", votes, "--commit")
        site.shell("from allies.tasks import refresh_statistics; refresh_statistics.call()")
        port = free_port()
        site.web(port, workers=1)
        readers = Readers(port)
        time.sleep(10)
        began = time.monotonic()
        site.manage("migrate", "allies", BACK_TO, "-v0")
        turned = time.monotonic()
        site.manage("migrate", "-v0")
        ended = time.monotonic()
        time.sleep(5)
        readers.stop()
        spans = {
            "before": (began - 10, began),
            f"back to {BACK_TO}": (began, turned),
            "and forth again": (turned, ended),
        }
        kind = "PostgreSQL" if site.environment.get("DATABASE_URL") else "SQLite"
        print(f"{kind}, 876,000 records, {READERS} readers, {len(readers.waits)} pages")
        for name, (since, until) in spans.items():
            longest = readers.longest(since, until)
            print(f"  {name}: {until - since:.1f} s, longest wait of a reader {longest:.2f} s")
        print(f"  errors readers saw: {len(readers.errors)}", *readers.errors[:5])
        return bool(readers.errors)


if __name__ == "__main__":
    sys.exit(main())
