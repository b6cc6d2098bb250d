"""Load test with 200 readers and five editors during imports and undos: `make load-test`.

It takes one minute. The site runs as `make run` starts it: two web processes with four threads
each. No reader may get an error, no edit may be lost, no page may show a part of a file, and the
counts in the end must be exact.
"""

import contextlib
import csv
import http.client
import itertools
import statistics
import sys
import threading
import time

from tests.failover_test import PASSWORD, ask, save_name, signed_in
from tests.live_site import site_of_its_own
from tests.process_utils import free_port

READERS, EDITORS, SECONDS = 200, 5, 60
PAGES = (
    *("/en/", "/id/", "/en/countries/russia/allies/", "/en/countries/china/", "/en/sources/"),
    *("/id/lists/russia-allies-in-asia/", "/en/search/?q=pact", "/en/votes.json"),
)
EVENTS = 1_000
COUNT = "/en/votes.json?country=TUV&date_after=1901-01-01&date_before=1901-12-31"


class Crowd:
    """Readers and editors in threads, with their waiting times and errors."""

    def __init__(self, port, russia):
        self.port, self.russia = port, russia
        self.waits, self.errors, self.saved, self.refused = [], [], [], []
        self.counted = set()
        self._numbers = itertools.count()
        self._ended = threading.Event()
        work = [self._read] * READERS + [self._edit] * EDITORS + [self._count]
        self._threads = [threading.Thread(target=target, daemon=True) for target in work]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._ended.set()
        for thread in self._threads:
            thread.join(60)

    def _asked(self, path):
        began = time.monotonic()
        try:
            status, text, _headers = ask(self.port, path)
        except (OSError, http.client.HTTPException) as error:
            self.errors.append(f"{type(error).__name__} at {path}")
            return ""
        self.waits.append(time.monotonic() - began)
        if status != 200:
            self.errors.append(f"{status} at {path}")
        return text

    def _read(self):
        while not self._ended.is_set():
            number = next(self._numbers)
            self._asked(PAGES[number % len(PAGES)])
            self._ended.wait(0.5)  # a person reads for a while

    def _count(self):
        """Keep counting how many events of the imported file are visible."""
        while not self._ended.is_set():
            text = self._asked(COUNT)
            self.counted.add(text.count('"crowd-'))
            self._ended.wait(0.2)

    def _edit(self):
        cookie = signed_in(self.port)
        while not self._ended.is_set():
            name = f"Rossiya {next(self._numbers)}"
            with contextlib.suppress(OSError, http.client.HTTPException):
                is_saved = save_name(self.port, cookie, self.russia, name)
                (self.saved if is_saved else self.refused).append(name)
            self._ended.wait(0.5)


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def main():
    import tests.failover_test

    tests.failover_test.PATIENCE = 60
    with site_of_its_own("crowd") as site:
        folder = site.folder
        site.shell(
            "from django.contrib.auth.models import User;"
            f"User.objects.create_superuser('ann', password='{PASSWORD}')"
        )
        events = [
            {"slug": f"crowd-{n}", "kind": "un-vote", "title_en": f"Vote {n}", "date": "1901"}
            for n in range(EVENTS)
        ]
        cited = [
            {"event": event["slug"], "source": "dw-2024-en", "stance": "supports"}
            for event in events
        ]
        parts = [
            {"event": event["slug"], "country": code, "role": "for"}
            for event in events
            for code in ("TUV", "NRU", "FJI", "WSM", "TON", "KIR", "PLW", "FSM", "MHL", "VUT")
        ]
        files = {
            name: write(folder / f"{name}.csv", rows)
            for name, rows in (("events", events), ("citations", cited), ("participations", parts))
        }
        port = free_port()
        site.web(port, workers=2)
        site.worker()
        russia = site.shell(
            "from allies.models import Country; print(Country.objects.get(alpha3='RUS').pk)"
        )
        for name in ("events", "citations"):
            site.manage("import_csv", name, files[name], "--commit")
        site.shell(
            "from allies.models import Event;"
            "Event.objects.filter(slug__startswith='crowd-').update(status='published')"
        )
        crowd = Crowd(port, russia)
        began, rounds = time.monotonic(), 0
        last = "from allies.models import Changeset as C; print(C.objects.filter(kind='import')"
        while time.monotonic() < began + SECONDS:
            site.manage("import_csv", "participations", files["participations"], "--commit")
            number = site.shell(f"{last}.order_by('pk').last().pk)")
            site.manage("undo_changeset", number, "--commit")
            rounds += 1
        crowd.stop()
        names = site.shell(
            "from allies.models import Alias;"
            "print(*Alias.objects.filter(name__startswith='Rossiya ')"
            ".values_list('name', flat=True), sep='|')"
        ).split("|")
        waits = sorted(crowd.waits)
        print(f"  {READERS} readers, {EDITORS} editors, {time.monotonic() - began:.0f} seconds")
        print(f"  pages read                 {len(waits):>8,}")
        print(f"  errors readers saw         {len(crowd.errors):>8,}")
        print(f"  median, 99 %, longest wait {statistics.median(waits):>8.2f} s"
              f" {waits[len(waits) * 99 // 100]:.2f} s {waits[-1]:.2f} s")  # fmt: skip
        print(f"  edits saved, refused, lost {len(crowd.saved):>8,} {len(crowd.refused)}"
              f" {len(set(crowd.saved) - set(names))}")  # fmt: skip
        print(f"  files applied and undone   {rounds:>8,}, counted: {sorted(crowd.counted)}")
        problems = [
            *crowd.errors[:5],
            *[f"refused: {name}" for name in crowd.refused[:5]],
            *[f"lost: {name}" for name in sorted(set(crowd.saved) - set(names))[:5]],
            *[f"half a file: {n}" for n in crowd.counted - {0, EVENTS}],
            *(["not as many aliases as were saved"] if len(names) < len(crowd.saved) else []),
        ]
        for problem in problems:
            print(problem)
        return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
