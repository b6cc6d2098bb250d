"""`make run` prepares the site, runs it, restarts its programs, and ends them all."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.live_site import Site, answer, wait_for
from tests.process_utils import free_port, listens

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def fresh(tmp_path):
    """Return a site with an empty data folder."""
    (tmp_path / "data").mkdir()
    site = Site(tmp_path / "data")
    yield site
    site.stop()


@pytest.mark.slow
def test_serve_terminated_during_its_start_leaves_no_processes(live_site):
    port = free_port()
    served = live_site.start("manage.py", "serve", "--port", port)
    wait_for(lambda: listens(port), 120)
    served.send_signal(signal.SIGTERM)
    assert served.wait(60) == 0
    assert not listens(port)


@pytest.mark.slow
def test_unavailable_database_is_reported_in_one_sentence(fresh):
    fresh.environment["DATABASE_URL"] = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    said = fresh.manage("serve", "--port", free_port(), check=False)
    assert "The database in DATABASE_URL is not available" in said
    assert "Traceback" not in said


def printed_at_start(site, port):
    """Start the site, wait for the login line, and end it; return the lines printed until then."""
    process = site.start("manage.py", "serve", "--port", port, printed=subprocess.PIPE)
    lines = []
    with process.stdout as printed:
        for line in printed:
            lines.append(line.decode().rstrip())
            if lines[-1].startswith("Login"):
                break
        process.send_signal(signal.SIGTERM)
        assert printed.read() == b"Ended.\n"
    assert process.wait(60) == 0
    assert process.said.read_text() == ""
    return lines


@pytest.mark.slow
def test_start_ends_with_address_and_login(fresh):
    port = free_port()
    lines = printed_at_start(fresh, port)
    assert not re.search(r"error|refused|warning|issues", "\n".join(lines), re.IGNORECASE)
    address, sign_in, login = lines[-3:]
    assert address == f"Allies runs at  http://127.0.0.1:{port}/"
    assert sign_in == f"Sign in at      http://127.0.0.1:{port}/en/admin/"
    password = re.fullmatch(
        r"Login           user admin, password (\S+) \(shown only now\)", login
    )[1]
    code = (
        "from django.contrib.auth.models import User;"
        f"print(User.objects.get(username='admin').check_password({password!r}))"
    )
    assert fresh.shell(code) == "True"
    again = printed_at_start(fresh, port)
    assert again[-3:-1] == [address, sign_in]
    assert again[-1].startswith("Login           as before; `manage.py changepassword")


@pytest.fixture
def served(live_site):
    """Return a site that `serve` runs, its address, and the process of `serve`."""
    port = free_port()
    process = live_site.start("manage.py", "serve", "--port", port)
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: listens(port) and answer(f"{address}/healthz")[0] == 200, 120)
    return live_site, address, process


def children(pid):
    """Return {process id: command line} of the children of a process."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
    return found


def child_named(pid, name):
    return next((child for child, command in children(pid).items() if name in command), None)


def web_processes(pid):
    server = child_named(pid, "granian")
    return set(children(server)) if server else set()


def answers(address):
    with contextlib.suppress(OSError):
        return answer(f"{address}/en/countries/")[0] == 200
    return False


@pytest.mark.slow
def test_killed_processes_are_restarted_and_no_edit_is_lost(served):
    site, address, process = served
    saved = []

    def edit():
        saved.append(f"key-{len(saved)}")
        site.shell(
            "from allies.models import Source;"
            f"Source(key={saved[-1]!r}, publisher='P', title='T', status='published').save()"
        )

    edit()
    wait_for(lambda: len(web_processes(process.pid)) == 2)
    for victim in sorted(web_processes(process.pid)):
        os.kill(victim, signal.SIGKILL)
        wait_for(
            lambda victim=victim: (
                len(web_processes(process.pid) - {victim}) == 2 and answers(address)
            )
        )
        # If a process ends within 5.5 seconds of its start, Granian assumes a crash loop.
        edit()
    for name in ("granian", "db_worker"):
        victim = child_named(process.pid, name)
        os.kill(victim, signal.SIGKILL)
        wait_for(
            lambda victim=victim, name=name: (
                child_named(process.pid, name) not in (None, victim) and answers(address)
            )
        )
        edit()
    assert process.poll() is None
    said = process.said.read_text()
    assert "The web server ended with signal 9. It is started again." in said
    assert "The job worker ended with signal 9. It is started again." in said
    keys = site.shell(
        "from allies.models import Source;"
        "print(*Source.objects.filter(key__startswith='key-').values_list('key', flat=True))"
    )
    assert sorted(keys.split()) == sorted(saved)
    # The restarted worker works.
    site.shell("from allies.tasks import refresh_statistics; refresh_statistics.enqueue()")
    count = "from django_tasks_db.models import DBTaskResult as R; print(R.objects.ready().count())"
    wait_for(lambda: site.shell(count) == "0")


@pytest.mark.slow
def test_crash_loop_ends_serve_with_the_reason(live_site):
    port = free_port()
    process = live_site.start("manage.py", "serve", "--port", port)
    killed = set()

    def kill_worker():
        if process.poll() is not None:
            return True
        worker = child_named(process.pid, "db_worker")
        if worker and worker not in killed:
            killed.add(worker)
            os.kill(worker, signal.SIGKILL)
        return False

    wait_for(kill_worker, 180)
    assert process.returncode == 1
    assert len(killed) == 6
    said = process.said.read_text()
    assert "The job worker ended 6 times within 120 seconds, the last time with signal 9" in said
    assert not listens(port)
