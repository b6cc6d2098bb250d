"""Kill each part of a cluster under load, and count what users notice: `make failover-test`.

The cluster runs on this machine: a PostgreSQL primary and a streaming replica, Redis, two web
servers, two workers, and nginx in front. Readers request cached and uncached pages. Editors save
all the time, and check at once on both web servers whether the change is visible. Then one part
after another is killed with SIGKILL and started again. The database servers are also frozen for a
while (SIGSTOP), as if their disk hung.

Whatever is killed, no reader may get an error or wait for long. A change that was confirmed as
saved must be saved and visible at once. Editors may get a message that nothing can be saved now.

There is one exception. Changes that the primary has not replicated yet when it is killed are only
visible when it is back. They are counted, but not a failure, because replication is asynchronous.
"""

import contextlib
import http.client
import itertools
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from tests.live_site import LiveSiteFactory, answer, wait_for
from tests.postgresql import Cluster, postgresql_bin
from tests.prepared_site import cluster_archive
from tests.process_utils import free_port, kill, listens

READERS, EDITORS, SECONDS = 6, 2, 8
PASSWORD = "a-long-pass-phrase"
#: Timeout of a request in seconds.
PATIENCE = 10

PAGES = ("/en/", "/id/", "/en/countries/russia/allies/", "/en/events/", "/en/countries/china/")

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream allies {{
        server 127.0.0.1:{one};
        server 127.0.0.1:{two};
        # Once more, for when it has given up both: it leaves a server alone for ten seconds after
        # one failure, though it may be back, and answers 502 if the other dies meanwhile.
        server 127.0.0.1:{one} backup;
        server 127.0.0.1:{two} backup;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://allies;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_connect_timeout 1s;
            proxy_next_upstream error timeout;
        }}
    }}
}}
"""


@dataclass
class Seen:
    """What users noticed in one phase. ``told`` counts edits that could not be saved."""

    pages: int = 0
    errors: list = field(default_factory=list)
    slowest: float = 0
    saved: int = 0
    told: int = 0
    stale: list = field(default_factory=list)


class People:
    """Readers and editors in threads, which work until ``stop``."""

    def __init__(self, port, web_ports, russia):
        self.port, self.web_ports, self.russia = port, web_ports, russia
        self.seen = Seen()
        self.acknowledged = []
        self._numbers = itertools.count()
        self._ended = threading.Event()
        work = [self._read] * READERS + [self._edit] * EDITORS
        self._threads = [threading.Thread(target=target, daemon=True) for target in work]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def _read(self):
        while not self._ended.is_set():
            number = next(self._numbers)
            path = PAGES[number % len(PAGES)]
            if number % 3 == 0:
                path += f"?utm_source={number}"
            began = time.monotonic()
            seen = self.seen
            try:
                status, text, _headers = ask(self.port, path)
                problem = "" if status == 200 and "</html>" in text else f"{status}"
            except (OSError, http.client.HTTPException) as error:
                problem = type(error).__name__
            took = time.monotonic() - began
            seen.pages += 1
            seen.slowest = max(seen.slowest, took)
            if problem:
                seen.errors.append(f"{problem} at {path}")

    def _edit(self):
        cookie = ""
        while not self._ended.is_set():
            seen = self.seen
            try:
                cookie = cookie or signed_in(self.port)
                name = f"Rossiya {next(self._numbers)}"
                is_saved = save_name(self.port, cookie, self.russia, name)
            except (OSError, http.client.HTTPException, LookupError):
                is_saved = False
            if not is_saved:
                seen.told += 1
                self._ended.wait(0.2)
                continue
            seen.saved += 1
            self.acknowledged.append(name)
            for port in self.web_ports:
                # A killed web server does not respond. Through nginx, the other one would.
                with contextlib.suppress(OSError, http.client.HTTPException):
                    status, text, _headers = ask(port, "/en/countries/russia/")
                    if status == 200 and name not in text:
                        seen.stale.append(name)


def ask(port, path, form=None, cookie=""):
    """Return (status, text, headers) of one response; with ``form``, the request is a POST."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(link):
        token = "t" * 32
        headers = {"Host": "localhost", "Cookie": f"{cookie}; csrftoken={token}"} if cookie else {}
        body = None
        if form is not None:
            headers |= {
                "Cookie": f"{cookie}; csrftoken={token}",
                "Content-Type": "application/x-www-form-urlencoded",
                "X-CSRFToken": token,
            }
            body = urlencode(form)
        link.request("POST" if form is not None else "GET", path, body, headers)
        found = link.getresponse()
        return found.status, found.read().decode(), found.headers


def signed_in(port):
    """Sign in and return the session cookie; raise LookupError if that fails."""
    form = {"username": "ann", "password": PASSWORD, "next": "/en/admin/"}
    _status, _text, headers = ask(port, "/en/admin/login/", form=form)
    cookies = SimpleCookie("; ".join(headers.get_all("Set-Cookie", [])))
    return f"sessionid={cookies['sessionid'].value}"


def save_name(port, cookie, country, name):
    """Save an alias of a country in the admin; return True if it was saved."""
    form = {"country": country, "name": name, "_save": "1"}
    status, _text, headers = ask(port, "/en/admin/allies/alias/add/", form=form, cookie=cookie)
    return status == 302 and "login" not in headers["Location"]


class Part:
    """A program that can be killed and started again; ``begin`` starts it, returns its process."""

    def __init__(self, begin):
        self._begin = begin
        self.start()

    def start(self):
        self._process = self._begin()

    def kill(self):
        if self._process.poll() is None:
            kill(self._process.pid)
            self._process.wait()


class Still:
    """A database server that ``kill`` only freezes and ``start`` resumes."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._still = contextlib.ExitStack()

    def kill(self):
        self._still.enter_context(self._cluster.frozen())

    def start(self):
        self._still.close()


def program(*command, port):
    """Start a program; return its process as soon as it accepts connections."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: listens(port))
    return process


def phase(name, people, part=None):
    """Run one phase, in which ``part`` is killed and started again; return what users noticed."""
    people.seen = seen = Seen()
    ended = time.monotonic() + SECONDS
    pause = threading.Event()
    pause.wait(1)
    if part is not None:
        part.kill()
        pause.wait(SECONDS / 2)
        part.start()
    pause.wait(max(ended - time.monotonic(), 2))
    print(
        f"  {name:<24} {seen.pages:>7,} {len(seen.errors):>7} {seen.slowest:>9.2f} s"
        f" {seen.saved:>8} {seen.told:>7} {len(seen.stale):>7}",
        flush=True,
    )
    return seen


def main():
    needed = {"nginx": shutil.which("nginx") or "/usr/sbin/nginx", "redis": "redis-server"}
    missing = [name for name, path in needed.items() if not shutil.which(path)]
    bin_dir = postgresql_bin()
    if missing or bin_dir is None:
        print(f"Not on this machine: {', '.join(missing or ['PostgreSQL’s server'])}")
        return 1
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="allies-cluster-")))
        primary = Cluster(bin_dir, archive=cluster_archive(bin_dir), remembers=True)
        stack.callback(primary.remove)
        site = LiveSiteFactory(folder, primary.url).new()
        stack.callback(site.stop)
        site.shell(
            "from django.contrib.auth.models import User;"
            f"User.objects.create_superuser('ann', password='{PASSWORD}')"
        )
        replica = Cluster(bin_dir, of=primary, remembers=True)
        stack.callback(replica.remove)
        database = site.environment["DATABASE_URL"].rpartition("/")[2]
        redis_port, one, two, port = (free_port() for _number in range(4))
        at_home = ("--port", str(redis_port), "--save", "", "--dir", str(folder))
        redis = Part(lambda: program("redis-server", *at_home, port=redis_port))
        stack.callback(redis.kill)
        site.environment |= {
            "DATABASE_REPLICA_URLS": replica.url_of(database),
            "CACHE_URL": f"redis://127.0.0.1:{redis_port}/0",
            "ALLIES_BEHIND_PROXY": "true",
        }
        webs = [Part(partial(site.web, number, threads=8)) for number in (one, two)]
        workers = [Part(site.worker), Part(site.worker)]
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, one=one, two=two, port=port))
        folder.chmod(0o755)
        places = ("-c", str(config), "-p", str(folder))
        nginx = Part(lambda: program(needed["nginx"], *places, port=port))
        stack.callback(nginx.kill)
        wait_for(lambda: answer(f"http://127.0.0.1:{port}/healthz")[0] == 200)
        russia = site.shell(
            "from allies.models import Country; print(Country.objects.get(alpha3='RUS').pk)"
        )
        people = People(port, [one, two], russia)
        print(
            f"  {'killed':<24} {'pages':>7} {'errors':>7} {'slowest':>11}"
            f" {'saved':>8} {'told':>7} {'stale':>7}"
        )
        parts = {
            "nothing": None,
            "a web server": webs[0],
            "the other web server": webs[1],
            "Redis": redis,
            "the replica": replica,
            "the primary": primary,
            "the replica (still)": Still(replica),
            "the primary (still)": Still(primary),
            "a worker": workers[0],
            "nothing again": None,
        }
        seen = {name: phase(name, people, part) for name, part in parts.items()}
        people.stop()
        with psycopg.connect(host=str(primary.dir), user="allies", dbname=database) as connection:
            rows = connection.execute("SELECT name FROM allies_alias").fetchall()
        lost = set(people.acknowledged) - {name for (name,) in rows}
        print(f"  saved and lost: {len(lost)} of {len(people.acknowledged)}")
        problems = [
            *(f"{name}: readers saw {one.errors[:3]}" for name, one in seen.items() if one.errors),
            *(
                f"{name}: not seen at once {one.stale[:3]}"
                for name, one in seen.items()
                if one.stale and not name.startswith("the primary")
            ),
            *(f"{name}: nothing saved" for name, one in seen.items() if not one.saved),
            *([f"lost: {sorted(lost)[:3]}"] if lost else []),
        ]
        for problem in problems:
            print(problem)
        return len(problems)


if __name__ == "__main__":
    sys.exit(bool(main()))
