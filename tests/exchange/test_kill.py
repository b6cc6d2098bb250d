"""Killed at any moment, the site holds all of a changeset or none of it."""

import random
import subprocess

from tests.exchange.files import write
from tests.site import wait_for

EVENTS = 40

COUNT = """
from allies.models import *
there = {"event__slug__startswith": "kill-"}
parts = Participation
print(parts.objects.filter(**there).count(), parts.history.filter(**there).count(), end=" ")
print(Changeset.objects.applied().count())
"""


def files(folder):
    """Write events and their participations; return the files and how many participations."""
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
    """Kill the process at that moment, unless it has ended before."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_apply_and_undo_killed_at_random_moments(site, tmp_path):
    events, rows, number = files(tmp_path)
    site.manage("import_csv", "events", events, "--commit")
    applied = int(site.shell(COUNT).split()[2])
    moments = random.Random(7)
    for _time in range(5):
        killed_after(
            site.start("manage.py", "import_csv", "participations", rows, "--commit"),
            moments.uniform(0.5, 1.6),
        )
        there, versions, now = map(int, site.shell(COUNT).split())
        assert (there, versions, now) in {(0, 0, applied), (number, number, applied + 1)}
        if there:
            break
    else:
        site.manage("import_csv", "participations", rows, "--commit")
    changeset = applied_number(site)
    for _time in range(5):
        killed_after(
            site.start("manage.py", "undo_changeset", changeset, "--commit"),
            moments.uniform(0.5, 1.4),
        )
        there, versions, now = map(int, site.shell(COUNT).split())
        assert (there, versions, now) in {
            (number, number, applied + 1),
            (0, 2 * number, applied + 2),
        }
        if not there:
            break
    else:
        site.manage("undo_changeset", changeset, "--commit")
        assert int(site.shell(COUNT).split()[0]) == 0


def applied_number(site):
    return site.shell(
        "from allies.models import *; print(Changeset.objects.applied().latest('pk').pk)"
    )


UPLOAD = """
from pathlib import Path
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from allies.models import *
from allies.exchange.reader import sha256_of
from allies.exchange.tables import detect
from allies.exchange.mapping import identity_mapping
from allies.exchange.jobs import start_check
user = User.objects.create_superuser("chief")
file = Path({file!r})
changeset = Changeset.objects.create(
    noun="participations", file=ContentFile(file.read_bytes(), "p.csv"), file_name="p.csv",
    layout=detect(file).as_json(), created_by=user, sha256=sha256_of(file),
    mapping=identity_mapping("participations", ["event", "country", "role"]))
start_check(changeset)
print(changeset.pk)
"""

STATE = "from allies.models import *; print(Changeset.objects.get(pk={0}).state)"
SWEEP = """
import json, time
from allies.models import *
from allies.exchange import jobs
changeset = Changeset.objects.get(pk={0})
note = changeset.folder / "progress.json"
if note.exists():  # the last sign of life is from a while ago
    note.write_text(json.dumps({{**json.loads(note.read_text()), "at": time.time() - 3600}}))
jobs.sweep()
changeset.refresh_from_db()
print(changeset.state, "|", changeset.message)
"""
APPLY = """
from allies.models import *
from allies.exchange.jobs import start_apply
start_apply(Changeset.objects.get(pk={0}))
"""


def test_job_that_lost_its_worker_is_noticed_and_can_be_started_again(site, tmp_path):
    events, rows, number = files(tmp_path)
    site.manage("import_csv", "events", events, "--commit")
    changeset = site.shell(UPLOAD.format(file=str(rows)))
    worker = site.worker()
    wait_for(lambda: site.shell(STATE.format(changeset)) == "checked")
    folder = next((site.folder / "uploads/imports").iterdir())
    site.shell(APPLY.format(changeset))
    wait_for(lambda: (folder / "progress.json").exists() or not (folder / "file").exists())
    worker.kill()
    worker.wait()
    said = site.shell(SWEEP.format(changeset))
    there = int(site.shell(COUNT).split()[0])
    assert there in (0, number)
    if there == 0:
        assert said.startswith("checked |")
        assert "nothing was written" in said
        site.worker()
        site.shell(APPLY.format(changeset))
        wait_for(lambda: site.shell(STATE.format(changeset)) == "applied")
    assert int(site.shell(COUNT).split()[0]) == number
