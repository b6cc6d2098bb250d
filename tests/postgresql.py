"""Temporary PostgreSQL clusters: a primary and its replicas."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.process_utils import frozen, kill

_TAR = shutil.which("tar") or "tar"


def postgresql_bin():
    """Return the folder of the newest PostgreSQL server on this machine, or None."""
    for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    found = shutil.which("initdb")
    real = Path(found).resolve().parent if found else None
    return real if real and (real / "pg_ctl").exists() else None


class Cluster:
    """A PostgreSQL cluster in a temporary folder, available on a Unix socket only.

    ``of`` is the primary that it replicates, ``archive`` a file written by ``pack`` that it starts
    from. With ``remembers``, committed data survive a kill, as in production. Without it, the
    cluster is faster.
    """

    def __init__(self, bin_dir, of=None, *, archive=None, remembers=False):
        self.bin = bin_dir
        self._synchronous = "on" if remembers else "off"
        self.dir = Path(tempfile.mkdtemp(prefix="allies-pg-"))
        # initdb refuses to run as root, so the user postgres runs it then.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.dir, self.user)
        if archive is not None:
            with archive.open("rb") as packed:  # which the user postgres may not open
                self._run(_TAR, "-x", stdin=packed)
        elif of is None:
            options = ("-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=1")  # for small archives
            self._run("initdb", "-D", "data", "-U", "allies", "-A", "trust", *options)
        else:
            source = ("-h", of.dir, "-U", "allies", "-c", "fast")
            self._run("pg_basebackup", "-D", "data", "-R", "-X", "stream", *source)
        self.start()

    @property
    def url(self):
        """The URL of the database ``postgres``, which always exists."""
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
        """Kill the server as a power failure would."""
        kill(self._pid)
        # The dead process may remain as a zombie, and its lock files would prevent a new start.
        for left in (self._noted, *self.dir.glob(".s.PGSQL.*")):
            left.unlink()

    def frozen(self):
        """Return a context manager in which the server accepts connections but never responds."""
        return frozen(self._pid)

    @property
    def _noted(self):
        return self.dir / "data" / "postmaster.pid"

    @property
    def _pid(self):
        return int(self._noted.read_text().split()[0])

    def create_database(self, name):
        self._run("createdb", "-h", self.dir, "-U", "allies", name)

    def stop(self, mode="immediate"):
        if self._noted.exists():
            with contextlib.suppress(subprocess.CalledProcessError):
                self._run("pg_ctl", "-D", "data", "-m", mode, "stop")

    def pack(self, archive):
        """Write the data folder to an archive. The server must have stopped with mode "fast"."""
        with archive.open("wb") as packed:
            self._run(_TAR, "-c", "data", stdout=packed)

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _run(self, program, *args, stdin=None, stdout=subprocess.DEVNULL):
        subprocess.run(
            [self.bin / program, *args],
            cwd=self.dir,
            user=self.user,
            check=True,
            stdin=stdin,
            stdout=stdout,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
