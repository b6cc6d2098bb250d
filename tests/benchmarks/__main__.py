"""Benchmark imports, exports and pages: `make bench`.

Every result is a ratio within this run, of medians of three. The database is a new one: SQLite, or
with ``--postgresql`` a throwaway cluster.

The baseline ("floor") of an import uses ``csv.DictReader`` and ``bulk_create`` in batches of 1,000,
in one transaction into the same table. Foreign keys come from a dict, and there is no validation
and no history. The baseline of an export is ``csv.writer`` over a raw cursor with the same joins.

A command is measured as a separate process, including its start. Its memory is the peak.

The votes of the UN General Assembly are read from ``../shared/data``. If they are missing, a file
of the same shape and size is generated.
"""

import csv
import gc
import gzip
import io
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VOTES = ROOT.parent / "shared/data/un-votes"
ROWS, SHEET_ROWS, ROLL_CALLS, VOTERS = 20_000, 100_000, 6_203, 140
TIMES = 3


def seconds_of(work):
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_seconds(work, before=lambda: None, times=TIMES):
    """Return the median seconds of calling ``work``; ``before`` is not measured."""
    taken = []
    for _time in range(times):
        before()
        taken.append(seconds_of(work))
    return statistics.median(taken)


def command(*args):
    """Run a management command as a process; return its seconds and its peak memory in MB."""
    start = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-c", MEASURED, sys.executable, "manage.py", *map(str, args)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start, int(said.stdout) / 1024


#: Runs a command and prints its peak memory. The peak of a process includes the memory of its
#: parent at the fork, so the parent must be small.
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Figures:
    """Print results as they come, and mark those beyond their limit."""

    def __init__(self):
        self.failed = []

    def ratio(self, name, value, bound=None, of="floor"):
        self._print(name, f"{value:.2f} × {of}", value, bound, "×")

    def share(self, name, value, bound):
        """Print a result that must be at least ``bound``."""
        missed = value < bound
        if missed:
            self.failed.append(name)
        limit = f"  (at least {bound:.0%}{', MISSED' if missed else ''})"
        print(f"  {name:<52} {value:>19.0%} {limit}", flush=True)

    def memory(self, name, value, bound=None):
        self._print(name, f"{value:.0f} MB", value, bound, "MB")

    def rate(self, name, value):
        print(f"  {name:<52} {value:>12,.0f} rows/s", flush=True)

    def _print(self, name, text, value, bound, unit):
        over = bound is not None and value > bound
        if over:
            self.failed.append(name)
        limit = "" if bound is None else f"  (at most {bound:g} {unit}{', MISSED' if over else ''})"
        print(f"  {name:<52} {text:>20}{limit}", flush=True)


# Data.


def prepare():
    """Create a site with the starter content and 1,000 events."""
    from django.core.management import call_command

    from allies.models import Citation, Event, Source

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("load_demo_data", stdout=io.StringIO())
    events = Event.objects.bulk_create(
        [
            Event(
                slug=f"bench-{n}",
                kind="un-vote",
                title_en=f"Vote {n}",
                date="1990-01-01",
                status="published",
            )
            for n in range(1000)
        ]
    )
    source = Source.objects.get(key="wp-es-11-1")
    Citation.objects.bulk_create([Citation(source=source, event=event) for event in events])


def codes():
    from allies.models import Country

    return list(Country.objects.exclude(alpha3="").values_list("alpha3", flat=True)[:100])


def some_rows(number):
    return (
        [f"bench-{event}", code, "for"]
        for event, code in itertools.product(range(number // 100), codes())
    )


def write_file(path):
    """Write 20,000 participations: 200 events, each with 100 countries."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["event", "country", "role"])
        writer.writerows(some_rows(ROWS))


def write_sheet(path):
    """Write 100,000 participations as XLSX."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("participations")
    sheet.append(["event", "country", "role"])
    for row in some_rows(SHEET_ROWS):
        sheet.append(row)
    book.save(path)


def votes(folder):
    """Return the files of roll calls and of votes."""
    rolls, cast = folder / "un_roll_calls.csv", folder / "un_votes.csv"
    if VOTES.is_dir():
        shutil.copy(VOTES / "un_roll_calls.csv", rolls)
        with gzip.open(VOTES / "un_votes.csv.gz") as packed, cast.open("wb") as file:
            shutil.copyfileobj(packed, file)
        return rolls, cast
    from allies.models import Country

    names = list(Country.objects.exclude(alpha3="").values_list("name_en", "alpha2")[:VOTERS])
    with rolls.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rcid", "date", "short", "descr"])
        writer.writerows([n, "1990-01-01", f"Vote {n}", "About it."] for n in range(ROLL_CALLS))
    with cast.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rcid", "country", "country_code", "vote"])
        writer.writerows([n, name, code, "yes"] for n in range(ROLL_CALLS) for name, code in names)
    return rolls, cast


# Baselines.


def floor_import(path, events, countries, roles, columns):
    """Import participations with as little code as possible."""
    from django.db import transaction

    from allies.models import Participation

    event, country, role = columns
    with path.open(newline="", encoding="utf-8") as file, transaction.atomic():
        chunk = []
        for row in csv.DictReader(file):
            chunk.append(
                Participation(
                    event_id=events[row[event]],
                    country_id=countries[row[country]],
                    role=roles[row[role]],
                )
            )
            if len(chunk) == 1000:
                Participation.objects.bulk_create(chunk)
                chunk = []
        Participation.objects.bulk_create(chunk)


def plain_floor(path):
    from allies.models import Country, Event

    floor_import(
        path,
        dict(Event.objects.values_list("slug", "pk")),
        dict(Country.objects.values_list("alpha3", "pk")),
        {"for": "for"},
        ("event", "country", "role"),
    )


def votes_floor(rolls, cast):
    """Return a function that imports roll calls and votes with as little code as possible."""
    from django.db import transaction

    from allies.imports.references import CountryIndex
    from allies.models import Event

    with cast.open(newline="", encoding="utf-8") as file:
        names = {row["country"] for row in csv.DictReader(file)}
    index = CountryIndex()
    countries = {name: index.find(f"name:{name}").pk for name in names}

    def work():
        with rolls.open(newline="", encoding="utf-8") as file, transaction.atomic():
            Event.objects.bulk_create(
                Event(slug=f"floor-{row['rcid']}", kind="un-vote", date=row["date"])
                for row in csv.DictReader(file)
            )
        events = {
            slug.removeprefix("floor-"): pk
            for slug, pk in Event.objects.filter(slug__startswith="floor-").values_list(
                "slug", "pk"
            )
        }
        roles = {"yes": "for", "no": "against", "abstain": "abstained"}
        floor_import(cast, events, countries, roles, ("rcid", "country", "vote"))

    return work


def clear(prefix):
    from allies.models import Changeset, Event, Participation

    events = Event.objects.filter(slug__startswith=prefix)
    Participation.objects.filter(event__in=events)._raw_delete("default")
    Participation.history.all()._raw_delete("default")
    Changeset.objects.exclude(reason="Starter content").delete()
    if prefix != "bench-":
        events._raw_delete("default")


JOINS = (
    "SELECT e.slug, c.alpha3, p.role FROM allies_participation p "
    "JOIN allies_event e ON e.id = p.event_id "
    "JOIN allies_country c ON c.id = p.country_id ORDER BY e.slug, c.slug, p.role"
)


def floor_export():
    from django.db import connection, transaction

    out = csv.writer(Discard())
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(JOINS)
            while rows := cursor.fetchmany(2000):
                out.writerows(rows)
    else:
        out.writerows(connection.connection.execute(JOINS))


class Discard:
    def write(self, text):
        return len(text)


# Our code.


def look_and_apply(path, plan_path):
    """Preview a file, keeping the result of each row, and apply it, as the admin does."""
    from allies.imports.own_csv import read_csv
    from allies.imports.plan import Plan
    from allies.imports.plan_builder import import_state, make_plan
    from allies.imports.resources import RESOURCES
    from allies.imports.runner import apply_plan
    from allies.models import Changeset

    rows = read_csv(path, RESOURCES["participations"]().columns)
    with Plan(plan_path, keep_rows=True) as plan:
        state = import_state(["participations"])
        reports = make_plan(plan, [("participations", rows)])
        plan.digest()
        plan.finish()
    with Plan.open(plan_path) as plan:
        apply_plan(plan, Changeset(reason="bench"), reports, state=state)
    assert reports[0].created == ROWS


def same_again(path):
    from allies.imports.own_csv import read_csv
    from allies.imports.resources import RESOURCES
    from allies.imports.runner import run_import

    rows = read_csv(path, RESOURCES["participations"]().columns)
    (report,) = run_import([("participations", rows)], commit=True)
    assert report.unchanged == ROWS


def our_export():
    from allies.exports.record_type import export_csv

    for _text in export_csv("participations"):
        pass


# The run.


def generic(figures, folder):
    from allies.models import Participation

    path = folder / "participations.csv"
    write_file(path)
    floor = median_seconds(lambda: plain_floor(path), before=lambda: clear("bench-"))
    figures.rate("floor of an import, 20,000 participations", ROWS / floor)
    both = median_seconds(
        lambda: look_and_apply(path, folder / "plan"), before=lambda: clear("bench-")
    )
    figures.ratio("preview and apply, validated, history and undo kept", both / floor, 3)
    versions = Participation.history.count()
    again = median_seconds(lambda: same_again(path))
    assert Participation.history.count() == versions
    figures.ratio("the same file again, no row written", again / floor, 1)
    clear("bench-")


def large(figures, folder):
    from allies.models import Changeset, Participation
    from allies.tasks import refresh_statistics

    rolls, cast = votes(folder)
    floor = median_seconds(votes_floor(rolls, cast), before=lambda: clear("floor-"))
    rows = Participation.objects.filter(event__slug__startswith="floor-").count()
    figures.rate(f"floor of an import, {rows:,} votes", rows / floor)
    clear("floor-")
    imports, undos = [], []
    for _time in range(TIMES):
        imports.append(command("import_un_votes", rolls, cast, "--commit"))
        number = Changeset.objects.latest("pk").pk
        if len(imports) < TIMES:
            undos.append(command("undo_changeset", number, "--commit"))
    refresh_statistics.call()  # as the job worker does
    export(figures, rows)
    pages(figures)
    undos.append(command("undo_changeset", number, "--commit"))
    figures.ratio("import_un_votes --commit", _median(imports, 0) / floor, 1.5)
    figures.memory("import_un_votes --commit, memory", max(m for _s, m in imports), 250)
    figures.ratio("undo of it", _median(undos, 0) / floor, 1.5)
    figures.memory("undo of it, memory", max(m for _s, m in undos))


def _median(pairs, place):
    return statistics.median(pair[place] for pair in pairs)


def export(figures, rows):
    floor = median_seconds(floor_export)
    figures.rate(f"floor of an export, {rows:,} participations", rows / floor)
    figures.ratio("export as CSV", median_seconds(our_export) / floor, 3)
    _seconds, memory = command("export_csv", "participations")
    figures.memory("export as CSV, memory", memory, 120)


def sheet(figures, folder):
    path = folder / "participations.xlsx"
    write_sheet(path)
    _seconds, memory = command("import_csv", "participations", path, "--commit")
    figures.memory("XLSX import of 100,000 rows, memory", memory, 300)
    clear("bench-")


def pages(figures):
    from django.test import Client

    client = Client(SERVER_NAME="localhost")

    def page(address):
        def get():
            response = client.get(address)
            assert response.status_code == 200
            b"".join(response)

        get()
        return median_seconds(get, times=9)

    bare = page("/en/sources/rferl-2023/")
    for address in (
        "/en/",
        "/en/lists/russia-allies-in-asia/",
        "/en/countries/russia/allies/",
        "/en/votes/?country=CHN&role=for",
        "/en/countries/",
    ):
        figures.ratio(f"{address}, with them", page(address) / bare, of="a source’s page")


def main():
    # Importing this creates a temporary data folder and, with --postgresql, a cluster.
    import tests.pytest_env  # noqa: F401

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.db import connection

    with tempfile.TemporaryDirectory(prefix="allies-bench-") as data:
        prepare()
        print(f"{connection.vendor}, medians of {TIMES}", flush=True)
        figures = Figures()
        generic(figures, Path(data))
        sheet(figures, Path(data))
        large(figures, Path(data))
    connection.close()
    for name in figures.failed:
        print(f"Missed: {name}")
    return bool(figures.failed)


if __name__ == "__main__":
    sys.exit(main())
