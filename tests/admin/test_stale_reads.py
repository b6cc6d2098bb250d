"""A request does not overwrite what another one wrote after its first read."""

import contextlib
import datetime as dt

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.signals import post_init
from django.urls import reverse
from django.utils import timezone

from allies.models import Appointment, Changeset, Event, Status
from tests import factories
from tests.admin.test_permissions import change
from tests.html_forms import forms_of, main_form

pytestmark = pytest.mark.usefixtures("demo_data")


@contextlib.contextmanager
def meanwhile(record, **fields):
    """Write these fields, as another user would, as soon as a request has read the record."""
    written = []

    def write(sender, instance, **signal):
        if instance.pk == record.pk and not written:
            written.append(instance)
            sender._base_manager.filter(pk=record.pk).update(**fields)

    post_init.connect(write, sender=type(record))
    try:
        yield
    finally:
        post_init.disconnect(write, sender=type(record))
    assert written


def button_of(client, path, name):
    """Return the form of a page that has a button or a field of this name."""
    return next(
        form
        for form in forms_of(client.get(path))
        if name in form.fields or name in [button for button, _value in form.buttons]
    )


@pytest.fixture
def uploaded(data_manager, login_as, eager_tasks):
    client = login_as(data_manager)
    file = SimpleUploadedFile("names.csv", b"country,name\nRUS,Rusija\n", "text/csv")
    with eager_tasks():
        client.post(reverse("admin:allies_changeset_add"), {"file": file, "noun": "aliases"})
    return client, Changeset.objects.get(file_name="names.csv")


@pytest.mark.parametrize("button", ["check", "refresh", "drafts", "layout", "discard"])
def test_mapping_request_does_not_overwrite_an_applied_import(button, uploaded):
    client, changeset = uploaded
    path = reverse("admin:allies_changeset_one", args=[changeset.pk])
    form = button_of(client, path, button)
    applied = {"state": "applied", "applied_at": timezone.now(), "mapping": {"name": "theirs"}}
    with meanwhile(changeset, **applied):
        answer = client.post(path, form.data(**{button: "1"}))
    assert "so nothing was done" in " ".join(map(str, get_messages(answer.wsgi_request)))
    now = Changeset.objects.get(pk=changeset.pk)
    assert {name: getattr(now, name) for name in applied} == applied


@pytest.mark.parametrize("button", ["back", "recheck", "countries", "discard", "apply"])
def test_preview_decision_does_not_overwrite_an_applied_import(button, uploaded):
    client, changeset = uploaded
    counts = {"alias": {"rows": 1, "created": 1}}
    Changeset.objects.filter(pk=changeset.pk).update(state="checked", counts=counts)
    path = reverse("admin:allies_changeset_one", args=[changeset.pk])
    applied = {"state": "applied", "applied_at": timezone.now(), "reason": "theirs"}
    with meanwhile(changeset, **applied):
        answer = client.post(path, {button: "1", "reason": "mine"})
    assert "so nothing was done" in " ".join(map(str, get_messages(answer.wsgi_request)))
    now = Changeset.objects.get(pk=changeset.pk)
    assert {name: getattr(now, name) for name in applied} == applied


def test_step_applied_meanwhile_is_not_cancelled(reviewer, login_as):
    client = login_as(reviewer)
    draft = factories.event(("RUS", "host"), status=Status.DRAFT)
    soon = timezone.now() + dt.timedelta(days=1)
    appointment = Appointment.objects.create(
        noun="event", record_id=draft.pk, created_by=reviewer, step="publish", due_at=soon
    )
    form = main_form(client.get(change(draft)))
    with meanwhile(appointment, done_at=timezone.now()):
        answer = client.post(change(draft), form.data(_call_off=str(appointment.pk)))
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert said[-1] == "This was already done or cancelled."
    assert Appointment.objects.filter(pk=appointment.pk).exists()


def test_record_published_meanwhile_is_not_deleted(reviewer, login_as):
    client = login_as(reviewer)
    for path, data in (
        (change, {"post": "yes"}),
        (None, {"action": "delete_selected", "post": "yes"}),
    ):
        draft = factories.event(("RUS", "host"), status=Status.DRAFT)
        if path is None:
            where = reverse("admin:allies_event_changelist")
            data = {**data, "_selected_action": [draft.pk]}
        else:
            where = reverse("admin:allies_event_delete", args=[draft.pk])
        with meanwhile(draft, status=Status.PUBLISHED):
            client.post(where, data)
        assert Event.objects.filter(pk=draft.pk).exists()
