"""Backup: during editing, restored on either database, and on a full disk."""

import json
import stat
import zipfile

import pytest

from tests.live_site import LiveSiteFactory

WRITER = """
from allies.models import *
for n in range(40):
    source = Source(key=f"{name}-{{n}}", publisher="P", title="T", status="published")
    source.save()
"""

#: Creates an uploaded file that waits for its import, with all 256 byte values.
WAITING = (
    "from allies.models import *;"
    "one = Changeset.objects.create(kind='import', file_name='a.csv');"
    "where = dict(changeset=one, name='a.csv', number=0, stamp='1');"
    "JobFile.objects.create(content=bytes(range(256)), **where)"
)
WAITS = "from allies.models import *; print([*bytes(JobFile.objects.get(stamp='1').content)])"

COUNTS = (
    "from django.apps import apps; print({m._meta.db_table: m._base_manager.count() "
    "for m in apps.get_app_config('allies').get_models(include_auto_created=True) "
    "if m._meta.model_name not in ('contentchange', 'sentform', 'keptform')})"
)


@pytest.fixture
def other(tmp_path):
    """Return an empty site on SQLite, whatever database this test run uses."""
    factory = LiveSiteFactory(tmp_path, "")
    yield factory.empty()
    factory.stop()


def manifest(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("manifest.json"))


@pytest.mark.slow
def test_backup_during_editing_is_restored_completely_on_any_database(
    live_site, live_site_factory, other, tmp_path
):
    upload = live_site.folder / "uploads" / "imports" / "7" / "file.csv"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"a,b\r\n" * 1000)
    live_site.shell(WAITING)
    writers = [
        live_site.start("manage.py", "shell", "-v0", "-c", WRITER.format(name=name))
        for name in ("ann", "ben")
    ]
    file = tmp_path / "one.zip"
    live_site.manage("backup", file)
    assert [(w.wait(), w.said.read_text()) for w in writers] == [(0, ""), (0, "")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "whole" in live_site.manage("restore", file, "--check")

    other.manage("restore", file)
    assert (other.folder / "uploads/imports/7/file.csv").read_bytes() == upload.read_bytes()
    assert other.shell(WAITS) == str([*range(256)])
    members = manifest(file)["members"]
    counts = eval(other.shell(COUNTS))
    assert counts == {name: members[f"tables/{name}.jsonl"]["rows"] for name in counts}
    assert counts["allies_country"] > 250
    # A snapshot: each source that was written has its version, and each version its source.
    count = "from allies.models import Source as S; print(S.objects.count(), S.history.count())"
    written, versions = other.shell(count).split()
    assert written == versions
    other.manage("check_evidence")

    # Back to the first database: all backups have the same tables, byte for byte.
    again = tmp_path / "two.zip"
    other.manage("backup", again)
    assert manifest(again)["members"] == members
    back = live_site_factory.empty()
    back.manage("restore", again)
    third = tmp_path / "three.zip"
    back.manage("backup", third)
    assert manifest(third)["members"] == members
    # The sequences of ids continue after the restored rows.
    back.shell("from tests import factories; factories.event(('RUS', 'host'))")


@pytest.mark.slow
def test_backup_and_restore_overwrite_only_with_replace(live_site, tmp_path):
    file = tmp_path / "one.zip"
    live_site.manage("backup", file)
    assert "already exists" in live_site.manage("backup", file, check=False)
    live_site.shell("from allies.models import Source; Source.objects.update(title='Changed')")
    said = live_site.manage("restore", file, check=False)
    assert "not empty" in said
    assert "--replace" in said
    count = (
        "from allies.models import Source as S; print(S.objects.filter(title='Changed').count())"
    )
    every = live_site.shell("from allies.models import Source; print(Source.objects.count())")
    assert live_site.shell(count) == every != "0"
    tag = "from allies.db.content_version import content_version; print(content_version())"
    before = live_site.shell(tag)
    assert "has to sign in again" in live_site.manage("restore", file, "--replace")
    assert live_site.shell(count) == "0"
    assert live_site.shell(tag) != before


@pytest.mark.slow
def test_backup_on_a_full_disk_leaves_no_partial_file(live_site, tmp_path):
    told = live_site.manage("backup", tmp_path / "one.zip", check=False, room=60_000)
    assert "could not be written" in told
    assert "Traceback" not in told
    assert [*tmp_path.iterdir()] == []
