"""Only the site's user can read the data folder; everyone can read static files."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from tests.imports.files import write
from tests.live_site import ROOT, Site
from tests.prepared_site import MIGRATED, sqlite_folder

pytestmark = pytest.mark.sqlite_only


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder):
    return sorted(str(path) for path in [folder, *folder.rglob("*")] if mode(path) & 0o077)


@pytest.fixture
def lax_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.slow
def test_files_of_a_site_are_private(tmp_path, lax_umask):
    site = Site(tmp_path / "data")
    site.environment |= {
        "ALLIES_STATIC_ROOT": str(tmp_path / "static"),
        "ALLIES_SECRET_KEY": "",
        "ALLIES_METRICS_TOKEN": "a token that is long enough for a test",
    }
    try:
        site.manage("migrate", "-v0")
        site.manage("load_demo_data")
        site.manage("collectstatic", "--noinput", "-v0")
        site.serve()
        site.shell(
            "from django.core.files.base import ContentFile;"
            "from allies.models import Changeset;"
            "one = Changeset.objects.create(kind='import', file_name='a.csv');"
            "one.file.save('a.csv', ContentFile(b'a,b'), save=False);"
            "one.save(update_fields=['file'])"
        )
        names = {path.name for path in site.folder.rglob("*")}
        assert {"db.sqlite3", "db.sqlite3-wal", "secret_key", "imports", "metrics"} <= names
        assert open_to_others(site.folder) == []
        # A proxy with another user must be able to read all static files, compressed ones too.
        static = [*(tmp_path / "static").rglob("*")]
        assert {path.suffix for path in static} >= {".css", ".gz", ".json"}
        assert [path for path in static if not mode(path) & 0o004] == []
    finally:
        site.stop()


@pytest.mark.slow
def test_permissions_are_fixed_at_the_next_start(tmp_path, lax_umask):
    site = Site(tmp_path)
    shutil.copyfile(sqlite_folder() / f"{MIGRATED}.sqlite3", tmp_path / "db.sqlite3")
    (tmp_path / "uploads" / "imports").mkdir(parents=True)
    write(tmp_path / "uploads" / "imports" / "a.csv", [{"a": 1}])
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    said = site.manage("check")
    assert open_to_others(tmp_path) == []
    assert "W003" not in said


@pytest.mark.slow
def test_unrecognised_data_folder_is_unchanged_and_reported(tmp_path, lax_umask):
    (tmp_path / "letters").mkdir()
    tmp_path.chmod(0o755)
    said = Site(tmp_path).manage("check")
    assert mode(tmp_path) == 0o755
    assert "allies.W003" in said
    assert str(tmp_path) in said


def test_source_code_stays_readable(tmp_path, lax_umask):
    """Compiled catalogues are in images that run as another user."""
    compiled = ROOT / "allies/locale/id/LC_MESSAGES/django.mo"
    before = compiled.read_bytes()
    compiled.unlink()
    command = [sys.executable, "manage.py", "messages", "--compile"]
    subprocess.run(command, cwd=ROOT, env=Site(tmp_path).environment, check=True)
    assert compiled.stat().st_size == len(before)
    assert mode(compiled) & 0o004
