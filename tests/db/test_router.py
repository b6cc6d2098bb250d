"""Readers use replicas that are up to date with the primary, and servers that fail are left out."""

import itertools
from urllib.parse import urlencode

import psycopg
import pytest

from tests.conftest import skip_or_fail_missing
from tests.live_site import LiveSiteFactory, answer, wait_for
from tests.postgresql import Cluster, postgresql_bin
from tests.prepared_site import cluster_archive

pytestmark = pytest.mark.sqlite_only  # has a primary and a replica of its own

BIN = postgresql_bin()


@pytest.fixture(scope="module")
def primary():
    if BIN is None:
        skip_or_fail_missing("PostgreSQL’s server")
    cluster = Cluster(BIN, archive=cluster_archive(BIN))
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def prepared(primary, tmp_path_factory):
    site = LiveSiteFactory(tmp_path_factory.mktemp("replicated"), primary.url).new()
    site.shell(
        "from django.contrib.auth.models import User;"
        "User.objects.create_superuser('ann', password='a-long-pass-phrase')"
    )
    return site


@pytest.fixture
def replica(primary, prepared):
    """Return a replica in sync with the primary. The primary is started again after each test."""
    cluster = Cluster(BIN, of=primary)
    prepared.environment["DATABASE_REPLICA_URLS"] = cluster.url_of(database_of(prepared))
    yield cluster
    prepared.stop()
    cluster.remove()
    primary.stop()
    primary.start()


@pytest.fixture
def server(prepared, replica):
    return prepared.serve()


def database_of(site):
    return site.environment["DATABASE_URL"].rpartition("/")[2]


def ask(cluster, site, sql):
    name = database_of(site)
    with psycopg.connect(
        host=str(cluster.dir), user="allies", dbname=name, autocommit=True
    ) as connection:
        return connection.execute(sql).fetchone()


def rename(site, name):
    site.shell(
        f"from allies.models import Country; c = Country.objects.get(alpha3='RUS');"
        f"c.name_en = {name!r}; c.save()"
    )


def readings(cluster, site):
    """Return how many rows of countries were read on a server so far."""
    return ask(
        cluster,
        site,
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables"
        " WHERE relname = 'allies_country'",
    )[0]


def wait_until_read(replica, site, server):
    """Request uncached pages until one was rendered from the replica."""
    before = readings(replica, site)
    numbers = itertools.count()
    wait_for(
        lambda: (
            answer(f"{server}/en/countries/?back={next(numbers)}")
            and readings(replica, site) > before
        )
    )


@pytest.mark.slow
def test_readers_are_sent_to_the_replica(primary, replica, prepared, server):
    answer(f"{server}/en/countries/")
    before = readings(primary, prepared)
    for number in range(5):
        assert answer(f"{server}/en/countries/?q=ru&{number}")[0] == 200
    wait_for(lambda: readings(replica, prepared) > 500)
    assert readings(primary, prepared) == before


@pytest.mark.slow
def test_lagging_replica_never_shows_old_content(replica, prepared, server):
    address = f"{server}/en/countries/russia/"
    rename(prepared, "Russia before")
    wait_for(lambda: "Russia before" in answer(address)[2])
    ask(replica, prepared, "SELECT pg_wal_replay_pause()")
    rename(prepared, "Russia after")
    for path in ("", "?again", "allies/", "history/"):
        assert "Russia after" in answer(address + path)[2]
        assert "Russia before" not in answer(address + path)[2] or path == "history/"
    ask(replica, prepared, "SELECT pg_wal_replay_resume()")
    wait_until_read(replica, prepared, server)


@pytest.mark.slow
def test_replica_that_fails_is_left_out_and_used_again_later(replica, prepared, server):
    assert answer(f"{server}/en/countries/")[0] == 200
    replica.kill()
    for number in range(20):
        assert answer(f"{server}/en/countries/?{number}")[0] == 200
    assert "replica-1: cannot be reached" in answer(f"{server}/readyz")[2]
    replica.start()
    wait_for(lambda: "replica-1: ok" in answer(f"{server}/readyz")[2])
    wait_until_read(replica, prepared, server)


@pytest.mark.slow
def test_pages_work_without_the_primary_but_not_the_admin(primary, replica, prepared, server):
    rename(prepared, "Russia at the end")
    wait_for(
        lambda: (
            ask(primary, prepared, "SELECT pg_current_wal_lsn()")
            == ask(replica, prepared, "SELECT pg_last_wal_replay_lsn()")
        )
    )
    primary.kill()
    for language, path in (("en", ""), ("id", ""), ("en", "countries/russia/"), ("en", "events/")):
        assert answer(f"{server}/{language}/{path}")[0] == 200
    assert "Russia at the end" in answer(f"{server}/en/countries/russia/")[2]
    assert answer(f"{server}/en/countries.csv")[2].splitlines()[0].startswith("country,alpha3")
    status, _headers, text = answer(f"{server}/readyz")
    assert status == 200
    assert "primary: cannot be reached; nothing can be edited" in text
    status, headers, text = answer(f"{server}/en/admin/", Cookie="sessionid=of-an-editor")
    assert status == 503
    assert headers["Retry-After"]
    assert "We’ll be right back" in text
    primary.start()
    wait_for(lambda: "primary: ok" in answer(f"{server}/readyz")[2])
    assert answer(f"{server}/en/admin/login/")[0] == 200


@pytest.mark.slow
def test_503_page_without_any_server_is_translated(primary, replica, prepared, server):
    replica.kill()
    primary.kill()
    status, headers, text = answer(f"{server}/id/countries/?{urlencode({'q': 'rus'})}")
    assert status == 503
    assert "no-store" in headers["Cache-Control"]
    assert "Kami segera kembali" in text
    assert answer(f"{server}/healthz")[0] == 503
    primary.start()
    wait_for(lambda: answer(f"{server}/id/countries/")[0] == 200)


@pytest.mark.parametrize(
    ("primary_url", "replica_url"),
    [("sqlite:///x.sqlite3", "postgres://u@h/d"), ("postgres://u@h/d", "sqlite:///x.sqlite3")],
)
def test_replicas_of_other_databases_are_refused(live_site, primary_url, replica_url):
    live_site.environment |= {"DATABASE_URL": primary_url, "DATABASE_REPLICA_URLS": replica_url}
    said = live_site.manage("check", check=False)
    assert "DATABASE_REPLICA_URLS must be replicas of a PostgreSQL primary" in said


@pytest.mark.slow
def test_readers_do_not_wait_for_a_frozen_primary(primary, replica, prepared, server):
    """A frozen server accepts connections and queries, but never responds."""
    assert answer(f"{server}/en/countries/")[0] == 200
    wait_until_read(replica, prepared, server)
    with primary.frozen():
        # More requests than the web server has threads, so none may be blocked.
        for number in range(6):
            assert answer(f"{server}/en/countries/?still={number}")[0] == 200
            status, _headers, text = answer(f"{server}/en/admin/", Cookie="sessionid=of-an-editor")
            assert (status, "The database is not available" in text) == (503, True)
        assert "primary: cannot be reached" in answer(f"{server}/readyz")[2]
    wait_for(lambda: "primary: ok" in answer(f"{server}/readyz")[2])
    assert answer(f"{server}/en/admin/login/")[0] == 200


@pytest.mark.slow
def test_worker_waits_for_its_database(primary, replica, prepared):
    worker = prepared.worker()
    primary.kill()
    wait_for(lambda: "waiting for it" in worker.said.read_text())
    primary.start()
    prepared.shell("from allies.tasks import refresh_statistics; refresh_statistics.enqueue()")
    done = "from django_tasks_db.models import *; print(DBTaskResult.objects.ready().count())"
    wait_for(lambda: prepared.shell(done) == "0")
    assert worker.poll() is None
