"""Databases and static files of a site, prepared once for many test runs.

They are stored in `var/test-databases/` under a key, a hash of all that determines them. The first
process that needs one builds it, which takes 20 seconds of processor time. Others wait for it.

| name | contents |
| --- | --- |
| ``sqlite-KEY`` | folder with ``starter.sqlite3``, and ``migrated.sqlite3`` without content |
| ``postgresql-KEY`` | archive of a cluster with the databases ``starter`` and ``migrated`` |
| ``static-KEY`` | folder with collected static files |
"""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / "var" / "test-databases"
STARTER, MIGRATED = "starter", "migrated"
#: How many of each kind are kept.
KEPT = 3
#: Packages of `allies/` without effect on the content, which are not hashed. The build fails if
#: code in one of them runs while the starter content is loaded.
NOT_HASHED = frozenset(
    {
        *("accounts", "admin", "admin_site", "api", "charts", "citations", "compatibility"),
        *("datapackage", "downloads", "editorial", "exports", "feeds", "filters"),
        *("form_submissions", "http", "link_checking", "locale", "monitoring", "page_cache"),
        *("templatetags", "views", "web"),
    }
)


def sqlite_folder():
    """Return the folder with the SQLite databases."""
    return _stored("sqlite", _database_key, _build_sqlite)


def cluster_archive(bin_dir):
    """Return the archive of the data folder of a PostgreSQL cluster, for this server version."""
    version = subprocess.check_output([bin_dir / "postgres", "--version"])
    build = functools.partial(_build_cluster, bin_dir)
    return _stored("postgresql", lambda: _hash(_database_key(), version), build)


def static_folder():
    """Return the folder with collected static files."""
    return _stored("static", _static_key, _build_static)


def site_environment(folder, database=""):
    """Return the environment variables of a process of a live site."""
    others = ("ALLIES_", "DATABASE_")
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(others)},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ALLIES_DATA_DIR": str(folder),
        "ALLIES_SECRET_KEY": "for tests only, and as long as a secret has to be at least",
        **({"DATABASE_URL": database} if database else {}),
    }


def _database_key():
    """Return a hash of the code and the files that determine the content of the databases.

    The day is part of it, because tests compare dates of the content with today.
    """
    packages = (path for path in (ROOT / "allies").iterdir() if path.name not in NOT_HASHED)
    files = [file for path in packages for file in ([path] if path.is_file() else _files_in(path))]
    return _hash(datetime.now(UTC).date(), *_environment_key(), *_contents(files))


def _static_key():
    files = [path for name in ("static", "docs/screenshots") for path in _files_in(ROOT / name)]
    return _hash(*_environment_key(), *_contents(files))


def _environment_key():
    """Return the versions of Python and the packages, and the hashes of settings and builders."""
    packages = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*-info"))
    ours = [*_files_in(ROOT / "config"), Path(__file__), ROOT / "tests" / "postgresql.py"]
    return (sys.version, *packages, *_contents(ours))


def _files_in(folder):
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _contents(paths):
    """Return pairs of the path and the hash of each file."""
    return [
        (str(path.relative_to(ROOT)), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(paths)
    ]


def _hash(*parts):
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def _stored(kind, key_of, build):
    """Return the path of what is stored for the current key; ``build(path)`` it if there is none.

    One process builds it, under a temporary name, while others that need it wait.
    """
    while not (path := STORE / f"{kind}-{key_of()}").exists():
        STORE.mkdir(parents=True, exist_ok=True)
        with (STORE / f"{kind}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                _remove(*STORE.glob(f"building-{kind}-*"))  # of processes that were killed
                unfinished = STORE / f"building-{path.name}"
                build(unfinished)
                if path.name == f"{kind}-{key_of()}":  # no file was changed meanwhile
                    unfinished.rename(path)
                by_use = sorted(STORE.glob(f"{kind}-*"), key=lambda found: found.stat().st_mtime)
                _remove(*by_use[:-KEPT])
    os.utime(path)
    return path


def _remove(*paths):
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _build_sqlite(folder):
    folder.mkdir()
    with tempfile.TemporaryDirectory(prefix="allies-build-") as data:
        _run_in_site(data, "", "-m", "tests.prepared_site", folder)


def _build_cluster(bin_dir, archive):
    from tests.postgresql import Cluster

    cluster = Cluster(bin_dir)
    try:
        cluster.create_database(STARTER)
        with tempfile.TemporaryDirectory(prefix="allies-build-") as data:
            _run_in_site(data, cluster.url_of(STARTER), "-m", "tests.prepared_site")
        cluster.stop("fast")
        cluster.pack(archive)
    finally:
        cluster.remove()


def _build_static(folder):
    with tempfile.TemporaryDirectory(prefix="allies-build-") as data:
        _run_in_site(data, "", "manage.py", "collectstatic", "--noinput", "-v0")
        shutil.move(Path(data) / "static", folder)


def _run_in_site(folder, database, *args):
    environment = site_environment(folder, database)
    done = subprocess.run(
        [sys.executable, *map(str, args)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"The test database cannot be built.\n{done.stdout}{done.stderr}")


def build_databases(folder=None):
    """Fill the databases ``migrated`` and ``starter``; on SQLite, files in this folder."""
    import django

    django.setup()
    from django.core.management import call_command

    from allies.tasks import refresh_statistics

    call_command("migrate", verbosity=0, skip_checks=True)
    _copy_database(MIGRATED, folder)
    ran = _files_that_run(lambda: call_command("load_demo_data", skip_checks=True))
    refresh_statistics.call()  # as the worker does after an import
    _copy_database(STARTER, folder)
    if unhashed := {name for name in NOT_HASHED if any(f"/allies/{name}/" in file for file in ran)}:
        raise SystemExit(f"NOT_HASHED contains packages that load the content: {unhashed}")


def _copy_database(name, folder):
    """Copy the database of this site to another name, unless it has that name."""
    from django.db import connection

    if connection.vendor == "sqlite":
        connection.cursor().execute("VACUUM INTO %s", [f"{folder}/{name}.sqlite3"])
    elif (source := connection.settings_dict["NAME"]) != name:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


def _files_that_run(work):
    """Call ``work``; return the files whose functions ran."""
    ran = set()
    sys.settrace(lambda frame, _event, _argument: ran.add(frame.f_code.co_filename))
    work()
    sys.settrace(None)
    return ran


if __name__ == "__main__":
    build_databases(*sys.argv[1:])
