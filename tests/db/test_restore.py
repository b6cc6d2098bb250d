"""Restore: damaged backups, full disks and kills never leave half of a site."""

import json
import random
import shutil
import signal
import subprocess
import zipfile
from hashlib import sha256

import pytest

from tests.db.test_backup import COUNTS, manifest
from tests.decompression_bombs import with_members
from tests.live_site import answer


def rewritten(file, target, **members):
    """Copy a backup with some members changed."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.split("/")[-1].split(".")[0], old.read(name)))
    return target


def with_manifest(file, target, change, **uploads):
    """Copy a backup with uploads added and its manifest changed by a function."""
    described = manifest(file)
    for content in uploads.values():
        described["members"][content[0]] = {"sha256": sha256(content[1]).hexdigest()}
    change(described)
    rewritten(file, target, manifest=json.dumps(described).encode())
    with zipfile.ZipFile(target, "a") as archive:
        for name, content in uploads.values():
            archive.writestr(name, content)


def late(name, content=b"x"):
    """Return a function that adds an upload with this name as the last member."""
    return lambda file, bad: with_manifest(file, bad, lambda m: None, late=(name, content))


def noisy(file, bad):
    """Copy a backup with a byte changed in its last compressed member."""
    with zipfile.ZipFile(file) as archive:
        last = [info for info in archive.infolist() if info.file_size > 2000][-2]
    content = bytearray(file.read_bytes())
    content[last.header_offset + 300] ^= 0xFF
    bad.write_bytes(content)


def bad_row(file, bad):
    """Copy a backup with two rows of the same id in one table."""
    name = "tables/allies_source.jsonl"
    with zipfile.ZipFile(file) as archive:
        lines = archive.read(name).splitlines(keepends=True)
    content = b"".join([*lines, lines[-1]])  # the last row twice

    def change(described):
        described["members"][name] = {"sha256": sha256(content).hexdigest(), "rows": len(lines)}

    described = manifest(file)
    change(described)
    rewritten(file, bad, allies_source=content, manifest=json.dumps(described).encode())


#: Kind of damage → (function that makes it, text in the error message).
DAMAGE = {
    "cut short": (
        lambda file, bad: bad.write_bytes(file.read_bytes()[:5000]),
        "not a complete backup",
    ),
    "last byte lost": (lambda file, bad: bad.write_bytes(file.read_bytes()[:-1]), ""),
    "noise": (noisy, "complete backup"),
    "no archive": (lambda file, bad: bad.write_bytes(b"not a zip"), "not a complete backup"),
    "changed": (lambda file, bad: rewritten(file, bad, allies_source=b'["id"]\n'), "damaged"),
    "another form": (lambda file, bad: rewritten(file, bad, manifest=b'{"form": "x"}'), "form"),
    "no manifest": (
        lambda file, bad: rewritten(file, bad, manifest=b"[]"),
        "not a complete backup",
    ),
    "another version": (
        lambda file, bad: with_manifest(file, bad, lambda m: m.update(migrations=["a.0001"])),
        "another version",
    ),
    "no migrations": (
        lambda file, bad: with_manifest(file, bad, lambda m: m.pop("migrations")),
        "not a complete backup",
    ),
    "no day": (
        lambda file, bad: with_manifest(file, bad, lambda m: m.pop("made")),
        "not a complete",
    ),
    "a table fewer": (
        lambda file, bad: with_manifest(
            file, bad, lambda m: m["members"].pop("tables/allies_source.jsonl")
        ),
        "table allies_source is missing",
    ),
    "a late member that leads out": (late("uploads/../../out.txt"), "outside the upload folder"),
    "a late member without a name": (late("uploads/a//b"), "outside the upload folder"),
    "a late member that is too long": (late(f"uploads/{'x' * 300}"), "outside the upload folder"),
    "a late member in a file": (late("uploads/imports/7/file.csv/x"), "inside a file"),
    "a late member of nothing": (late("else/x"), "neither a table nor an upload"),
    "a row that breaks a rule": (bad_row, "rows cannot be written"),
    "nested": (
        lambda file, bad: rewritten(file, bad, manifest="[" * 100_000),
        "not a complete backup",
    ),
    "a manifest without end": (
        lambda file, bad: rewritten(file, bad, manifest=" " * (65 << 20)),
        "larger than 64 MB",
    ),
    "many members": (lambda file, bad: with_members(bad), "not a complete backup"),
}


@pytest.mark.slow
def test_damaged_backup_changes_nothing(live_site, tmp_path):
    file, bad = tmp_path / "one.zip", tmp_path / "bad.zip"
    uploads(live_site, "before")
    live_site.manage("backup", file)
    uploads(live_site, "after")
    before = live_site.shell(CHANGE + STATE)
    for kind, (damage, said) in DAMAGE.items():
        damage(file, bad)
        told = live_site.manage("restore", bad, "--replace", check=False)
        assert said in told, (kind, told)
        assert "Nothing was changed" in told, (kind, told)
        assert "Traceback" not in told, (kind, told)
    assert state(live_site) == before
    assert [path.name for path in (live_site.folder / "uploads").iterdir()] == ["imports"]


#: Prints what a restore replaces: row counts, titles of sources, and the uploads.
STATE = f"""
{COUNTS}
from allies.models import Source
from pathlib import Path
from django.conf import settings
print(*Source.objects.order_by("key").values_list("title", flat=True))
for path in sorted(Path(settings.MEDIA_ROOT).rglob("*")):
    print(path, path.read_text() if path.is_file() else "")
"""
CHANGE = "from allies.models import Source; Source.objects.update(title='Later')\n"
RESUME = (
    "from allies.db.uploads_restore import resume_interrupted; "
    "print('resumed', *resume_interrupted())\n"
)


def uploads(site, text):
    for number in (7, 8):
        folder = site.folder / "uploads/imports" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "file.csv").write_text(text)


def state(site):
    return site.shell(STATE)


def two_states(site, file):
    """Make a backup, then change the site; return its state now and its state in the backup."""
    uploads(site, "of the backup")
    site.manage("backup", file)
    backed_up = state(site)
    (site.folder / "uploads/extra.csv").write_text("not in the backup")
    uploads(site, "later")
    return site.shell(CHANGE + STATE), backed_up


@pytest.mark.slow
def test_restore_replaces_uploads_and_database(live_site, tmp_path):
    _old, new = two_states(live_site, tmp_path / "one.zip")
    live_site.manage("restore", tmp_path / "one.zip", "--replace")
    assert state(live_site) == new


@pytest.mark.slow
def test_restore_on_a_full_disk_changes_nothing(live_site, tmp_path):
    file = tmp_path / "one.zip"
    (live_site.folder / "uploads").mkdir(exist_ok=True)
    (live_site.folder / "uploads/large.csv").write_bytes(random.Random(1).randbytes(300_000))
    live_site.manage("backup", file)
    before = live_site.shell(COUNTS)
    # The first limit is too small for the uploads. The second is enough for them, but not for the
    # rows.
    has_its_own = bool(live_site.environment.get("DATABASE_URL"))
    for room, what in ((100_000, "uploads"), *([] if has_its_own else [(350_000, "rows")])):
        told = live_site.manage("restore", file, "--replace", check=False, room=room)
        assert f"The {what} cannot be written" in told, told
        assert "Nothing was changed" in told
        assert "Traceback" not in told
        assert live_site.shell(COUNTS) == before
        assert [path.name for path in (live_site.folder / "uploads").iterdir()] == ["large.csv"]


#: Runs a restore that kills itself before the Nth change of folders in the uploads.
KILLED_AT = """
import os, signal, sys
steps = 0
def watch(event, args):
    global steps
    changes = event in ("os.rename", "os.mkdir", "os.rmdir", "shutil.rmtree")
    if changes and ".restoring" in str(args):
        steps += 1
        if steps == {step}:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "restore", {file!r}, "--replace"])
"""


@pytest.mark.slow
def test_restore_killed_at_any_step_is_finished_or_discarded(live_site, tmp_path):
    file = tmp_path / "one.zip"
    old, new = two_states(live_site, file)
    seen = set()
    server = live_site.serve()
    for step in range(1, 60, 2):
        child = live_site.start("-c", KILLED_AT.format(step=step, file=str(file)))
        if child.wait() == 0:
            break
        assert child.returncode == -signal.SIGKILL
        is_noticed = any((live_site.folder / "uploads").glob(".restoring-*"))
        assert is_noticed == ("restore: interrupted" in answer(f"{server}/readyz")[2])
        said, _newline, now = live_site.shell(RESUME + STATE).partition("\n")
        assert now in (old, new), step
        if is_noticed:
            assert ("before it changed anything" in said) == (now == old)
        seen.add(now == new)
        if now == new:
            (live_site.folder / "uploads/extra.csv").write_text("not in the backup")
            uploads(live_site, "later")
            live_site.shell(CHANGE)
    else:
        raise AssertionError("the restore was never left to end")
    assert state(live_site) == new
    assert answer(f"{server}/readyz")[2].count("restore") == 0
    assert seen == {True, False}


@pytest.mark.slow
def test_uploads_that_cannot_be_replaced_are_reported_and_replaced_later(live_site, tmp_path):
    """A mount point in the uploads cannot be renamed. The database is replaced by then."""
    file = tmp_path / "one.zip"
    _old, new = two_states(live_site, file)
    mounted = live_site.folder / "uploads/mounted"
    mounted.mkdir()
    unshare = shutil.which("unshare")
    script = f'mount -t tmpfs none {mounted} && exec "$0" "$@"'
    under = [unshare, "-m", "sh", "-c", script]
    if not unshare or subprocess.run([*under, "true"], capture_output=True).returncode:
        pytest.skip("this kernel lets nobody here mount anything")
    child = live_site.start("manage.py", "restore", str(file), "--replace", under=under)
    assert child.wait() == 1
    told = child.said.read_text()
    assert "The database was replaced" in told
    assert "not all uploads were" in told
    assert "Nothing was changed" not in told
    assert "is now finished" in live_site.manage("restore", "--resume")
    assert state(live_site) == new
