"""Saved forms: typed text outlives the session, only its author sees it, and only they save it."""

import contextlib
import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.signals import post_init
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from allies.actions.merge import merge_records
from allies.form_submissions.tokens import FIELD
from allies.models import Changeset, Correction, Event, KeptForm, Source, Status
from allies.models.form_submission import KEPT_RETENTION, MAX_KEPT_FORMS
from tests import factories
from tests.accounts.test_two_factor import code
from tests.admin.test_permissions import change
from tests.html_forms import forms_of, main_form

pytestmark = pytest.mark.usefixtures("demo_data")

PASSWORD = "a-long-pass-phrase"
LOGIN = "/en/admin/login/"


def add(noun):
    return reverse(f"admin:allies_{noun}_add")


def browser():
    """Return a client that checks CSRF tokens, as for a browser."""
    return Client(enforce_csrf_checks=True)


def sign_in(client, name, address=LOGIN):
    """Sign in on the page at this address; return the resulting page."""
    form = next(f for f in forms_of(client.get(address)) if "username" in f.fields)
    data = form.data(username=name, password=PASSWORD)
    return client.post(address, data, follow=True)


def sign_out_elsewhere(client):
    """End the session on the server, as if it had expired."""
    client.session.flush()
    client.cookies[settings.SESSION_COOKIE_NAME] = "gone"


def send(client, path, data):
    """Send a form from a page of this site; return the response."""
    return client.post(path, data, headers={"origin": "http://testserver"})


@pytest.fixture
def typed(reviewer):
    """A client in which Rita typed a new event with a participation before her session ended."""
    client = browser()
    sign_in(client, "rita")
    form = main_form(client.get(add("event")))
    data = form.data(
        kind="visit",
        date="2024",
        title_en="Typed “at” <length>",
        summary_en="Line one\r\nLine two & more",
        _save="Save",
        **{
            "participations-TOTAL_FORMS": "1",
            "participations-0-country": str(factories.country("CHN").pk),
            "participations-0-role": "visitor",
            "participations-0-event": "",
            "participations-0-id": "",
        },
    )
    sign_out_elsewhere(client)
    client.typed = data
    return client


def test_new_record_is_restored_after_sign_in_and_saved_on_click(typed):
    answer = send(typed, add("event"), typed.typed)
    assert answer["Location"].startswith(LOGIN)
    assert "Your text is kept: sign in" in typed.get(answer["Location"]).content.decode()
    page = sign_in(typed, "rita", answer["Location"])
    assert not Event.objects.filter(title_en__startswith="Typed").exists()
    assert "this is not saved yet" in page.content.decode()
    form = main_form(page)
    for name in ("title_en", "summary_en", "participations-0-country", "participations-0-role"):
        sent = typed.typed[name] if isinstance(typed.typed[name], str) else typed.typed[name][0]
        assert form.fields[name][0].replace("\r\n", "\n") == sent.replace("\r\n", "\n"), name
    where = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    done = send(typed, where, form.data(_save="Save"))
    assert done.status_code == 302
    event = Event.objects.get(title_en__startswith="Typed")
    assert event.participations.get().country.alpha3 == "CHN"
    assert not KeptForm.objects.exists()


def test_saved_form_is_shown_only_to_its_account(typed, editor):
    answer = send(typed, add("event"), typed.typed)
    page = sign_in(typed, "edi", answer["Location"])
    assert "Typed" not in page.content.decode()
    kept = KeptForm.objects.get()
    where = f"{add('event')}?_kept={kept.pk}"
    assert "Typed" not in typed.get(where).content.decode()
    owner = browser()
    sign_in(owner, "rita")
    assert "Typed “at” &lt;length&gt;" in owner.get(where).content.decode()
    # It is not shown on another form either, or after it expired.
    assert "Typed" not in owner.get(f"{add('alliance')}?_kept={kept.pk}").content.decode()
    KeptForm.objects.update(kept_at=timezone.now() - KEPT_RETENTION - dt.timedelta(seconds=1))
    assert "Typed" not in owner.get(where).content.decode()


def test_saved_form_survives_two_factor_sign_in(typed, reviewer):
    TOTPDevice.objects.create(user=reviewer, name="app", confirmed=True)
    answer = send(typed, add("event"), typed.typed)
    page = sign_in(typed, "rita", answer["Location"])
    where = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    assert "second-step" in where
    form = next(f for f in forms_of(page) if "code" in f.fields)
    page = typed.post(where, form.data(code=code(reviewer)), follow=True)
    assert main_form(page).fields["title_en"] == ["Typed “at” <length>"]


def test_form_survives_sign_in_in_another_tab(reviewer):
    client = browser()
    sign_in(client, "rita")
    event = factories.event(("RUS", "host"), title_en="Visit", place_en="Moscow")
    form = main_form(client.get(change(event)))
    client.logout()
    sign_in(client, "rita")
    answer = send(client, change(event), form.data(place_en="Kazan", _save="Save"))
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert main_form(page).fields["place_en"] == ["Kazan"]
    event.refresh_from_db()
    assert event.place_en == "Moscow"
    # The snapshot of the opened form is saved too, so later changes are not overwritten.
    event.title_en = "State visit"
    event.save()
    done = send(client, answer["Location"], main_form(page).data(_save="Save"))
    assert Changeset.objects.proposed().count() == 1
    assert done.status_code == 302


def test_form_of_one_account_cannot_be_sent_by_another(reviewer, editor):
    client = browser()
    sign_in(client, "rita")
    form = main_form(client.get(add("event")))
    client.logout()
    sign_in(client, "edi")
    data = form.data(kind="visit", date="2024", title_en="Typed by Rita", _save="Save")
    answer = client.post(add("event"), data, headers={"origin": "http://testserver"}, follow=True)
    page = answer.content.decode()
    assert "This form was opened by another account" in page
    assert "Typed by Rita" not in page
    assert KeptForm.objects.get().user == reviewer
    assert not Event.objects.filter(title_en="Typed by Rita").exists()


def test_form_with_a_forged_token_is_not_saved(client):
    data = {FIELD: "WzEsImEiXQ:1abc:forged", "title_en": "Forged"}
    assert client.post(add("event"), data).status_code == 302
    assert browser().post(add("event"), data).status_code == 403
    assert not KeptForm.objects.exists()


def test_long_text_is_saved_and_the_number_of_forms_is_limited(typed, reviewer):
    long = "ünïcode " * 120_000  # about one megabyte, two as browsers send it
    for number in range(MAX_KEPT_FORMS + 2):
        text = long if number == MAX_KEPT_FORMS + 1 else str(number)
        send(typed, add("source"), {**typed.typed, "summary_en": text[:200_000]})
    assert KeptForm.objects.filter(user=reviewer).count() == MAX_KEPT_FORMS
    newest = KeptForm.objects.latest("pk")
    assert newest.fields["summary_en"] == [long[:200_000]]
    page = sign_in(typed, "rita", f"{LOGIN}?next={add('event')}%3F_kept%3D{newest.pk}")
    assert page.status_code == 200


def test_form_without_typed_text_is_not_saved_and_this_is_reported(reviewer):
    client = browser()
    sign_in(client, "rita")
    event = factories.event()
    path = reverse("admin:allies_event_changelist")
    form = next(f for f in forms_of(client.get(path)) if "action" in f.fields)
    sign_out_elsewhere(client)
    data = form.data(action="publish_selected", _selected_action=[event.pk])
    answer = client.post(path, data, headers={"origin": "http://testserver"}, follow=True)
    assert "so nothing was done" in answer.content.decode()
    assert not KeptForm.objects.exists()


@pytest.fixture
def filled_in_again(reviewer):
    """Return a function that sends a form after the session ended, and returns it after sign-in."""
    reviewer.is_superuser = True
    reviewer.save()

    def again(path, *, having, files=None, **changed):
        client = browser()
        sign_in(client, "rita")
        form = next(f for f in forms_of(client.get(path)) if having in f.fields)
        data = form.data(**changed)
        sign_out_elsewhere(client)
        answer = send(client, path, {**data, **(files or {})})
        page = sign_in(client, "rita", answer["Location"])
        return page, next(f for f in forms_of(page) if having in f.fields)

    return again


def test_account_form_is_restored_without_passwords(filled_in_again):
    path = reverse("admin:auth_user_add")
    page, form = filled_in_again(
        path, having="username", username="new “one”", password1="secret-1", password2="secret-1"
    )
    assert form.fields["username"] == ["new “one”"]
    assert "secret-1" not in page.content.decode()
    assert "secret-1" not in json.dumps(KeptForm.objects.get().fields)
    user = User.objects.create_user("carla", is_staff=True)
    groups = [str(group.pk) for group in Group.objects.filter(name__in=("Editors", "Reviewers"))]
    _page, form = filled_in_again(
        reverse("admin:auth_user_change", args=[user.pk]),
        having="first_name",
        first_name="Carla",
        is_active=None,
        groups=groups,
    )
    assert form.fields["first_name"] == ["Carla"]
    assert sorted(form.fields["groups"]) == sorted(groups)
    assert "is_active" not in form.fields
    assert form.fields["is_staff"] == ["on"]


def test_decisions_on_corrections_and_proposals_are_restored(filled_in_again, editor, login_as):
    event = factories.event(("RUS", "host"), place_en="Moscow")
    correction = Correction.objects.create(noun="event", record_id=event.pk, text="Wrong day.")
    path = reverse("admin:allies_correction_change", args=[correction.pk])
    _page, form = filled_in_again(path, having="answer", answer="We <checked> it.")
    assert form.fields["answer"] == ["We <checked> it."]
    client = login_as(editor)
    form = main_form(client.get(change(event)))
    client.post(change(event), form.data(place_en="Kazan", _propose="1"))
    proposal = Changeset.objects.proposed().get()
    path = reverse("admin:allies_changeset_one", args=[proposal.pk])
    where = next(name for name in proposal_fields(login_as(editor), path) if "place_en" in name)
    _page, form = filled_in_again(
        path, having="note", note="Close, but:", **{where: "Kazan, Tatarstan"}
    )
    assert form.fields["note"] == ["Close, but:"]
    assert form.fields[where] == ["Kazan, Tatarstan"]


def proposal_fields(client, path):
    return next(f for f in forms_of(client.get(path)) if "note" in f.fields).fields


def test_import_mapping_is_restored_and_files_must_be_chosen_again(
    filled_in_again, data_manager, login_as, eager_tasks
):
    client = login_as(data_manager)
    file = SimpleUploadedFile("names.csv", b"land,name,x\nRUS,Rusija,a\n", "text/csv")
    with eager_tasks():
        where = client.post(add("changeset"), {"file": file, "noun": "aliases"})["Location"]
    Changeset.objects.update(created_by=User.objects.get(username="rita"))
    page, form = filled_in_again(
        where,
        having="name",
        name="My mapping",
        files={"json": SimpleUploadedFile("mapping.json", b"{}", "application/json")},
        **{"0-name-from": "c:x", "0-name-text": "typed"},
    )
    assert "Choose the files again." in page.content.decode()
    assert form.fields["name"] == ["My mapping"]
    assert form.fields["0-name-from"] == ["c:x"]
    assert form.fields["0-name-text"] == ["typed"]


def test_popup_form_is_restored_as_a_popup(filled_in_again):
    _page, form = filled_in_again(
        f"{add('source')}?_popup=1", having="publisher", publisher="The Gazette", key="popup-kept"
    )
    assert form.fields["publisher"] == ["The Gazette"]
    assert form.fields["_popup"] == ["1"]
    assert not Source.objects.filter(key="popup-kept").exists()


def test_upload_without_a_session_is_reported_as_not_done(data_manager):
    client = browser()
    sign_in(client, "dana")
    form = next(f for f in forms_of(client.get(add("changeset"))) if "reason" in f.fields)
    sign_out_elsewhere(client)
    file = SimpleUploadedFile("names.csv", b"country,name\nRUS,Rusija\n", "text/csv")
    answer = send(client, add("changeset"), {**form.data(noun="aliases"), "file": file})
    assert "so nothing was done" in client.get(answer["Location"]).content.decode()
    assert not Changeset.objects.filter(created_by=data_manager).exists()


@contextlib.contextmanager
def deleted_once_read(record):
    """Delete the record, as another user would, as soon as a request has read it."""
    done = []

    def delete(sender, instance, **signal):
        if instance.pk == record.pk and not done:
            done.append(instance)
            sender._base_manager.filter(pk=record.pk).delete()

    post_init.connect(delete, sender=type(record))
    try:
        yield
    finally:
        post_init.disconnect(delete, sender=type(record))
    assert done


def shown_as_new(client, record, sent):
    """Send a form of a deleted record; return the add page with its data."""
    page = client.post(change(record), sent, follow=True)
    noun = record._meta.model_name
    assert page.request["PATH_INFO"] == add(noun)
    return page, main_form(page)


@pytest.mark.parametrize("when", ["before", "meanwhile", "signed-out"])
@pytest.mark.parametrize("who", ["editor", "reviewer"])
def test_form_of_a_deleted_record_creates_a_new_one(when, who, request, login_as):
    status = Status.DRAFT if who == "editor" else Status.IN_REVIEW
    event = factories.event(("RUS", "host"), ("CHN", "visitor"), title_en="Visit", status=status)
    user = request.getfixturevalue(who)
    client = login_as(user)
    sent = main_form(client.get(change(event))).data(summary_en="Typed\r\nat length", _save="Save")
    if when == "meanwhile":
        with deleted_once_read(event):
            page, form = shown_as_new(client, event, sent)
    elif when == "before":
        Event.objects.filter(pk=event.pk).delete()
        page, form = shown_as_new(client, event, sent)
    else:
        client.logout()
        answer = client.post(change(event), sent)
        Event.objects.filter(pk=event.pk).delete()
        client.force_login(user)
        page = client.get(parse_qs(urlsplit(answer["Location"]).query)["next"][0], follow=True)
        form = main_form(page)
    assert page.request["PATH_INFO"] == add("event")
    said = page.content.decode()
    assert "This record was deleted while you had it open." in said
    assert "Saving creates a new record." in said
    assert form.fields["summary_en"][0].replace("\r\n", "\n") == "Typed\nat length"
    assert not Event.objects.filter(pk=event.pk).exists()
    where = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    assert client.post(where, form.data(_save="Save")).status_code == 302
    new = Event.objects.get(title_en="Visit")
    assert new.summary_en == "Typed\nat length"
    assert new.slug == event.slug
    roles = {(one.country.alpha3, one.role) for one in new.participations.all()}
    assert roles == {("RUS", "host"), ("CHN", "visitor")}
    assert new.citations.exists()
    assert new.status == Status.DRAFT
    assert not KeptForm.objects.exists()


def test_form_of_a_merged_record_links_to_the_other(reviewer, login_as):
    keep, other, last = (
        factories.event(("RUS", "host"), title_en=t) for t in ("Keep", "Other", "Last")
    )
    client = login_as(reviewer)
    sent = main_form(client.get(change(other))).data(summary_en="Typed", _save="Save")
    merge_records(keep=keep, drop=other, chosen={}, user=reviewer)
    merge_records(keep=last, drop=keep, chosen={}, user=reviewer)
    page, form = shown_as_new(client, other, sent)
    link = f'<a href="{change(last)}">Last</a>'
    assert f"This record was merged into “{link}” while you had it open." in page.content.decode()
    assert form.fields["summary_en"] == ["Typed"]
    assert form.fields["slug"] == [""]


def test_form_of_a_deleted_entry_is_saved(editor, login_as):
    entry = factories.ally_list("RUS", "CHN", status=Status.DRAFT).entries.get()
    client = login_as(editor)
    sent = main_form(client.get(change(entry))).data(prose_en="Typed", _save="Save")
    entry.ally_list.delete()
    _page, form = shown_as_new(client, entry, sent)
    assert form.fields["prose_en"] == ["Typed"]


def test_form_of_a_record_that_never_existed_writes_nothing(reviewer, login_as):
    path = reverse("admin:allies_event_change", args=["x" * 40])
    assert login_as(reviewer).post(path, {"title_en": "T"}).status_code == 302
    assert not Event.objects.filter(title_en="T").exists()
