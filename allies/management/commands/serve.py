"""Run the site on this machine: web server and job worker. `make run` calls it after installing."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from contextlib import closing, suppress
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from allies.db.uploads_restore import resume_interrupted
from allies.imports.tasks import reap_stale
from allies.models import Country

#: Seconds that the programs have to end before they are killed.
STOP_SECONDS = 10
#: A program that ends unexpectedly is started again at most this many times ...
MAX_RESTARTS = 5
#: ... within this many seconds. After that it is in a crash loop, and ``serve`` fails.
RESTART_WINDOW_SECONDS = 120


class Command(BaseCommand):
    help = "Prepare the database and files as needed, then run the web server and the worker."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--reload",
            action="store_true",
            help="run Django’s development server, and reload both programs when the code changes",
        )

    def handle(self, *args: object, host: str, port: int, reload: bool, **options: object) -> None:
        self._require_free(host, port)
        call_command("messages", compile_only=True, verbosity=0)
        call_command("check", stdout=StringIO())  # raises an error; prints warnings to stderr
        self._migrate()
        self._resume_restore()
        self._load_starter()
        self._collect_static()
        reap_stale()
        for figures in (settings.DATA_DIR / "metrics").glob("*.db"):
            figures.unlink()  # metrics of processes that have ended
        web_server = development_server(host, port) if reload else granian(host, port)
        job_worker = ManagedProcess(
            "job worker",
            *("manage.py", "db_worker", "--verbosity", "0"),
            *(("--reload",) if reload else ()),
        )
        self._run(web_server, job_worker, host, port)

    def _require_free(self, host: str, port: int) -> None:
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} is taken ({error.strerror}). Choose another: "
                    f"PORT={port + 1} make run"
                ) from error

    def _migrate(self) -> None:
        try:
            connection.prepare_database()
            executor = MigrationExecutor(connection)
        except OperationalError as error:
            raise CommandError(
                f"The database in DATABASE_URL is not available: {str(error).strip()}"
            ) from error
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Preparing the database …")
            call_command("migrate", verbosity=0)

    def _resume_restore(self) -> None:
        """Finish an interrupted restore, so that database and uploads match."""
        try:
            for sentence in resume_interrupted():
                self.stdout.write(sentence)
        except OSError as error:
            raise CommandError(
                "A restore replaced the database, but the uploads cannot be replaced: "
                f"{error}. Fix that and start again."
            ) from error

    def _collect_static(self) -> None:
        """Collect static files if one of them is newer than the last collection."""
        manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
        collected = manifest.stat().st_mtime if manifest.exists() else 0
        files = [settings.BASE_DIR / "requirements.txt"]
        for folder in settings.STATICFILES_DIRS:
            place = folder[1] if isinstance(folder, tuple) else folder  # (prefix, path)
            files += Path(str(place)).rglob("*")
        if any(path.stat().st_mtime > collected for path in files):
            call_command("collectstatic", interactive=False, verbosity=0)

    def _load_starter(self) -> None:
        """Load the starter content into an empty site; print the import report only on failure."""
        if Country.objects.exists():
            return
        self.stdout.write("Loading the starter content …")
        report = StringIO()
        try:
            call_command("load_demo_data", stdout=report)
        except CommandError:
            self.stderr.write(report.getvalue())
            raise

    def _create_first_account(self) -> str:
        """Create the superuser `admin` if there is no account; return its password, or ""."""
        users = get_user_model().objects
        if users.exists():
            return ""
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        return password

    def _run(
        self, web_server: "ManagedProcess", job_worker: "ManagedProcess", host: str, port: int
    ) -> None:
        """Run the programs until SIGINT or SIGTERM, and restart those that end unexpectedly.

        Raises CommandError if one of them is in a crash loop.
        """
        programs = (web_server, job_worker)
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_signal: ended.set())
        is_announced = False
        try:
            self.stdout.write("Starting the web server. Press Ctrl-C to stop it.")
            self.stdout.flush()
            for program in programs:
                program.start()
            while not ended.wait(1 if is_announced else 0.1):
                for program in programs:
                    if program.has_ended():
                        self._restart(program)
                if not is_announced and accepts_connections(host, port):
                    is_announced = True
                    self._announce(f"http://{host}:{port}/")
        finally:
            for program in programs:
                program.end()
        self.stdout.write("Ended.")

    def _announce(self, url: str) -> None:
        """Print the site's address and how to sign in, as the last three lines.

        The first account is created only now. If the start failed after creating it, its password
        would be lost.
        """
        password = self._create_first_account()
        login = (
            f"user admin, password {password} (shown only now)"
            if password
            else "as before; `manage.py changepassword NAME` sets a new password"
        )
        self.stdout.write("")
        self.stdout.write(f"Allies runs at  {url}")
        self.stdout.write(f"Sign in at      {url}en/admin/")
        self.stdout.write(f"Login           {login}")
        self.stdout.flush()

    def _restart(self, program: "ManagedProcess") -> None:
        """Restart a program that ended unexpectedly; raise CommandError in a crash loop."""
        reason = program.end_reason()
        if not program.may_restart():
            raise CommandError(
                f"The {program.name} ended {MAX_RESTARTS + 1} times within "
                f"{RESTART_WINDOW_SECONDS} seconds, the last time with {reason}. "
                "Everything was ended. The lines above say why it ended."
            )
        self.stderr.write(f"The {program.name} ended with {reason}. It is started again.")
        self.stderr.flush()
        program.restart()


def accepts_connections(host: str, port: int) -> bool:
    """Return True if a server listens on this port."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def granian(host: str, port: int) -> "ManagedProcess":
    """Return the web server for production, Granian."""
    return ManagedProcess(
        "web server",
        *("-m", "granian", "--interface", "wsgi"),
        *("--host", host, "--port", str(port)),
        *("--workers", "2", "--blocking-threads", "4", "--log-level", "warning"),
        # A web process that was killed is replaced, and the others continue.
        *("--respawn-failed-workers", "config.wsgi:application"),
    )


def development_server(host: str, port: int) -> "ManagedProcess":
    """Return Django's development server, which reloads when code changes."""
    return ManagedProcess("web server", "manage.py", "runserver", f"{host}:{port}")


class ManagedProcess:
    """A program that ``serve`` keeps running, in a process group of its own."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts: list[float] = []

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *self._arguments], cwd=settings.BASE_DIR, start_new_session=True
        )

    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def end_reason(self) -> str:
        """Return how the program ended, like "signal 9" or "exit code 1"."""
        code = self._process.returncode if self._process else 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def may_restart(self) -> bool:
        """Return False if the program was restarted too often in RESTART_WINDOW_SECONDS."""
        since = time.monotonic() - RESTART_WINDOW_SECONDS
        self._restarts = [when for when in self._restarts if when > since]
        return len(self._restarts) < MAX_RESTARTS

    def restart(self) -> None:
        """Start the program again, after killing the remaining processes of its group.

        Web processes survive if their web server is killed, and would respond next to the new ones.
        """
        self._restarts.append(time.monotonic())
        self.end()
        self.start()

    def end(self) -> None:
        """Terminate the program, wait for at most STOP_SECONDS, then kill its process group.

        A web server that is still starting its workers ignores SIGTERM, and they would survive it.
        """
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # each program leads a group of its own
        process.wait()
