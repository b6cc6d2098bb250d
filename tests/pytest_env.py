"""Prepare the environment before Django reads its settings: a data folder and the database.

It is loaded with `-p tests.pytest_env`, before all other plugins. With `--postgresql` it starts a
throwaway cluster; without it, tests run on SQLite.
"""

import atexit
import os
import pwd
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from tests.postgresql import Cluster, postgresql_bin
from tests.prepared_site import cluster_archive

#: If set, a missing program makes tests fail instead of being skipped.
REQUIRE_ALL = bool(os.environ.get("TESTS_REQUIRE_ALL"))


def pytest_addoption(parser):
    parser.addoption(
        "--postgresql", action="store_true", help="run on a throwaway PostgreSQL cluster"
    )
    parser.addoption(
        "--refresh-query-counts", action="store_true", help="write query_counts.json anew"
    )
    parser.addoption("--refresh-roles", action="store_true", help="write roles.json anew")


def start_cluster():
    """Start the cluster and set DATABASE_URL; end the test run if that is not possible."""
    bin_dir = postgresql_bin()
    runnable = os.geteuid() != 0 or _has_user("postgres")
    if bin_dir is None or not runnable:
        reason = "PostgreSQL’s server is not on this machine"
        if REQUIRE_ALL:
            pytest.exit(f"{reason}, and it has to be here", returncode=1)
        print(f"skipped: {reason}")
        sys.exit(0)
    # So that a run that is terminated cleans up too.
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))
    cluster = Cluster(bin_dir, archive=cluster_archive(bin_dir))
    atexit.register(cluster.remove)
    os.environ["DATABASE_URL"] = cluster.url


def _has_user(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _own_environment():
    others = ("DATABASE_URL", "DATABASE_REPLICA_URLS", "CACHE_URL")
    for name in list(os.environ):
        if name.startswith("ALLIES_") or name in others:
            del os.environ[name]
    data = tempfile.mkdtemp(prefix="allies-test-")
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    (Path(data) / "static").mkdir()
    os.environ["ALLIES_DATA_DIR"] = data
    os.environ["ALLIES_SECRET_KEY"] = "for tests only, and as long as a secret has to be at least"


def _reuse_compiled_code():
    """Store compiled modules, even where the environment forbids it.

    Otherwise each process would compile all modules and rewrite all assertions again.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


_reuse_compiled_code()
_own_environment()
if "--postgresql" in sys.argv:
    os.environ["TESTS_ON_POSTGRESQL"] = "1"  # xdist's workers do not get the argument
if os.environ.get("TESTS_ON_POSTGRESQL"):
    # One cluster per worker, so that workers cannot affect each other.
    start_cluster()
