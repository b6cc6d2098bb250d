"""Permissions in the admin: every way to publish, for each role and for visitors."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from allies.models import (
    Alliance,
    Changeset,
    Citation,
    Entry,
    Event,
    Membership,
    Record,
    Source,
    Status,
)
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


def form_of(client, address):
    """Return what a browser would send back from this form unchanged."""
    response = client.get(address)
    assert response.status_code == 200, address
    data = {}
    context = response.context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for bound in form:
            value = bound.value()
            data[bound.html_name] = "" if value is None else value
    if "opened" in context:
        data["_opened"] = context["opened"]
    return {name: value for name, value in data.items() if value is not False}


def change(record):
    return reverse(f"admin:allies_{record._meta.model_name}_change", args=[record.pk])


@pytest.fixture
def drafts():
    return [
        factories.alliance("RUS", "IND", status=Status.DRAFT),
        factories.event(("RUS", "host"), status=Status.DRAFT),
        factories.source(status=Status.DRAFT),
        factories.ally_list("RUS", "CHN", status=Status.DRAFT),
    ]


def status_of(record):
    return type(record).objects.get(pk=record.pk).status


def test_visitor_is_redirected_from_every_admin_page(client):
    for model in admin.site._registry:
        if issubclass(model, Record):
            base = f"admin:allies_{model._meta.model_name}"
            for view in ("changelist", "add", "import", "export"):
                response = client.get(reverse(f"{base}_{view}"))
                assert response.status_code == 302, (model, view)
                assert "/login/" in response.url


def test_reviewer_publishes_with_the_button_and_the_list_action(drafts, reviewer, login_as):
    client = login_as(reviewer)
    for record in drafts:
        data = form_of(client, change(record))
        client.post(change(record), {**data, "_step": "publish"})
        assert status_of(record) == "published", record
        changelist = reverse(f"admin:allies_{record._meta.model_name}_changelist")
        client.post(changelist, {"action": "withdraw_selected", "_selected_action": [record.pk]})
        assert status_of(record) == "withdrawn", record


@pytest.mark.parametrize("who", ["editor", "data_manager", "nobody", "outsider"])
def test_others_cannot_publish_with_forged_requests(who, drafts, request, login_as):
    if who == "nobody":
        client = Client()
    elif who == "outsider":
        client = login_as(User.objects.create_user("otto", password="x", is_staff=False))
    else:
        client = login_as(request.getfixturevalue(who))
    for record in drafts:
        address = change(record)
        forged = {"_step": "publish", "status": "published", "title_en": "T", "title": "T"}
        if who == "editor":
            forged = {**form_of(client, address), **forged}
        client.post(address, forged)
        changelist = reverse(f"admin:allies_{record._meta.model_name}_changelist")
        client.post(changelist, {"action": "publish_selected", "_selected_action": [record.pk]})
        assert status_of(record) == "draft", (who, record)


def test_editor_cannot_publish_while_adding(editor, login_as):
    login_as(editor).post(
        reverse("admin:allies_source_add"),
        {"key": "k", "kind": "news", "publisher": "P", "title": "T", "status": "published"}
        | {"_step": "publish"},
    )
    assert Source.objects.get(key="k").status == "draft"


def test_editor_cannot_revert_to_a_published_version(editor, login_as):
    event = factories.event(("RUS", "host"))
    event.status = Status.DRAFT
    event.save()
    published = event.history.filter(status="published").first().history_date
    login_as(editor).post(
        reverse("admin:allies_event_revert", args=[event.pk]), {"to": published.isoformat()}
    )
    assert status_of(event) == "draft"


def test_editor_change_of_a_published_record_becomes_a_proposal(editor, login_as):
    event = Event.objects.get(slug="unga-es-11-1")
    client = login_as(editor)
    page = client.get(change(event)).content.decode()
    assert 'name="_save"' not in page
    assert "Propose this change" in page
    before = event.history.count()
    client.post(change(event), {**form_of(client, change(event)), "title_en": "Proposed"})
    event.refresh_from_db()
    assert event.title_en != "Proposed"
    first = event.history.last().history_date.isoformat()
    client.post(reverse("admin:allies_event_revert", args=[event.pk]), {"to": first})
    assert event.history.count() == before


@pytest.mark.parametrize("model", ["membership", "citation", "entry", "participation"])
def test_editor_adding_a_part_to_a_public_record_makes_a_proposal(model, editor, login_as):
    china = factories.country("IND").pk
    public = {
        "membership": {
            "alliance": Alliance.objects.published().first().pk,
            "country": china,
            "role": "member",
        },
        "participation": {
            "event": Event.objects.published().first().pk,
            "country": china,
            "role": "for",
        },
        "citation": {
            "source": factories.source().pk,
            "event": Event.objects.published().first().pk,
            "stance": "supports",
        },
        "entry": {
            "ally_list": Entry.objects.published().first().ally_list_id,
            "country": factories.country("DEU").pk,
            "position": 9,
        },
    }[model]
    from django.apps import apps

    records = apps.get_model("allies", model).objects
    before = records.count()
    client, page = login_as(editor), reverse(f"admin:allies_{model}_add")
    response = client.post(page, {**form_of(client, page), **public}, follow=True)
    assert records.count() == before
    assert "is waiting for review" in response.content.decode()
    (change,) = Changeset.objects.proposed().get().changes
    assert (change["key"], change["what"]) == (f"{model}-+1", "added")


def test_editor_cannot_move_a_row_to_a_public_record(editor, login_as):
    membership = factories.alliance("RUS", "IND", status=Status.DRAFT).memberships.first()
    client = login_as(editor)
    data = form_of(client, change(membership))
    public = Alliance.objects.published().first()
    answer = client.post(change(membership), {**data, "alliance": public.pk})
    assert "you don’t have permission to publish" in answer.content.decode()
    assert Membership.objects.get(pk=membership.pk).alliance_id != public.pk
    assert not Changeset.objects.proposed().exists()


def test_data_manager_only_imports_and_exports(data_manager, login_as):
    client = login_as(data_manager)
    event = factories.event(("RUS", "host"), status=Status.DRAFT)
    assert client.get(reverse("admin:allies_event_import"), follow=True).status_code == 200
    assert client.get(reverse("admin:allies_event_export")).status_code == 200
    assert client.get(reverse("admin:allies_event_add")).status_code == 403
    assert client.post(change(event), {"title_en": "x"}).status_code == 403


@pytest.mark.parametrize("who", ["editor", "reviewer"])
def test_others_do_not_import_or_export(who, request, login_as):
    client = login_as(request.getfixturevalue(who))
    for view in ("import", "export"):
        address = reverse(f"admin:allies_event_{view}")
        assert client.get(address).status_code == 403
        assert client.post(address).status_code == 403


def test_draft_without_a_source_is_saved_but_not_published(reviewer, login_as):
    event = factories.event(status=Status.DRAFT, cited=False)
    client = login_as(reviewer)
    page = client.get(change(event)).content.decode()
    assert "Add a citation of a published source that supports this." in page
    assert "Add at least one participating country." in page
    data = form_of(client, change(event))
    answer = client.post(change(event), {**data, "_step": "publish"}, follow=True)
    assert "published source that supports" in answer.content.decode()
    assert status_of(event) == "draft"


def test_last_supporting_citation_cannot_be_removed_in_the_form(reviewer, login_as):
    event = factories.event(("RUS", "host"))
    client = login_as(reviewer)
    data = form_of(client, change(event))
    answer = client.post(change(event), {**data, "citations-0-DELETE": "on"})
    assert "Add a citation of a published source that supports this." in answer.content.decode()
    assert event.citations.count() == 1


def test_last_supporting_citation_cannot_be_deleted(reviewer, login_as):
    citation = factories.event(("RUS", "host")).citations.get()
    client = login_as(reviewer)
    delete = reverse("admin:allies_citation_delete", args=[citation.pk])
    answer = client.post(delete, {"post": "yes"}, follow=True)
    assert "needs a published source" in answer.content.decode()
    selected = {"action": "delete_selected", "_selected_action": [citation.pk], "post": "yes"}
    client.post(reverse("admin:allies_citation_changelist"), selected, follow=True)
    assert Citation.objects.filter(pk=citation.pk).exists()


def test_published_record_cannot_be_deleted(reviewer, login_as):
    event = factories.event(("RUS", "host"))
    client = login_as(reviewer)
    delete = reverse("admin:allies_event_delete", args=[event.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    client.post(reverse("admin:allies_event_changelist"), selected, follow=True)
    assert Event.objects.filter(pk=event.pk).exists()


def test_only_source_of_a_public_record_cannot_be_withdrawn(reviewer, login_as):
    source = Source.objects.get(key="rferl-2023")
    selected = {"action": "withdraw_selected", "_selected_action": [source.pk]}
    answer = login_as(reviewer).post(
        reverse("admin:allies_source_changelist"), selected, follow=True
    )
    assert "only published source" in answer.content.decode()
    assert status_of(source) == "published"


class TestDraftSourcesInHistory:
    """Staff who may view events but not sources see nothing of a source that is not published."""

    @pytest.fixture
    def event(self):
        event = factories.event(("RUS", "host"), status=Status.DRAFT)
        hidden = factories.source(title="Unseen report", key="unseen-key", status=Status.DRAFT)
        public = factories.source(title="Known report", key="known-key")
        factories.cite(event, public, quote="Known words")
        citation = factories.cite(event, hidden, quote="Secret words")
        citation.quote = "Other secret"
        citation.save()
        event.summary_en = "As said [@unseen-key] and [@known-key]."
        event.save()
        factories.cite(event, hidden, locator="p. 9", quote="Gone secret").delete()
        return event

    def pages(self, client, event):
        address = reverse("admin:allies_event_history", args=[event.pk])
        page = client.get(address)
        moments = [step.moment.isoformat() for step, _status, _changes in page.context["steps"]]
        compared = client.get(address, {"from": moments[-1], "to": moments[0]})
        return page.content.decode() + compared.content.decode()

    def test_hidden_without_the_permission_to_view_sources(self, event, login_as):
        staff = User.objects.create_user("viewer", is_staff=True)
        staff.user_permissions.add(Permission.objects.get(codename="view_event"))
        text = self.pages(login_as(staff), event)
        assert "known-key" in text
        for secret in ("unseen-key", "Unseen report", "Secret", "secret", "p. 9"):
            assert secret not in text

    def test_shown_with_the_permission_to_view_sources(self, event, editor, login_as):
        text = self.pages(login_as(editor), event)
        for shown in ("known-key", "unseen-key", "Other secret"):
            assert shown in text
