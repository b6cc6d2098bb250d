"""Run the site on this machine: what `make run` does once everything is installed."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from argparse import ArgumentParser
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from allies.exchange.jobs import sweep

#: Seconds the children are given to end by themselves.
PATIENCE = 10


class Command(BaseCommand):
    help = "Prepare the database and files as far as needed, then run web server and job worker."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        self._require_free(host, port)
        call_command("messages", compile_only=True, verbosity=0)
        call_command("check")
        self._migrate()
        call_command("load_starter", if_empty=True, stdout=self.stdout)
        self._collect_static()
        self._first_login()
        sweep()
        for figures in (settings.DATA_DIR / "metrics").glob("*.db"):
            figures.unlink()  # of processes that are no more
        self._run(host, port)

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
            executor = MigrationExecutor(connection)
        except OperationalError as error:
            raise CommandError(
                f"The database of DATABASE_URL does not answer: {str(error).strip()}"
            ) from error
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Preparing the database …")
            call_command("migrate", verbosity=0)

    def _collect_static(self) -> None:
        """Collect static files where one is newer than the last collection."""
        manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
        collected = manifest.stat().st_mtime if manifest.exists() else 0
        lock = settings.BASE_DIR / "requirements.txt"
        files = [*Path(settings.BASE_DIR / "static").rglob("*"), lock]
        if any(path.stat().st_mtime > collected for path in files):
            call_command("collectstatic", interactive=False, verbosity=0)

    def _first_login(self) -> None:
        users = get_user_model().objects
        if users.exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        self.stdout.write(
            self.style.SUCCESS(
                f"\nAn editor’s login, shown only now:  user  admin   password  {password}\n"
            )
        )

    def _run(self, host: str, port: int) -> None:
        children = {
            "web server": subprocess.Popen(
                [
                    *(sys.executable, "-m", "granian", "--interface", "wsgi"),
                    *("--host", host, "--port", str(port)),
                    *("--workers", "2", "--blocking-threads", "4", "--log-level", "warning"),
                    "config.wsgi:application",
                ],
                cwd=settings.BASE_DIR,
                start_new_session=True,
            ),
            "job worker": subprocess.Popen(
                [sys.executable, "manage.py", "db_worker", "--verbosity", "0"],
                cwd=settings.BASE_DIR,
                start_new_session=True,
            ),
        }
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_signal: ended.set())
        self.stdout.write(f"\nAllies is at  http://{host}:{port}/   (Ctrl-C ends it)\n")
        self.stdout.flush()
        died = None
        try:
            while not ended.wait(1) and died is None:
                died = next((name for name, c in children.items() if c.poll() is not None), None)
        finally:
            for child in children.values():
                _end(child)
        if died and not ended.is_set():
            raise CommandError(f"The {died} ended by itself; so everything was ended.")
        self.stdout.write("Ended.")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End a child and wait for it; kill it, with its own children, where it does not listen.

    A web server that is still starting its workers does not, and they would outlive it.
    """
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # each child leads a group of its own
    child.wait()
