"""If a process is killed at any time, the site has all of a changeset or none of it."""

import random
import subprocess

import pytest

from tests.imports.files import write
from tests.live_site import Site, wait_for

EVENTS = 40

COUNT = """
from allies.models import *
there = {"event__slug__startswith": "kill-"}
parts = Participation
print(parts.objects.filter(**there).count(), parts.history.filter(**there).count(), end=" ")
print(Changeset.objects.applied().count())
"""


def files(folder):
    """Write events and participations; return the two files and the number of participations."""
    codes = ["RUS", "CHN", "IND", "PRK", "IRN", "IDN", "THA", "VNM", "SYR", "BLR"]
    events = [
        {"slug": f"kill-{n}", "kind": "un-vote", "title_en": f"Vote {n}", "date": "1990"}
        for n in range(EVENTS)
    ]
    rows = [
        {"event": event["slug"], "country": code, "role": role}
        for event in events
        for code in codes
        for role in ("for", "against", "abstained", "absent", "host", "visitor", "target")
    ]
    return write(folder / "e.csv", events), write(folder / "p.csv", rows), len(rows)


def killed_after(process, seconds):
    """Kill the process after this time, unless it has ended before."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_apply_and_undo_are_atomic_when_killed_at_random_times(live_site, tmp_path):
    events, rows, number = files(tmp_path)
    live_site.manage("import_csv", "events", events, "--commit")
    applied = int(live_site.shell(COUNT).split()[2])
    moments = random.Random(7)
    for _time in range(5):
        killed_after(
            live_site.start("manage.py", "import_csv", "participations", rows, "--commit"),
            moments.uniform(0.5, 1.6),
        )
        there, versions, now = map(int, live_site.shell(COUNT).split())
        assert (there, versions, now) in {(0, 0, applied), (number, number, applied + 1)}
        if there:
            break
    else:
        live_site.manage("import_csv", "participations", rows, "--commit")
    changeset = applied_number(live_site)
    for _time in range(5):
        killed_after(
            live_site.start("manage.py", "undo_changeset", changeset, "--commit"),
            moments.uniform(0.5, 1.4),
        )
        there, versions, now = map(int, live_site.shell(COUNT).split())
        assert (there, versions, now) in {
            (number, number, applied + 1),
            (0, 2 * number, applied + 2),
        }
        if not there:
            break
    else:
        live_site.manage("undo_changeset", changeset, "--commit")
        assert int(live_site.shell(COUNT).split()[0]) == 0


def applied_number(site):
    return site.shell(
        "from allies.models import *; print(Changeset.objects.applied().latest('pk').pk)"
    )


UPLOAD = """
from pathlib import Path
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from allies.models import *
from allies.imports.own_csv import sha256_of
from allies.imports.tables import detect_format
from allies.imports.mapping import identity_mapping
from allies.imports.tasks import start_check
from allies.imports.shared_files import share_file
user = User.objects.create_superuser("chief")
file = Path({file!r})
changeset = Changeset.objects.create(
    noun="participations", file=ContentFile(file.read_bytes(), "p.csv"), file_name="p.csv",
    file_format=detect_format(file).as_json(), created_by=user, sha256=sha256_of(file),
    mapping=identity_mapping("participations", ["event", "country", "role"]))
share_file(changeset, Path(changeset.file.path))
start_check(changeset)
print(changeset.pk)
"""

STATE = "from allies.models import *; print(Changeset.objects.get(pk={0}).state)"
SWEEP = """
import os
from datetime import timedelta
from django.db.models import F
from allies.models import *
from allies.imports import tasks, shared_files
changeset = Changeset.objects.get(pk={0})
note = changeset.folder / "progress.json"
if shared_files.has_other_servers():  # the last sign of life is from a while ago
    notes = JobFile.objects.filter(changeset=changeset, name="progress.json")
    notes.update(written_at=F("written_at") - timedelta(hours=1))
elif note.exists():
    os.utime(note, (0, 0))
tasks.reap_stale()
changeset.refresh_from_db()
print(changeset.state, "|", changeset.message)
"""
AT_WORK = """
import time
from allies.models import *
from allies.imports.progress import get_progress
changeset = Changeset.objects.get(pk={0})
while get_progress(changeset) is None and changeset.state != "applied":
    time.sleep(0.01)
    changeset.refresh_from_db()
"""
APPLY = """
from allies.models import *
from allies.imports.tasks import start_apply
start_apply(Changeset.objects.get(pk={0}))
"""


@pytest.mark.slow
def test_job_of_a_killed_worker_is_noticed_and_can_be_restarted(live_site, tmp_path):
    events, rows, number = files(tmp_path)
    live_site.manage("import_csv", "events", events, "--commit")
    changeset = live_site.shell(UPLOAD.format(file=str(rows)))
    worker = live_site.worker()
    wait_for(lambda: live_site.shell(STATE.format(changeset)) == "checked")
    live_site.shell(APPLY.format(changeset))
    live_site.shell(AT_WORK.format(changeset))
    worker.kill()
    worker.wait()
    said = live_site.shell(SWEEP.format(changeset))
    there = int(live_site.shell(COUNT).split()[0])
    assert there in (0, number)
    if there == 0:
        assert said.startswith("checked |")
        assert "Nothing was changed" in said
        live_site.worker()
        live_site.shell(APPLY.format(changeset))
        wait_for(lambda: live_site.shell(STATE.format(changeset)) == "applied")
    assert int(live_site.shell(COUNT).split()[0]) == number


PLANNED = """
from allies.models import *
from allies.imports.tasks import open_plan
with open_plan(Changeset.objects.get(pk={0})) as plan:
    print(plan.count("new", "participations"))
"""
LEFT = "from allies.models import *; print(JobFile.objects.count())"


def test_servers_need_nothing_of_each_others_folders(live_site, tmp_path):
    """One server receives the file, another's worker applies it, and the first shows the result."""
    if "DATABASE_URL" not in live_site.environment:
        pytest.skip("several servers need PostgreSQL")
    events, rows, number = files(tmp_path)
    live_site.manage("import_csv", "events", events, "--commit")
    other = Site(tmp_path / "another-server", live_site.environment["DATABASE_URL"])
    other.folder.mkdir()
    try:
        other.worker()
        changeset = live_site.shell(UPLOAD.format(file=str(rows)))
        wait_for(lambda: live_site.shell(STATE.format(changeset)) == "checked")
        assert int(live_site.shell(PLANNED.format(changeset))) == number
        live_site.shell(APPLY.format(changeset))
        live_site.shell(AT_WORK.format(changeset))
        wait_for(lambda: live_site.shell(STATE.format(changeset)) == "applied")
        assert int(live_site.shell(COUNT).split()[0]) == number
        wait_for(lambda: live_site.shell(LEFT) == "0")
    finally:
        other.stop()
