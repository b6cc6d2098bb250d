"""A full disk, a read-only disk, and writes that must reach the disk."""

import shutil
import sqlite3
import subprocess

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.urls import reverse

from allies.admin.save_or_propose import EditingMixin
from tests import factories
from tests.imports.files import write
from tests.live_site import answer

COUNT = (
    "from allies.models import *;"
    "print(Participation.objects.filter(role='target').count(),"
    " Participation.history.filter(role='target').count(), Changeset.objects.applied().count())"
)


@pytest.mark.slow
def test_import_on_a_full_disk_leaves_no_rows(live_site, tmp_path):
    before = live_site.shell(COUNT)
    rows = [
        {"event": event, "country": code, "role": "target"}
        for event in live_site.shell(
            "from allies.models import *; print(*Event.objects.values_list('slug', flat=True))"
        ).split()
        for code in ("FRA", "DEU", "POL", "ITA", "ESP", "PRT", "NLD", "BEL", "LUX", "AUT")
    ]
    file = write(tmp_path / "rows.csv", rows)
    taken = sum(path.stat().st_size for path in live_site.folder.glob("db.sqlite3*"))
    for room in (taken + 4_096, taken + 65_536, 40_000, 8_192):
        said = live_site.manage(
            *("import_csv", "participations", file, "--commit"), check=False, room=room
        )
        if live_site.shell(COUNT) != before:
            break  # there was enough space
        assert "full" in said or "space" in said or "disk" in said, said
        assert "Traceback" not in said
    else:
        said = live_site.manage("import_csv", "participations", file, "--commit")
    assert "undo_changeset" in said  # printed only after the commit
    there, versions, _applied = map(int, live_site.shell(COUNT).split())
    assert there == versions == len(rows)


def _fill_sqlite():
    with sqlite3.connect(":memory:") as full:
        full.execute("CREATE TABLE text (body)")
        full.execute("PRAGMA max_page_count = 3")
        full.execute("INSERT INTO text VALUES (zeroblob(100000))")


def _fill_postgresql():
    raise psycopg.errors.DiskFull


def _lose_database():
    raise psycopg.errors.AdminShutdown


@pytest.mark.usefixtures("demo_data")
@pytest.mark.parametrize(
    ("fail", "said", "unsaid"),
    [
        (_fill_sqlite, "disk is full", "database is not available"),
        (_fill_postgresql, "disk is full", "database is not available"),
        (_lose_database, "database is not available", "disk is full"),
    ],
)
def test_form_on_a_full_disk_gets_503_that_says_so(fail, said, unsaid, client, monkeypatch):
    def save(*_args):
        try:
            fail()
        except (sqlite3.OperationalError, psycopg.OperationalError) as error:
            raise OperationalError from error

    client.force_login(User.objects.create_superuser("root"))
    client.raise_request_exception = False
    address = reverse("admin:allies_event_change", args=[factories.event().pk])
    monkeypatch.setattr(EditingMixin, "_saved", save)
    answer = client.post(address, {"title_en": "Typed"})
    assert answer.status_code == 503
    page = answer.content.decode()
    assert said in page
    assert unsaid not in page
    assert "your last change was not saved" in page


@pytest.fixture
def unwritable(live_site):
    """Return a command prefix under which the site's data folder is read-only."""
    folder = live_site.folder
    alone = [shutil.which("unshare"), "-m", "sh", "-c"]
    bind = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    if not alone[0] or subprocess.run([*alone, bind], capture_output=True).returncode:
        pytest.skip("this kernel lets nobody here make a folder read-only")
    return [*alone, f'{bind} && exec "$0" "$@"']


@pytest.mark.slow
def test_pages_work_on_a_read_only_disk_with_postgresql(live_site, unwritable):
    """SQLite cannot read from a read-only folder, so all pages are 503 error pages there."""
    live_site.environment["ALLIES_METRICS_TOKEN"] = "a token that is long enough for a test"
    server = live_site.serve(unwritable, is_well=False)
    has_its_own = bool(live_site.environment.get("DATABASE_URL"))
    for path in ("/en/", "/id/countries/russia/allies/", "/en/search/?q=pact"):
        status, headers, text = answer(f"{server}{path}")
        if has_its_own:
            assert status == 200, path
        else:
            assert (status, headers["Retry-After"]) == (503, "10")
            assert "</html>" in text
    assert answer(f"{live_site.serve()}/en/")[0] == 200  # nothing was damaged


@pytest.mark.slow
def test_sqlite_writes_to_the_disk_before_it_confirms(live_site):
    """Otherwise a power failure could lose changes that were confirmed as saved."""
    if live_site.environment.get("DATABASE_URL"):
        pytest.skip("whether PostgreSQL waits for its disk is for its own settings to say")
    full = 2
    asked = "cursor = connection.cursor(); cursor.execute('PRAGMA synchronous')"
    said = live_site.shell(f"from django.db import connection; {asked}; print(*cursor.fetchone())")
    assert said == f"{full}"
