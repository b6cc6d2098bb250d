"""Live sites for tests: real processes on a real database, which tests can use and kill."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import dj_database_url

from tests.prepared_site import (
    MIGRATED,
    ROOT,
    STARTER,
    site_environment,
    sqlite_folder,
    static_folder,
)
from tests.process_utils import descendants, free_port, listens


class Site:
    """A site with its own folder and database; ``manage`` runs its commands."""

    def __init__(self, folder, database=""):
        self.folder = folder
        self.environment = site_environment(folder, database)
        self._children = []
        self._shell, self._loaded = None, {}

    def manage(self, *args, check=True, room=None):
        """Run a management command; return its output, stdout and stderr.

        With ``room``, no file may become larger than that many bytes, as on a full disk. Unless
        ``check`` is False, the command must succeed.
        """
        done = subprocess.run(
            [sys.executable, "manage.py", *map(str, args)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            preexec_fn=room and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))),
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *args, under=(), printed=subprocess.DEVNULL, **options):
        """Start a Python process and return it; its stderr goes to the file ``child.said``.

        ``under`` is a command that runs it, ``printed`` the target of its stdout. ``options`` are
        those of ``Popen``.
        """
        said = Path(f"{self.folder}-said-{len(self._children)}.txt")
        # Not to a pipe that nobody reads, which would block a server with much output.
        with said.open("wb") as file:
            child = subprocess.Popen(
                [*under, sys.executable, *map(str, args)],
                cwd=ROOT,
                env=self.environment,
                stdout=printed,
                stderr=file,
                start_new_session=True,
                **options,
            )
        child.said = said
        self._children.append(child)
        return child

    def said(self):
        """Return the lines that all started processes have written to stderr so far."""
        return [line for child in self._children for line in child.said.read_text().splitlines()]

    def worker(self):
        return self.start("manage.py", "db_worker", "--no-startup-delay", "--interval", "0.1")

    def web(self, port, *, workers=1, threads=4, under=()):
        """Start the web server on a port; return its process as soon as it accepts connections."""
        child = self.start(
            *("-m", "granian", "--interface", "wsgi", "--log-level", "error"),
            *("--host", "127.0.0.1", "--port", port),
            *("--workers", workers, "--blocking-threads", threads, "config.wsgi:application"),
            under=under,
        )
        wait_for(lambda: listens(port))
        return child

    def serve(self, under=(), *, is_well=True):
        """Start the web server; return the site's URL as soon as it accepts connections.

        Unless ``is_well`` is False, wait until /healthz responds with 200 too.
        """
        port = free_port()
        self.web(port, under=under)
        address = f"http://127.0.0.1:{port}"
        if is_well:
            wait_for(lambda: answer(f"{address}/healthz")[0] == 200)
        return address

    def shell(self, code):
        """Run Python code in the site; return its output, stdout and stderr."""
        if (
            self._shell is None
            or self._shell.poll() is not None
            or self._loaded != self.environment
        ):
            self._start_shell()
        with tempfile.NamedTemporaryFile("r") as output:
            self._shell.stdin.write(json.dumps([code, output.name]) + "\n")
            self._shell.stdin.flush()
            exit_code = self._shell.stdout.readline().strip()
            found = output.read()
        assert exit_code == "0", f"{exit_code}\n{found}"
        return found.strip()

    def _start_shell(self):
        if self._shell is not None:
            _wait(self._shell)
        self._loaded = dict(self.environment)
        pipes = {"printed": subprocess.PIPE, "stdin": subprocess.PIPE, "text": True}
        self._shell = self.start("-m", "tests.site_shell", **pipes)

    def end(self):
        """Terminate all started processes and wait until they have ended."""
        for child in self._children:
            child.terminate()
        for child in self._children:
            _wait(child)

    def stop(self):
        for child in self._children:
            # Its children too, because the processes of a killed server would survive.
            for process in [child.pid, *descendants(child.pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
            _wait(child)


def _wait(child):
    """Close the pipes to a process, and wait until it ends."""
    with child:
        pass


def answer(address, **headers):
    """Return (status, headers, text) of a GET request, whatever the status."""
    try:
        asked = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(asked, timeout=60) as found:
            return found.status, found.headers, found.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def wait_for(condition, seconds=60):
    """Wait until a condition is true and return its value; fail after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to pass")


class LiveSiteFactory:
    """Factory of sites, each a copy of a prepared one.

    With ``database_url``, they are databases of this cluster, which was made from
    `prepared_site.cluster_archive`.
    """

    def __init__(self, folder, database_url):
        self._folder = folder
        self._url = database_url
        self._sites = []

    def new(self):
        """Return a site with the starter content."""
        return self._copy_of(STARTER)

    def empty(self):
        """Return a migrated site without content."""
        return self._copy_of(MIGRATED)

    def _copy_of(self, database):
        number = len(self._sites) + 1
        folder = self._folder / f"site-{number}"
        folder.mkdir()
        shutil.copytree(static_folder(), folder / "static")
        if not self._url:
            shutil.copyfile(sqlite_folder() / f"{database}.sqlite3", folder / "db.sqlite3")
            return self._site(folder)
        import psycopg

        name = f"site_{number}"
        with psycopg.connect(**_parameters(self._url), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {database}")
        head, _slash, _old = self._url.rpartition("/")
        return self._site(folder, f"{head}/{name}")

    def _site(self, *place):
        self._sites.append(Site(*place))
        return self._sites[-1]

    def stop(self):
        """Stop all sites that this factory made."""
        for site in self._sites:
            site.stop()


@contextlib.contextmanager
def site_of_its_own(name):
    """Yield a site with the starter content; with ``--postgresql`` on a throwaway cluster."""
    if "--postgresql" in sys.argv:
        import tests.pytest_env

        tests.pytest_env.start_cluster()
    with tempfile.TemporaryDirectory(prefix=f"allies-{name}-") as folder:
        site = LiveSiteFactory(Path(folder), os.environ.get("DATABASE_URL", "")).new()
        try:
            yield site
        finally:
            site.stop()


def _parameters(url):
    found = dj_database_url.parse(url)
    return {"host": found["HOST"], "user": found["USER"], "dbname": found["NAME"]}
