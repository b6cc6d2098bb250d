"""Backups: made while the site is at work, and worth what bringing them back shows."""

import json
import stat
import zipfile

from tests.bombs import with_members
from tests.site import Site

WRITER = """
from allies.models import *
for n in range(40):
    source = Source(key=f"{name}-{{n}}", publisher="P", title="T", status="published")
    source.save()
"""

#: A file that waits to be applied, as the servers of a site share it: any bytes.
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
    "if m._meta.model_name != 'contentchange'})"
)


def elsewhere(folder):
    """Return an empty site on SQLite, whatever database this run is about."""
    folder.mkdir()
    site = Site(folder)
    site.manage("migrate", "-v0")
    return site


def manifest(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("manifest.json"))


def rewritten(file, target, **members):
    """Copy a backup with some members changed."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.split("/")[-1].split(".")[0], old.read(name)))
    return target


def test_a_backup_made_under_editing_comes_back_whole_on_any_database(site, sites, tmp_path):
    upload = site.folder / "uploads" / "imports" / "7" / "file.csv"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"a,b\r\n" * 1000)
    site.shell(WAITING)
    writers = [
        site.start("manage.py", "shell", "-v0", "-c", WRITER.format(name=name))
        for name in ("ann", "ben")
    ]
    file = tmp_path / "one.zip"
    site.manage("backup", file)
    assert [(w.wait(), w.said.read_text()) for w in writers] == [(0, ""), (0, "")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "whole" in site.manage("restore", file, "--check")

    other = elsewhere(tmp_path / "sqlite")
    other.manage("restore", file)
    assert (other.folder / "uploads/imports/7/file.csv").read_bytes() == upload.read_bytes()
    assert other.shell(WAITS) == str([*range(256)])
    members = manifest(file)["members"]
    counts = eval(other.shell(COUNTS))
    assert counts == {name: members[f"tables/{name}.jsonl"]["rows"] for name in counts}
    assert counts["allies_country"] > 250
    # One moment: each source that was written has its version, and the other way round.
    count = "from allies.models import Source as S; print(S.objects.count(), S.history.count())"
    written, versions = other.shell(count).split()
    assert written == versions
    other.manage("check_evidence")

    # And back: what a backup of it holds is the same, table by table, byte for byte.
    again = tmp_path / "two.zip"
    other.manage("backup", again)
    assert manifest(again)["members"] == members
    back = sites.empty()
    back.manage("restore", again)
    third = tmp_path / "three.zip"
    back.manage("backup", third)
    assert manifest(third)["members"] == members
    # Numbers go on where they were: what is written next gets one of its own.
    back.shell("from tests import cast; cast.event(('RUS', 'host'))")


def test_what_is_there_is_not_overwritten_unless_one_says_so(site, tmp_path):
    file = tmp_path / "one.zip"
    site.manage("backup", file)
    assert "is there already" in site.manage("backup", file, check=False)
    site.shell("from allies.models import Source; Source.objects.update(title='Changed')")
    said = site.manage("restore", file, check=False)
    assert "not empty" in said
    assert "--replace" in said
    count = (
        "from allies.models import Source as S; print(S.objects.filter(title='Changed').count())"
    )
    assert site.shell(count) == "12"
    tag = "from allies.caching.version import content_version; print(content_version())"
    before = site.shell(tag)
    assert "signs in anew" in site.manage("restore", file, "--replace")
    assert site.shell(count) == "0"
    assert site.shell(tag) != before


#: What becomes of a backup, and what is said of it.
DAMAGE = {
    "cut short": (lambda file, bad: bad.write_bytes(file.read_bytes()[:5000]), "no whole backup"),
    "no archive": (lambda file, bad: bad.write_bytes(b"not a zip"), "no whole backup"),
    "changed": (lambda file, bad: rewritten(file, bad, allies_source=b'["id"]\n'), "damaged"),
    "another form": (lambda file, bad: rewritten(file, bad, manifest=b'{"form": "x"}'), "form"),
    "no manifest": (lambda file, bad: rewritten(file, bad, manifest=b"[]"), "no whole backup"),
    "another version": (
        lambda file, bad: rewritten(
            file, bad, manifest=json.dumps({**manifest(file), "migrations": ["a.0001"]}).encode()
        ),
        "another version",
    ),
    "nested": (
        lambda file, bad: rewritten(file, bad, manifest="[" * 100_000),
        "no whole backup",
    ),
    "a manifest without end": (
        lambda file, bad: rewritten(file, bad, manifest=" " * (65 << 20)),
        "more than 64 MB",
    ),
    "many members": (lambda file, bad: with_members(bad), "no whole backup"),
}


def test_what_is_no_whole_backup_changes_nothing(site, tmp_path):
    file, bad = tmp_path / "one.zip", tmp_path / "bad.zip"
    site.manage("backup", file)
    before = site.shell(COUNTS)
    for kind, (damage, said) in DAMAGE.items():
        damage(file, bad)
        told = site.manage("restore", bad, "--replace", check=False)
        assert said in told, (kind, told)
        assert "Traceback" not in told
    assert site.shell(COUNTS) == before


def test_a_disk_that_is_full_leaves_no_half_file(site, tmp_path):
    told = site.manage("backup", tmp_path / "one.zip", check=False, room=60_000)
    assert "could not be written" in told
    assert "Traceback" not in told
    assert [*tmp_path.iterdir()] == []
