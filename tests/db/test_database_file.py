"""An SQLite database whose file is removed, replaced or damaged while the site runs.

Edits get a 503 page that explains this, /readyz names the file, and no edit is accepted and then
lost. PostgreSQL looks after its own files.
"""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from django.db import connections

from allies.db.sqlite.base import DatabaseWrapper
from allies.db.sqlite.database_file import DatabaseFileError
from tests.failover_test import PASSWORD, ask, save_name, signed_in
from tests.live_site import ROOT, answer, wait_for

NAMES = (
    "from allies.models import Alias;"
    "print(*Alias.objects.filter(name__startswith='Rossiya ').values_list('name', flat=True),"
    " sep='|')"
)
RUSSIA = "from allies.models import Country; print(Country.objects.get(alpha3='RUS').pk)"
JOB = "from allies.tasks import refresh_statistics; print(refresh_statistics.enqueue().id)"


@pytest.fixture
def running(live_site):
    """Return a running site, its address, and a Save of a signed-in user."""
    if live_site.environment.get("DATABASE_URL"):
        pytest.skip("PostgreSQL keeps its own files")
    live_site.shell(
        "from django.contrib.auth.models import User;"
        f"User.objects.create_superuser('ann', password='{PASSWORD}')"
    )
    russia = live_site.shell(RUSSIA)
    address = live_site.serve()
    port = int(address.rpartition(":")[2])
    return live_site, address, Save(port, signed_in(port), russia)


class Save:
    """Save an alias of a country in the admin; return True if it was saved."""

    def __init__(self, port, cookie, country):
        self._port, self._cookie, self._country = port, cookie, country

    def __call__(self, name):
        return save_name(self._port, self._cookie, self._country, name)

    def send(self, name):
        """Return (status, text, headers) of the response."""
        form = {"country": self._country, "name": name, "_save": "1"}
        path = "/en/admin/allies/alias/add/"
        return ask(self._port, path, form=form, cookie=self._cookie)


def database(site):
    return site.folder / "db.sqlite3"


def remove(site):
    database(site).rename(site.folder / "elsewhere")


def replace(site):
    shutil.copy(database(site), site.folder / "other")
    (site.folder / "other").replace(database(site))


def truncate(site):
    os.truncate(database(site), database(site).stat().st_size // 2)


def empty(site):
    os.truncate(database(site), 0)


def overwrite_all(site):
    with database(site).open("r+b") as file:
        file.write(random.Random(1).randbytes(database(site).stat().st_size))


def rename_folder(site):
    site.folder.rename(site.folder.with_name("moved"))


def remove_wal(site):
    (site.folder / "db.sqlite3-wal").unlink()


def empty_wal(site):
    os.truncate(site.folder / "db.sqlite3-wal", 0)


def remove_shm(site):
    (site.folder / "db.sqlite3-shm").unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (remove, "no longer exists"),
        (rename_folder, "no longer exists"),
        (replace, "was replaced by another file"),
        (truncate, "was truncated"),
        (empty, "was truncated"),
        (overwrite_all, "is not an SQLite database|is damaged"),
        (remove_wal, "has lost its -wal file"),
        (remove_shm, "has lost its -shm file"),
        (empty_wal, "has lost a part of its -wal file"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_edits_are_refused_and_readyz_says_why(running, spoil, said):
    site, address, save = running
    assert save("Rossiya 1")
    assert answer(f"{address}/readyz")[0] == 200
    spoil(site)
    status, text, headers = save.send("Rossiya 2")
    assert (status, headers["Retry-After"]) == (503, "10")
    assert "your last change was not saved" in text
    status, _headers, text = answer(f"{address}/readyz")
    assert status == 503
    assert re.search(said, text), text
    # Readers get no content from a file that may be lost.
    assert answer(f"{address}/en/countries/russia/")[0] == 503
    if spoil is remove:
        # Neither this process nor another one has created an empty database in its place.
        assert "does not exist" in site.manage("createsuperuser", check=False)
        assert not database(site).exists()


@pytest.fixture
def connect(db, tmp_path):
    """Return a function that opens a new connection to one new database."""
    options = connections["default"].settings_dict | {
        "NAME": tmp_path / "db.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"},
    }
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE t (a)")
    opened = []

    def new():
        opened.append(DatabaseWrapper(options, "default"))
        opened[-1].inc_thread_sharing()
        opened[-1].ensure_connection()
        return opened[-1]

    yield new
    for each in opened:
        each.close()


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_connection_opened_after_loss_is_refused(connect, tmp_path, end):
    first = connect()
    first.cursor().execute("INSERT INTO t VALUES (1)")
    first.close()
    (tmp_path / f"db.sqlite3{end}").unlink()
    with pytest.raises(DatabaseFileError, match=f"has lost its {end} file"):
        connect()
    # No new file took the place of the one that this process still has.
    assert not (tmp_path / f"db.sqlite3{end}").exists()
    with closing(sqlite3.connect(f"file:{tmp_path}/db.sqlite3?immutable=1", uri=True)) as copy:
        assert copy.execute("SELECT a FROM t").fetchall() == [(1,)]


@pytest.mark.slow
@pytest.mark.parametrize("ends", [["-wal", "-shm"], ["-wal"], ["-shm"]], ids=str)
def test_process_started_after_loss_is_refused_and_nothing_is_lost(running, ends):
    site, address, save = running
    assert save("Rossiya 1")
    for end in ends:
        (site.folder / f"db.sqlite3{end}").unlink()
    late = "from allies.models import Alias, Country; Alias.objects.create(name='Rossiya 2', "
    late += "country=Country.objects.get(alpha3='RUS'))"
    assert "has lost its" in site.manage("shell", "-v0", "-c", late, check=False)
    assert not save("Rossiya 3")
    assert answer(f"{address}/readyz")[0] == 503
    site.stop()  # by SIGKILL
    assert site.shell(NAMES).split("|") == ["Rossiya 1"]


COME_AND_GO = """
import sys
from pathlib import Path
from allies.db.sqlite.side_files import SideFiles
files = SideFiles(Path(sys.argv[1]))
sys.exit(bool(files.find_loss()))
"""


@pytest.mark.slow
def test_processes_that_start_while_others_end_are_no_loss(connect, tmp_path):
    """The last connection removes the side files, and the next one makes new ones."""
    path = tmp_path / "db.sqlite3"

    def start():
        return subprocess.Popen([sys.executable, "-c", COME_AND_GO, path], cwd=ROOT)

    running = [start() for _number in range(6)]
    for number in range(60):
        assert running[number % 6].wait() == 0
        running[number % 6] = start()
    assert [process.wait() for process in running] == [0] * 6
    assert not (tmp_path / "db.sqlite3-wal").exists()


@pytest.mark.slow
def test_processes_that_come_and_go_are_no_loss(running):
    site, address, save = running
    site.environment["ALLIES_DATABASE_CONN_MAX_AGE"] = "0"
    other = site.serve()
    for number in range(4):
        assert save(f"Rossiya {number}")
        assert len(site.shell(NAMES).split("|")) == number + 1
    assert {answer(f"{each}/readyz")[0] for each in (address, other)} == {200}


@pytest.mark.slow
def test_file_that_is_put_back_works_and_has_every_edit(running):
    site, address, save = running
    assert save("Rossiya 1")
    remove(site)
    assert not save("Rossiya 2")
    (site.folder / "elsewhere").rename(database(site))
    assert answer(f"{address}/readyz")[0] == 200
    assert save("Rossiya 3")
    assert site.shell(NAMES).split("|") == ["Rossiya 1", "Rossiya 3"]


@pytest.mark.slow
def test_edits_from_before_the_wal_was_removed_survive_a_restart(running):
    site, _address, save = running
    assert save("Rossiya 1")
    remove_wal(site)
    assert not save("Rossiya 2")
    site.end()
    assert site.shell(NAMES).split("|") == ["Rossiya 1"]
    assert answer(f"{site.serve()}/readyz")[0] == 200


@pytest.mark.slow
def test_readyz_finds_damage_in_the_middle_of_the_file(running):
    site, address, save = running
    other = site.serve()  # a second process, which reads none of the damaged pages
    assert save("Rossiya 1")
    site.shell(  # write everything from the -wal file to the database file
        "from django.db import connection as c; c.cursor().execute('PRAGMA wal_checkpoint(FULL)')"
    )
    with database(site).open("r+b") as file:
        size = database(site).stat().st_size
        for page in range(size // 4096 // 2, size // 4096 - 20):
            file.seek(page * 4096)
            file.write(random.Random(page).randbytes(4096))
    wait_for(lambda: "is damaged" in answer(f"{other}/readyz")[2])
    # Damage found by one process stops all of them, even on open connections.
    assert not save("Rossiya 2")
    for each in (address, other):
        assert answer(f"{each}/readyz")[0] == 503


@pytest.mark.slow
def test_worker_waits_while_the_file_is_missing(running):
    site, _address, _save = running
    worker = site.worker()
    done = "from django_tasks_db.models import DBTaskResult as R; print(R.objects.ready().count())"
    site.shell(JOB)
    wait_for(lambda: site.shell(done) == "0")
    remove(site)
    wait_for(lambda: "no longer exists" in worker.said.read_text())
    assert worker.poll() is None
    (site.folder / "elsewhere").rename(database(site))
    site.shell(JOB)
    wait_for(lambda: site.shell(done) == "0")
