"""Benchmark pages for readers: `make bench-http`.

First, real servers as `make run` starts them, with one worker, and clients in separate processes.
The servers that are compared take turns, and each result is the median of several turns. The
baseline is ``bare.py``: Django with a single view that returns the same bytes.

Then pages rendered in this process, without the page cache: with the starter content, with COW and
all UN votes, and with ten times as many votes. The last two need the files in ``../shared/data``.
"""

import gzip
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.benchmarks.__main__ import ROOT, VOTES, Figures, median_seconds
from tests.live_site import wait_for
from tests.process_utils import free_port, listens

CLIENTS, SECONDS, TURNS = 4, 2.0, 5
ALLIES = "/en/countries/russia/allies/"
PARTS = "/api/v1/participations"
DATASETTE = ROOT / "var/tools/datasette/bin/datasette"
COW = ROOT.parent / "shared/data/cow/alliance_v4.1_by_member.csv"


class Server:
    """A web server with one worker on a free port."""

    def __init__(self, application, **environment):
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--log-level", "error"),
                *("--host", "127.0.0.1", "--port", str(self.port)),
                *("--workers", "1", "--blocking-threads", "4", application),
            ],
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        self._connected().close()

    def _connected(self):
        for _attempt in range(200):
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=30)
            except OSError:
                time.sleep(0.1)
        raise SystemExit("The server did not start")

    def get(self, path, **headers):
        """Return (head, body) of one response."""
        with self._connected() as link:
            link.sendall(request(path, **headers))
            head, _size, body = answer(link)
        return head, body

    def rate(self, path, **headers):
        """Return the responses per second that CLIENTS connections get in total."""
        asked = request(path, **headers)
        with multiprocessing.Pool(CLIENTS) as pool:
            counts = pool.starmap(_asks, [(self.port, asked)] * CLIENTS)
            # Let them end by themselves. One that is terminated may hold a lock others wait for.
            pool.close()
            pool.join()
        return sum(counts) / SECONDS

    def seconds(self, paths):
        """Return the median seconds per response; the paths are requested one after another."""
        taken = []
        with self._connected() as link:
            for path in paths:
                began = time.perf_counter()
                link.sendall(request(path))
                answer(link)
                taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    def megabytes(self):
        """Return the memory (RSS) in MB of the worker, which is a child of our process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        status = Path(f"/proc/{children.split()[0]}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def request(path, **headers):
    lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(link):
    """Read one response; return (head, total size in bytes, body)."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += link.recv(1 << 16)
    head, _blank, body = got.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    length = int(fields.get(b"content-length", 0))
    while len(body) < length:
        body += link.recv(1 << 18)
    return head, len(head) + 4 + length, body


def _asks(port, asked):
    """Repeat a request on one connection for SECONDS; return the number of responses."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        link.sendall(asked)
        _head, size, _body = answer(link)
        number, end = 0, time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            link.sendall(asked)
            left = size
            while left > 0:
                left -= len(link.recv(1 << 18))
            assert left == 0, "answers differ in length"
            number += 1
    return number


class Site:
    """A site with its data in a folder, which this process uses too."""

    def __init__(self, folder):
        os.environ["ALLIES_DATA_DIR"] = str(folder)
        self._run("migrate", "-v0")
        self._run("collectstatic", "--noinput", "-v0")
        self._run("load_demo_data")

    @staticmethod
    def _run(*args):
        done = subprocess.run(
            [sys.executable, "manage.py", *map(str, args)], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def add_published_data(self):
        self._run("import_cow_alliances", COW, "--commit", "--accept-terms")
        votes = VOTES / "un_votes.csv.gz"
        self._run("import_un_votes", VOTES / "un_roll_calls.csv", votes, "--commit")


def multiply_votes(times):
    """Copy the votes and their citations until there are ``times`` as many."""
    from django.db import connection

    with connection.cursor() as cursor:

        def highest(table):
            cursor.execute(f"SELECT MAX(id) FROM {table}")
            return cursor.fetchone()[0]

        def copy(table, what, **changed):
            described = connection.introspection.get_table_description(cursor, table)
            columns = [column.name for column in described]
            values = ", ".join(changed.get(name, f't."{name}"') for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} t {what}")

        events, parts, citations = map(
            highest, ("allies_event", "allies_participation", "allies_citation")
        )
        votes = f"SELECT id FROM allies_event WHERE kind = 'un-vote' AND id <= {events}"
        for number in range(1, times):
            copy(
                "allies_event",
                f"WHERE t.id IN ({votes})",
                id=f"t.id + {number * events}",
                slug=f"t.slug || '-{number}'",
                identifier=f"t.identifier || '-{number}'",  # each vote has one
            )
            copy(
                "allies_participation",
                f"WHERE t.event_id IN ({votes})",
                id=f"t.id + {number * parts}",
                event_id=f"t.event_id + {number * events}",
            )
            copy(
                "allies_citation",
                f"WHERE t.event_id IN ({votes})",
                id=f"t.id + {number * citations}",
                event_id=f"t.event_id + {number * events}",
            )


def rendered(address, *, counted=False):
    """Return the median seconds of an uncached page.

    With ``counted``, the memo of slow counts is emptied too, as after a change of the content.
    """
    from django.test import Client

    from allies.page_cache.memo import clear_all
    from allies.page_cache.store import page_store

    def before():
        page_store.clear()
        if counted:
            clear_all()

    client = Client(SERVER_NAME="localhost")

    def get():
        response = client.get(address)
        assert response.status_code == 200, address
        b"".join(response)

    get()
    return median_seconds(get, before=before, times=7)


def bare_server(folder, body):
    """Return a server with a single view that sends these bytes."""
    file = folder / "body.gz"
    file.write_bytes(body)
    return Server("tests.benchmarks.bare:application", BARE_BODY=str(file))


def kept(figures, folder):
    """Compare cached pages and 304 responses with a bare view."""
    site = Server("config.wsgi:application")
    head, body = site.get(ALLIES, Accept_Encoding="gzip")
    assert b"content-encoding: gzip" in head.lower()
    tag = next(line for line in head.decode().split("\r\n") if line.lower().startswith("etag"))
    tag = tag.partition(": ")[2]
    bare = bare_server(folder, body)
    try:
        rates = {"bare": [], "kept": [], "304": []}
        for _turn in range(TURNS):
            rates["bare"].append(bare.rate("/page"))
            rates["kept"].append(site.rate(ALLIES, Accept_Encoding="gzip"))
            rates["304"].append(site.rate(ALLIES, Accept_Encoding="gzip", If_None_Match=tag))
        middle = {name: statistics.median(values) for name, values in rates.items()}
        size = len(gzip.decompress(body))
        print(f"  a page of {size:,} bytes, {len(body):,} packed; requests a second:", flush=True)
        for name, value in middle.items():
            print(f"    {name:<50} {value:>12,.0f}", flush=True)
        figures.share("a kept page against a bare view", middle["kept"] / middle["bare"], 0.6)
        figures.share("an answer of 304 against it", middle["304"] / middle["bare"], 0.8)
    finally:
        bare.stop()
        site.stop()


def memory(figures):
    """Compare the memory of a web process after 1,000 and after 10,000 mixed requests.

    Every fifth page is uncached. The page cache is small, so that it is full before 1,000.
    """
    from tests.views import page_urls

    views = [*page_urls.one_of_each("en", "id")]
    site = Server("config.wsgi:application", ALLIES_PAGE_CACHE_MB="8")
    try:
        held = {}
        for number in range(1, 10_001):
            path = views[number % len(views)]
            if number % 5 == 0:
                path = f"{path}?utm_source={number}"
            site.get(path, Accept_Encoding="gzip")
            if number in (1_000, 10_000):
                held[number] = site.megabytes()
        figures.ratio(
            "memory after 10,000 requests", held[10_000] / held[1_000], 1.1, of="after 1,000"
        )
        print(f"    {held[1_000]:.0f} MB, {held[10_000]:.0f} MB", flush=True)
    finally:
        site.stop()


#: A list of UN votes filtered by country, role and dates.
EVENTS = "/en/votes/?country=CHN&role=for&date_after=1990-01-01&date_before=2019-12-31"


def raw_events(page, size=50):
    """Return the median seconds of the count and the page of EVENTS in raw SQL."""
    from django.db import connection

    asked = """
        FROM allies_event e
        WHERE e.status = 'published' AND e.date_earliest >= '1990-01-01'
          AND e.date_latest <= '2019-12-31' AND EXISTS (
            SELECT 1 FROM allies_participation p JOIN allies_country c ON c.id = p.country_id
            WHERE p.event_id = e.id AND c.alpha3 = 'CHN' AND p.role = 'for')
    """

    def ask():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) {asked}")
            cursor.fetchone()
            cursor.execute(
                f"SELECT e.* {asked} ORDER BY e.date_latest DESC NULLS FIRST, "
                f"e.date_earliest DESC, e.slug LIMIT {size} OFFSET {(page - 1) * size}"
            )
            cursor.fetchall()

    return median_seconds(ask, times=7)


def participations(figures, folder):
    """Measure two API pages of all participations: the first, and the one after 9,900 rows.

    The first is compared with the bare view. So that ours is never cached, each request starts at
    another row. Return the seconds that the first page takes in this process.
    """
    from allies.api.collections import cursor_of
    from allies.models import Participation

    site = Server("config.wsgi:application")
    _head, body = site.get(PARTS)
    bare = bare_server(folder, body)
    try:
        ours, floor = [], []
        for turn in range(TURNS):
            floor.append(bare.seconds(["/page"] * 200))
            rows = range(20 * turn, 20 * turn + 20)
            ours.append(site.seconds([f"{PARTS}?cursor={cursor_of(row)}" for row in rows]))
    finally:
        site.stop()
        bare.stop()
    page, least = map(statistics.median, (ours, floor))
    figures.ratio("participations, first page", page / least, 30, of="a bare view")
    print(f"    {page * 1000:.1f} ms; the bare view {least * 1000:.2f} ms", flush=True)
    before = Participation.objects.published().order_by("pk").values_list("pk", flat=True)[9_899]
    first, later = map(rendered, (PARTS, f"{PARTS}?cursor={cursor_of(before)}"))
    figures.ratio("participations, hundredth page", later / first, 1.5, of="its first")
    return first


def against_datasette(figures, file, ours):
    """Compare Datasette's page of participations with two facets with our first page of events.

    ``ours`` are the seconds of our page.
    """
    if not DATASETTE.exists():
        print("  Datasette is not in var/tools: that comparison is left out")
        return
    port = free_port()
    names = ("sql_time_limit_ms", "facet_time_limit_ms")
    limits = [word for name in names for word in ("--setting", name, "60000")]
    child = subprocess.Popen(
        [DATASETTE, "serve", file, "--host", "127.0.0.1", "--port", str(port), *limits],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    facets = "_facet=role&_facet=country_id&_size=50"
    address = f"http://127.0.0.1:{port}/db/allies_participation?{facets}"

    def ask():
        with urllib.request.urlopen(address) as answer:
            assert b"country_id" in answer.read()

    try:
        wait_for(lambda: listens(port))
        ask()
        theirs = median_seconds(ask, times=3)
    finally:
        child.kill()
        child.wait()
    figures.share("Datasette’s page with two facets, against ours", theirs / ours, 3)
    print(f"    {theirs * 1000:.0f} ms, {ours * 1000:.0f} ms", flush=True)


def main():
    import tests.pytest_env  # noqa: F401

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="allies-bench-") as data:
        site = Site(Path(data))
        import django

        django.setup()
        from django.db import connection

        from allies.tasks import refresh_statistics

        print(f"{connection.vendor}, medians of {TURNS} turns", flush=True)
        kept(figures, Path(data))
        memory(figures)
        starter = rendered(ALLIES)
        print(f"    {starter * 1000:.0f} ms: {ALLIES} with the starter content", flush=True)
        if not (VOTES.is_dir() and COW.is_file()):
            print("  the published data is not beside this checkout: the rest is left out")
            return bool(figures.failed)
        site.add_published_data()
        refresh_statistics.call()
        full = rendered(ALLIES)
        figures.ratio(f"{ALLIES} with 876,000 records", full / starter, 2, of="starter")
        for page in (1, 40):
            raw = raw_events(page)
            for counted, name in ((False, ""), (True, ", counted anew")):
                ours = rendered(f"{EVENTS}&page={page}", counted=counted)
                figures.ratio(f"votes filtered, page {page}{name}", ours / raw, 2, of="raw SQL")
                print(f"    {ours * 1000:.0f} ms, {raw * 1000:.0f} ms", flush=True)
        first, later = (rendered(f"/en/votes/?page={page}") for page in (1, 100))
        figures.ratio("votes, hundredth page", later / first, 1.5, of="its first")
        anew = rendered("/en/votes/", counted=True)
        parts = participations(figures, Path(data))
        if connection.vendor == "sqlite":
            against_datasette(figures, Path(data) / "db.sqlite3", first)
        multiply_votes(10)
        refresh_statistics.call()
        for address, before in ((ALLIES, full), ("/en/votes/", first), (PARTS, parts)):
            ratio = rendered(address) / before
            figures.ratio(f"{address} with ten times the votes", ratio, 1.5, of="876,000 records")
        tenfold = rendered("/en/votes/", counted=True)
        name = "/en/votes/ with ten times the votes, counted anew"
        figures.ratio(name, tenfold / anew, 1.5, of="876,000 records")
        print(f"    {tenfold * 1000:.0f} ms, {anew * 1000:.0f} ms", flush=True)
        connection.close()
    for name in figures.failed:
        print(f"Missed: {name}")
    return bool(figures.failed)


if __name__ == "__main__":
    sys.exit(main())
