"""PostgreSQL clusters that are thrown away: a primary, and replicas of it."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.process_utils import frozen, kill


def postgresql_bin():
    """Return the folder of the newest PostgreSQL server on this machine, or None."""
    for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    found = shutil.which("initdb")
    real = Path(found).resolve().parent if found else None
    return real if real and (real / "pg_ctl").exists() else None


class Cluster:
    """A PostgreSQL cluster in a temporary folder, reached by its socket only.

    ``of`` is the primary whose stream it repeats. One that ``remembers`` has what it said it has
    after it was killed, as servers do; another is faster.
    """

    def __init__(self, bin_dir, of=None, *, remembers=False):
        self.bin = bin_dir
        self._synchronous = "on" if remembers else "off"
        self.dir = Path(tempfile.mkdtemp(prefix="allies-pg-"))
        # initdb refuses to run as root: somebody without rights does it then.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.dir, self.user)
        if of is None:
            locale = ("-E", "UTF8", "--locale=C.UTF-8")
            self._run("initdb", "-D", "data", "-U", "allies", "-A", "trust", *locale)
        else:
            source = ("-h", of.dir, "-U", "allies", "-c", "fast")
            self._run("pg_basebackup", "-D", "data", "-R", "-X", "stream", *source)
        self.start()

    @property
    def url(self):
        """The address of a database that is always there."""
        return self.url_of("postgres")

    def url_of(self, database):
        socket = str(self.dir).strip("/").replace("/", "%2F")
        return f"postgres://allies@%2F{socket}/{database}"

    def start(self):
        options = (
            f"-k {self.dir} -c listen_addresses='' -c fsync=off"
            f" -c synchronous_commit={self._synchronous} -c hot_standby_feedback=on"
        )
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def kill(self):
        """End it as a loss of power would."""
        kill(self._pid)
        # Where nobody fetches its exit status, its number is not free, and stands in its way.
        for left in (self._noted, *self.dir.glob(".s.PGSQL.*")):
            left.unlink()

    def frozen(self):
        """Return a context in which it takes connections and answers nothing."""
        return frozen(self._pid)

    @property
    def _noted(self):
        return self.dir / "data" / "postmaster.pid"

    @property
    def _pid(self):
        return int(self._noted.read_text().split()[0])

    def stop(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _run(self, program, *args):
        subprocess.run(
            [self.bin / program, *args],
            cwd=self.dir,
            user=self.user,
            check=True,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
