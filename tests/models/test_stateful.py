"""States change by compare-and-set: one of several writers wins, and stale copies write nothing."""

import datetime as dt
import json

import pytest
from django.apps import apps
from django.utils import timezone

from allies.imports.tasks import discard, start_apply, start_check
from allies.models import (
    Appointment,
    Changeset,
    ChangesetState,
    Correction,
    Edition,
    EditionImmutable,
    PreviewLink,
    StateConflict,
    Stateful,
)
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def one_of(model, user):
    """Return a row of a stateful model."""
    event = factories.event(("RUS", "host"))
    about = {"noun": "event", "record_id": event.pk}
    soon = timezone.now() + dt.timedelta(days=1)
    if model is Changeset:
        return Changeset.objects.create(noun="aliases", created_by=user)
    if model is Appointment:
        return Appointment.objects.create(**about, created_by=user, step="publish", due_at=soon)
    if model is PreviewLink:
        return PreviewLink.objects.create(**about, created_by=user, expires_at=soon)
    if model is Correction:
        return Correction.objects.create(**about, text="Wrong.")
    assert model is Edition, f"say here how a {model.__name__} is made"
    return Edition.objects.first()


#: Fields that another user writes meanwhile.
MEANWHILE = {
    Changeset: {"state": "applied", "applied_at": timezone.now},
    Appointment: {"done_at": timezone.now},
    PreviewLink: {"revoked_at": timezone.now},
    Correction: {"outcome": "declined", "answer": lambda: "No.", "decided_at": timezone.now},
    Edition: {"retracted_at": timezone.now, "retraction": lambda: "Wrong."},
}

MODELS = list(apps.get_app_config("allies").get_models())
STATEFUL = [model for model in MODELS if issubclass(model, Stateful)]


def test_every_model_with_a_state_is_covered():
    assert set(STATEFUL) == set(MEANWHILE)
    named = {"state", "done_at", "revoked_at", "decided_at", "retracted_at"}
    for model in MODELS:
        if {field.name for field in model._meta.concrete_fields} & named:
            assert issubclass(model, Stateful), f"{model.__name__} has a state"


@pytest.mark.parametrize("model", STATEFUL, ids=lambda model: model.__name__)
def test_stale_copy_cannot_be_written(model, editor):
    old = one_of(model, editor)
    other = model.objects.get(pk=old.pk)
    fields = {k: v() if callable(v) else v for k, v in MEANWHILE[model].items()}
    other.compare_and_set(**fields)
    with pytest.raises(StateConflict):
        old.compare_and_set(**fields)
    with pytest.raises((TypeError, EditionImmutable)):
        old.save()
    with pytest.raises((TypeError, EditionImmutable)):
        old.save(update_fields=list(model.STATE))
    now = model.objects.get(pk=old.pk)
    assert {name: getattr(now, name) for name in fields} == fields


@pytest.mark.parametrize(
    "step",
    [start_check, start_apply, discard, lambda old: old.compare_and_set(undo_also=[])],
    ids=["check", "apply", "discard", "undo_also"],
)
def test_import_applied_meanwhile_stays_applied(step, data_manager):
    old = Changeset.objects.create(noun="aliases", created_by=data_manager, state="checked")
    other = Changeset.objects.get(pk=old.pk)
    other.compare_and_set(
        state=ChangesetState.APPLIED, applied_at=timezone.now(), undo_also=["all"]
    )
    with pytest.raises(StateConflict):
        step(old)
    now = Changeset.objects.get(pk=old.pk)
    assert (now.state, now.undo_also) == ("applied", ["all"])


ALL_AT_ONCE = """
import json, threading
from django.db import connection
from allies.models import Changeset, StateConflict
Changeset.objects.create(noun="aliases", state="checked", file_name="at-once")
copies = [Changeset.objects.get(file_name="at-once") for _number in range(8)]
ready, outcomes = threading.Barrier(8), []
def take(copy, number):
    ready.wait()
    try:
        copy.compare_and_set(state="applying", run=f"run-{{number}}")
        outcomes.append(number)
    except StateConflict:
        outcomes.append(None)
    finally:
        connection.close()
threads = [threading.Thread(target=take, args=(c, n)) for n, c in enumerate(copies)]
[t.start() for t in threads]
[t.join() for t in threads]
now = Changeset.objects.get(file_name="at-once")
print(json.dumps([outcomes, now.run]))
""".replace("{{", "{").replace("}}", "}")


def test_concurrent_compare_and_set_has_one_winner(live_site):
    outcomes, run = json.loads(live_site.shell(ALL_AT_ONCE))
    winners = [number for number in outcomes if number is not None]
    assert len(outcomes) == 8
    assert [f"run-{number}" for number in winners] == [run]
