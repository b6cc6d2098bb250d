"""Measure imports, exports and pages: `make bench`.

Every figure is a ratio within this run, the median of three, on the database the environment names
(SQLite by default) in a folder of its own. The floor of an import is plain ``csv.DictReader`` and
``bulk_create`` in chunks of 1,000 in one transaction into the same table, foreign keys from a
dict, with no validation and no history; the floor of an export is ``csv.writer`` over a raw cursor
with the same joins.
"""

import csv
import gc
import io
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROWS = 20_000


def median_seconds(work, before=lambda: None, times=3):
    """Return the median of the seconds ``work`` takes; ``before`` is not counted."""
    taken = []
    for _time in range(times):
        before()
        gc.collect()
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prepare():
    """Make a site with the starter content and enough events to take part in."""
    from django.core.management import call_command

    from allies.models import Citation, Event, Source

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("load_starter", stdout=io.StringIO())
    events = Event.objects.bulk_create(
        [
            Event(
                slug=f"bench-{n}",
                kind="un-vote",
                title_en=f"Vote {n}",
                date="1990-01-01",
                status="published",
            )
            for n in range(200)
        ]
    )
    source = Source.objects.get(key="wp-es-11-1")
    Citation.objects.bulk_create([Citation(source=source, event=event) for event in events])


def write_file(path):
    """Write 20,000 participations: 200 events, each with 100 countries."""
    from allies.models import Country

    codes = list(Country.objects.exclude(alpha3="").values_list("alpha3", flat=True)[:100])
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["event", "country", "role"])
        writer.writerows(
            [f"bench-{n}", code, "for"] for n in range(ROWS // len(codes)) for code in codes
        )


def floor_import(path):
    from django.db import transaction

    from allies.models import Country, Event, Participation

    events = dict(Event.objects.values_list("slug", "pk"))
    countries = dict(Country.objects.values_list("alpha3", "pk"))
    with path.open(newline="") as file, transaction.atomic():
        chunk = []
        for row in csv.DictReader(file):
            chunk.append(
                Participation(
                    event_id=events[row["event"]],
                    country_id=countries[row["country"]],
                    role=row["role"],
                )
            )
            if len(chunk) == 1000:
                Participation.objects.bulk_create(chunk)
                chunk = []
        Participation.objects.bulk_create(chunk)


def our_import(path, commit=True):
    from allies.exchange.reader import read_csv
    from allies.exchange.resources import NOUNS
    from allies.exchange.runner import run_import

    columns = NOUNS["participations"]().columns
    (report,) = run_import([("participations", read_csv(path, columns))], commit=commit)
    assert report.ok and report.rows == ROWS


def clear():
    from allies.models import Event, Participation

    bench = Event.objects.filter(slug__startswith="bench-")
    Participation.objects.filter(event__in=bench)._raw_delete("default")
    Participation.history.all()._raw_delete("default")


def floor_export():
    from django.db import connection

    out = csv.writer(io.StringIO())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.slug, c.alpha3, p.role FROM allies_participation p "
            "JOIN allies_event e ON e.id = p.event_id "
            "JOIN allies_country c ON c.id = p.country_id ORDER BY e.slug, c.slug, p.role"
        )
        while rows := cursor.fetchmany(2000):
            out.writerows(rows)


def our_export():
    from allies.exchange.export import export_csv

    for _line in export_csv("participations"):
        pass


def main():
    with tempfile.TemporaryDirectory(prefix="allies-bench-") as data:
        os.environ["ALLIES_DATA_DIR"] = data
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ["ALLIES_SECRET_KEY"] = "bench"
        import django

        django.setup()
        from django.db import connection
        from django.test import Client

        prepare()
        path = Path(data) / "participations.csv"
        write_file(path)
        print(f"{connection.vendor}, {ROWS:,} participations, medians of three")

        floor = median_seconds(lambda: floor_import(path), before=clear)
        clear()
        look = median_seconds(lambda: our_import(path, commit=False))
        apply = median_seconds(lambda: our_import(path), before=clear)
        again = median_seconds(lambda: our_import(path))
        print(f"  import floor                   {ROWS / floor:>9,.0f} rows/s")
        print(f"  look at it, write nothing      {look / floor:>9.2f} × floor")
        print(f"  apply, validated, with history {apply / floor:>9.2f} × floor")
        print(f"  the same file again            {again / floor:>9.2f} × floor")

        raw = median_seconds(floor_export)
        ours = median_seconds(our_export)
        print(f"  export floor                   {ROWS / raw:>9,.0f} rows/s")
        print(f"  export                         {ours / raw:>9.2f} × floor")

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
            "/en/events/?country=CHN&role=for",
            "/en/countries/",
        ):
            print(f"  {address:<34} {page(address) / bare:>5.1f} × a source’s page")
        print(f"  peak memory                    {peak_megabytes():>9.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
