"""A form that is sent twice is processed once, and leads to the same page both times."""

import datetime as dt
from collections import Counter

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import resolve, reverse
from django.utils import timezone

from allies.form_submissions.tokens import FIELD
from allies.models import (
    Changeset,
    Correction,
    Country,
    Edition,
    Event,
    PreviewLink,
    Record,
    SentForm,
    Source,
    Status,
)
from tests import factories
from tests.admin.test_permissions import change
from tests.html_forms import filled, forms_of, main_form
from tests.test_roles import address, patterns

pytestmark = pytest.mark.usefixtures("demo_data")


def add(noun):
    return reverse(f"admin:allies_{noun}_add")


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def twice(client, path, data):
    """Send a form twice; return both responses, which must redirect to the same page."""
    first, second = client.post(path, data), client.post(path, data)
    assert first.status_code == second.status_code == 302, (first, second)
    assert first["Location"] == second["Location"]
    return first, second


def new_event(client, **fields):
    form = main_form(client.get(add("event")))
    return form.data(kind="visit", date="2024", title_en="Two clicks", _save="Save", **fields)


def test_event_saved_twice_is_created_once(reviewer, login_as):
    client = login_as(reviewer)
    first, second = twice(client, add("event"), new_event(client))
    event = Event.objects.get(title_en="Two clicks")
    assert event.history.count() == 1
    assert "was added successfully" in client.get(second["Location"]).content.decode()
    assert said(first)[-1:] == said(second)[-1:]


def test_changed_content_and_a_new_form_are_processed(reviewer, login_as):
    client = login_as(reviewer)
    data = new_event(client)
    client.post(add("event"), data)
    client.post(add("event"), {**data, "title_en": "Gone back"})
    client.post(add("event"), new_event(client))
    assert Event.objects.filter(title_en="Two clicks").count() == 2
    assert Event.objects.filter(title_en="Gone back").count() == 1


def test_same_content_after_a_different_one_is_processed(reviewer, login_as):
    client = login_as(reviewer)
    draft = factories.event(status=Status.DRAFT)
    path = reverse("admin:allies_event_links", args=[draft.pk])
    form = next(form for form in forms_of(client.get(path)) if "purpose" in form.fields)
    for purpose in ("A", "A", "B", "A"):
        client.post(path, form.data(purpose=purpose, days="1"))
    assert list(PreviewLink.objects.order_by("pk").values_list("purpose", flat=True)) == [
        *("A", "B", "A")
    ]


def test_invalid_form_can_be_corrected_and_sent_again(reviewer, login_as):
    client = login_as(reviewer)
    data = new_event(client)
    assert client.post(add("event"), {**data, "date": "never"}).status_code == 200
    assert client.post(add("event"), {**data, "date": "never"}).status_code == 200
    twice(client, add("event"), data)
    assert Event.objects.filter(title_en="Two clicks").count() == 1


def test_refused_form_is_processed_once_the_obstacle_is_gone(reviewer, login_as):
    client = login_as(reviewer)
    ally_list = factories.ally_list("RUS", "CHN")
    path = reverse("admin:allies_allylist_editions", args=[ally_list.pk])
    form = next(form for form in forms_of(client.get(path)) if "note" in form.fields)
    type(ally_list).objects.filter(pk=ally_list.pk).update(status=Status.WITHDRAWN)
    client.post(path, form.data())
    assert not Edition.objects.of(ally_list).exists()
    type(ally_list).objects.filter(pk=ally_list.pk).update(status=Status.PUBLISHED)
    twice(client, path, form.data())
    assert Edition.objects.of(ally_list).count() == 1


def test_record_that_cannot_be_published_is_still_created_once(reviewer, login_as):
    client = login_as(reviewer)
    data = new_event(client, _step="publish")
    del data["_save"]
    _first, second = twice(client, add("event"), data)
    assert Event.objects.get(title_en="Two clicks").status == Status.DRAFT
    assert "Skipped" in client.get(second["Location"]).content.decode()


def test_edit_of_a_public_record_sent_twice_is_one_proposal(editor, login_as):
    client = login_as(editor)
    event = factories.event(("RUS", "host"), place_en="Moscow")
    form = main_form(client.get(change(event)))
    twice(client, change(event), form.data(place_en="Kazan", _propose="1"))
    assert Changeset.objects.proposed().count() == 1


def test_proposal_approved_twice_is_reported_as_approved(editor, reviewer, login_as):
    event = factories.event(("RUS", "host"), place_en="Moscow")
    client = login_as(editor)
    form = main_form(client.get(change(event)))
    client.post(change(event), form.data(place_en="Kazan", _propose="1"))
    proposal = Changeset.objects.proposed().get()
    path = reverse("admin:allies_changeset_one", args=[proposal.pk])
    client = login_as(reviewer)
    form = main_form(client.get(path))
    _first, second = twice(client, path, form.data(approve="1"))
    assert said(second) == ["Approved. The record has been changed."] * len(said(second))
    event.refresh_from_db()
    assert event.place_en == "Kazan"


def test_popup_returns_the_same_record_both_times(reviewer, login_as):
    client = login_as(reviewer)
    path = f"{add('source')}?_popup=1"
    form = main_form(client.get(path))
    data = {**filled(form), "key": "popup", "_save": "Save"}
    first, second = client.post(path, data), client.post(path, data)
    source = Source.objects.get(key="popup")
    handed = f"&quot;value&quot;: &quot;{source.pk}&quot;"
    assert handed in first.content.decode()
    assert handed in second.content.decode()


def test_list_action_sent_twice_shows_the_same_message(reviewer, login_as):
    client = login_as(reviewer)
    drafts = [factories.event(("RUS", "host"), status=Status.DRAFT) for _number in range(2)]
    path = reverse("admin:allies_event_changelist")
    form = next(f for f in forms_of(client.get(path)) if "action" in f.fields)
    data = form.data(action="publish_selected", _selected_action=[one.pk for one in drafts])
    _first, second = twice(client, path, data)
    page = client.get(second["Location"]).content.decode()
    assert page.count("Published: 2.") == 1
    assert "Skipped" not in page


def test_file_uploaded_twice_is_one_import_and_a_changed_file_another(data_manager, login_as):
    client = login_as(data_manager)
    form = next(f for f in forms_of(client.get(add("changeset"))) if "reason" in f.fields)

    def upload(content):
        file = SimpleUploadedFile("names.csv", content, "text/csv")
        return client.post(add("changeset"), {**form.data(noun="aliases"), "file": file})

    answers = [upload(b"country,name\nRUS,Rusija\n") for _time in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Changeset.objects.filter(file_name="names.csv").count() == 1
    upload(b"country,name\nRUS,Rusiya\n")
    assert Changeset.objects.filter(file_name="names.csv").count() == 2


def test_double_clicks_start_one_undo_and_discard_one_import(root_user, login_as):
    client = login_as(root_user)
    changeset = Changeset.objects.applied().earliest("pk")
    path = reverse("admin:allies_changeset_one", args=[changeset.pk])
    form = next(
        f
        for f in forms_of(client.get(path))
        if ("undo", "Undo it …") in f.buttons or any(name == "undo" for name, _value in f.buttons)
    )
    first, _second = twice(client, path, form.data(undo="1"))
    assert Changeset.objects.filter(undoes=changeset).count() == 1
    undo = first["Location"]
    form = next(f for f in forms_of(client.get(undo)) if any(n == "discard" for n, _v in f.buttons))
    twice(client, undo, form.data(discard="1"))
    assert not Changeset.objects.filter(undoes=changeset).exists()


def test_sent_forms_are_deleted_after_two_days(
    reviewer, login_as, django_capture_on_commit_callbacks
):
    client = login_as(reviewer)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(add("event"), new_event(client))
    SentForm.objects.update(sent_at=timezone.now() - dt.timedelta(days=2, seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(add("event"), new_event(client))
    assert SentForm.objects.count() == 1


def test_form_can_be_sent_again_after_a_server_error(reviewer, login_as):
    """A server error rolls back the claim with everything else."""
    client = login_as(reviewer)
    client.raise_request_exception = False
    data = new_event(client)

    def fail(sender, **signal):
        raise RuntimeError("the disk is full")

    from django.db.models.signals import post_save

    post_save.connect(fail, sender=Event)
    try:
        assert client.post(add("event"), data).status_code == 500
    finally:
        post_save.disconnect(fail, sender=Event)
    assert not SentForm.objects.exists()
    twice(client, add("event"), data)
    assert Event.objects.filter(title_en="Two clicks").count() == 1


# All forms.


@pytest.fixture
def root_user(db):
    return User.objects.create_superuser("superuser", password="a-long-pass-phrase")


@pytest.fixture
def everything(root_user, editor, login_as):
    """Records in every state, so that each form of the admin is on some page."""
    event = Event.objects.published().earliest("pk")
    PreviewLink.objects.create(
        noun="event", record_id=event.pk, created_by=root_user, expires_at="2999-01-01T00:00:00Z"
    )
    Correction.objects.create(noun="event", record_id=event.pk, text="The day is wrong.")
    client = login_as(editor)
    form = main_form(client.get(change(event)))
    client.post(change(event), form.data(place_en="Elsewhere", _propose="1"))
    # Not the account whose pages are tested, which the forms may delete.
    client = login_as(User.objects.create_superuser("walker"))
    form = next(f for f in forms_of(client.get(add("changeset"))) if "reason" in f.fields)
    file = SimpleUploadedFile("names.csv", b"country,name\nRUS,Rusija\n", "text/csv")
    client.post(add("changeset"), {**form.data(noun="aliases"), "file": file})
    return client


def pages_with_forms(client):
    """Yield (address, forms, forms again) of every admin page with a form that posts."""
    found = {address(route) for name, route in patterns().items() if route.startswith("en/admin/")}
    found |= {
        reverse("admin:allies_changeset_one", args=[pk])
        for pk in Changeset.objects.values_list("pk", flat=True)
    }
    for draft in (factories.event(status=Status.DRAFT), factories.ally_list("RUS", "CHN")):
        found |= {change(draft), change(draft).replace("change", "delete")}
    for path in sorted(found):
        response = client.get(path)
        if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
            yield path, forms_of(response), forms_of(client.get(path))


def rows():
    """Return the number of rows per table, except sessions and sent forms."""
    apart = (Session, SentForm)
    return {
        model._meta.db_table: model._base_manager.count()
        for model in apps.get_models(include_auto_created=True)
        if model not in apart
    }


NOUNS = {
    model._meta.model_name
    for model in apps.get_app_config("allies").get_models()
    if issubclass(model, Record)
}

#: How often the same button is tested on pages of records. Adding a record is always tested.
ENOUGH = 2


@pytest.mark.sqlite_only
@pytest.mark.slow
def test_every_form_has_its_own_token_and_is_processed_once(everything):
    done, tokens, pressed = set(), set(), Counter()
    for path, forms, drawn_again in pages_with_forms(everything):
        for form, again in zip(forms, drawn_again, strict=True):
            where = form.action or path
            name = resolve(where.partition("?")[0]).url_name
            if name in ("logout", "set_language"):
                continue
            assert FIELD in form.fields, f"{path}: a form has no token"
            assert form.fields[FIELD] != again.fields[FIELD], path
            tokens.add(form.fields[FIELD][0])
            for button, value in form.buttons or [(None, "")]:
                model, _line, page = name.removeprefix("allies_").rpartition("_")
                kind = (page if model in NOUNS else name, button, value)
                pressed[kind] += 1
                if pressed[kind] > ENOUGH and kind[:2] != ("add", "_save"):
                    continue
                data = filled(form) | ({button: value} if button else {})
                if name == "allies_alias_add":  # a country or an alliance, neither is required
                    data["country"] = [str(Country.objects.order_by("pk").first().pk)]
                signed_in = {key: cookie.value for key, cookie in everything.cookies.items()}
                with transaction.atomic():
                    first = everything.post(where, data)
                    once = rows()
                    second = everything.post(where, data)
                    assert rows() == once, f"{path}: {button} did something twice"
                    if first.status_code == 302:
                        assert second["Location"] == first["Location"], (path, button)
                        done.add(name)
                    transaction.set_rollback(True)
                everything.cookies.load(signed_in)  # the rollback also removed the new session
    assert len(tokens) > 60
    assert {
        *(f"allies_{noun}_add" for noun in ("alias", "alliance", "allylist", "event", "source")),
        *("allies_allylist_editions", "allies_changeset_one", "allies_correction_change"),
        *("auth_user_add", "auth_user_change", "sign-in"),
    } <= done
    assert {"change", "delete", "links", "changelist"} <= {one.rpartition("_")[2] for one in done}
