"""What has to stand before Django reads its settings: data of the tests' own, and the database.

Loaded by `-p tests.environment`, so before every other plugin. `--postgresql` starts a throwaway
cluster; without it tests run on SQLite.
"""

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

#: Set where everything has to be on the machine: what is missing is a failure then, not a skip.
REQUIRE_ALL = bool(os.environ.get("TESTS_REQUIRE_ALL"))


def pytest_addoption(parser):
    parser.addoption(
        "--postgresql", action="store_true", help="run on a throwaway PostgreSQL cluster"
    )
    parser.addoption(
        "--refresh-query-counts", action="store_true", help="write query_counts.json anew"
    )
    parser.addoption("--refresh-roles", action="store_true", help="write roles.json anew")


class Cluster:
    """A PostgreSQL cluster in a temporary folder, reached by its socket only."""

    def __init__(self, bin_dir):
        self.bin = bin_dir
        self.dir = Path(tempfile.mkdtemp(prefix="allies-pg-"))
        # initdb refuses to run as root: somebody without rights does it then.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.dir, self.user)
        self._run(
            "initdb", "-D", "data", "-U", "allies", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"
        )
        options = f"-k {self.dir} -c listen_addresses='' -c fsync=off -c synchronous_commit=off"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")
        self.url = f"postgres://allies@%2F{str(self.dir).strip('/').replace('/', '%2F')}/postgres"

    def _run(self, program, *args):
        subprocess.run(
            [self.bin / program, *args],
            cwd=self.dir,
            user=self.user,
            check=True,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )

    def stop(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self.dir, ignore_errors=True)


def postgresql_bin():
    """Return the folder of the newest PostgreSQL server on this machine, or None."""
    for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    found = shutil.which("initdb")
    real = Path(found).resolve().parent if found else None
    return real if real and (real / "pg_ctl").exists() else None


def start_cluster():
    """Start the cluster and point DATABASE_URL at it; end the run where none can be."""
    bin_dir = postgresql_bin()
    runnable = os.geteuid() != 0 or _has_user("postgres")
    if bin_dir is None or not runnable:
        reason = "PostgreSQL’s server is not on this machine"
        if REQUIRE_ALL:
            pytest.exit(f"{reason}, and it has to be here", returncode=1)
        print(f"skipped: {reason}")
        sys.exit(0)
    # A run that is told to end goes through its clean-up too.
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))
    cluster = Cluster(bin_dir)
    atexit.register(cluster.stop)
    os.environ["DATABASE_URL"] = cluster.url


def _has_user(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _own_environment():
    for name in list(os.environ):
        if name.startswith("ALLIES_") or name in ("DATABASE_URL", "CACHE_URL"):
            del os.environ[name]
    data = tempfile.mkdtemp(prefix="allies-test-")
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    (Path(data) / "static").mkdir()
    os.environ["ALLIES_DATA_DIR"] = data
    os.environ["ALLIES_SECRET_KEY"] = "for tests only, and as long as a secret has to be at least"


_own_environment()
if "--postgresql" in sys.argv:
    start_cluster()
