"""Corrections in the admin: editors see them; reviewers decide once, after the record changed."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allies.actions.decide_correction import decide_correction
from allies.actions.proposals import AlreadyDecidedError
from allies.models import Changeset, Correction, Event, Status
from tests import factories
from tests.admin.test_permissions import change, form_of
from tests.admin.test_proposals import page_of, proposal_form
from tests.views.test_corrections import form_page, typed

pytestmark = pytest.mark.usefixtures("demo_data")

QUEUE = "admin:allies_correction_changelist"


@pytest.fixture
def event():
    return factories.event(("RUS", "host"), ("IND", "visitor"), title_en="Visit", place_en="Moscow")


@pytest.fixture
def correction(event):
    return report(event)


def report(record, **given):
    fields = {"text": "<b>Kazan</b>, not Moscow", "contact": "reader@example.org", **given}
    return Correction.objects.create(noun=record._meta.model_name, record_id=record.pk, **fields)


def one(correction):
    return reverse("admin:allies_correction_change", args=[correction.pk])


def put_right(client, correction, **fields):
    """Edit the record with the form that the correction's page links to."""
    record = correction.record
    sent = form_of(client, change(record)) | fields | {"_correction": correction.pk}
    return client.post(f"{change(record)}?correction={correction.pk}", sent)


def test_correction_from_reader_to_public_log(event, client, editor, reviewer, login_as):
    client.post(form_page(event), typed(event, text="It was <i>Kazan</i>"))
    correction = Correction.objects.get()
    editor_client = login_as(editor)
    assert "It was &lt;i&gt;Kazan" in editor_client.get(reverse(QUEUE)).content.decode()
    page = editor_client.get(one(correction)).content.decode()
    assert "It was &lt;i&gt;Kazan" in page
    address = f"{change(event)}?correction={correction.pk}"
    assert f'href="{address}"' in page
    assert 'name="outcome"' not in page
    form = editor_client.get(address).content.decode()
    assert f'name="_correction" value="{correction.pk}"' in form
    put_right(editor_client, correction, place_en="Kazan")
    proposal = Changeset.objects.proposed().get()
    assert proposal.correction == correction
    assert "proposed" in editor_client.get(one(correction)).content.decode()
    reviewer_client = login_as(reviewer)
    refused = reviewer_client.post(
        one(correction), {"outcome": "accepted", "answer": "Typed before"}
    )
    assert "The record has not been changed" in refused.content.decode()
    assert "Typed before" in refused.content.decode()
    reviewer_client.post(
        page_of(proposal), {**proposal_form(reviewer_client, proposal), "approve": "1"}
    )
    proposal.refresh_from_db()
    assert (proposal.state, proposal.correction) == ("applied", correction)
    answer = reviewer_client.post(
        one(correction), {"outcome": "accepted", "answer": "It was Kazan."}
    )
    assert answer.status_code == 302
    correction = Correction.objects.get()
    assert (correction.outcome, correction.decided_by) == ("accepted", reviewer)
    entry = LogEntry.objects.get(object_id=str(correction.pk))
    assert entry.user == reviewer
    history = reverse("admin:allies_correction_history", args=[correction.pk])
    assert "It was Kazan." in reviewer_client.get(history).content.decode()
    log = client.get("/en/corrections/").content.decode()
    for text in ("It was Kazan.", "corrected from Moscow to Kazan", event.get_absolute_url()):
        assert text in log
    assert "edi" not in log.partition("<main")[2].partition("</main>")[0].split()


@pytest.mark.parametrize("noun", ["alliance", "event", "ally_list", "source", "country"])
def test_every_record_type_is_fixed_from_its_correction(noun, reviewer, login_as):
    record = {
        "alliance": lambda: factories.alliance("RUS", "IND"),
        "event": lambda: factories.event(("RUS", "host")),
        "ally_list": lambda: factories.ally_list("RUS", "CHN"),
        "source": lambda: factories.source(),
        "country": lambda: factories.country("RUS"),
    }[noun]()
    field = {"source": "title", "country": "name_en"}.get(noun, "title_en")
    correction = report(record)
    client = login_as(reviewer)
    client.get(one(correction))
    put_right(client, correction, **{field: "Other words"})
    assert correction.changesets.applied().exists()
    client.post(one(correction), {"outcome": "partly-accepted", "answer": ""})
    correction.refresh_from_db()
    assert correction.outcome == "partly-accepted"
    assert "Other words" in client.get("/en/corrections/").content.decode()


@pytest.mark.parametrize(
    ("who", "sees", "decides"),
    [
        ("editor", 200, 403),
        ("reviewer", 200, 302),
        ("data_manager", 403, 403),
        ("outsider", 302, 302),
        ("nobody", 302, 302),
    ],
)
def test_editors_see_corrections_and_reviewers_decide(
    who, sees, decides, correction, request, login_as, client
):
    signed = client
    if who == "outsider":
        signed = login_as(User.objects.create_user("otto", password="x"))
    elif who != "nobody":
        signed = login_as(request.getfixturevalue(who))
    history = reverse("admin:allies_correction_history", args=[correction.pk])
    for address in (reverse(QUEUE), one(correction), history):
        assert signed.get(address).status_code == sees, address
    assert signed.post(one(correction), {"outcome": "spam"}).status_code == decides
    correction.refresh_from_db()
    assert correction.outcome == ("spam" if who == "reviewer" else "waiting")
    for view in ("add", "delete"):
        args = [] if view == "add" else [correction.pk]
        address = reverse(f"admin:allies_correction_{view}", args=args)
        assert signed.post(address, {"post": "yes", "text": "x"}).status_code in (302, 403)
    assert Correction.objects.count() == 1


def test_decide_correction_checks_the_permission(correction, editor, data_manager):
    for user in (editor, data_manager):
        with pytest.raises(PermissionDenied):
            decide_correction(correction=correction, outcome="spam", answer="", user=user)


@pytest.mark.parametrize("outcome", ["waiting", "", "published", "ACCEPTED"])
def test_forged_outcome_is_refused(outcome, correction, reviewer, login_as):
    answer = login_as(reviewer).post(one(correction), {"outcome": outcome, "answer": "x"})
    assert "Choose one of the four outcomes" in answer.content.decode()
    correction.refresh_from_db()
    assert (correction.outcome, correction.answer) == ("waiting", "")
    assert not LogEntry.objects.exists()


def test_declining_needs_an_answer_and_spam_does_not(event, reviewer):
    with pytest.raises(ValidationError):
        decide_correction(correction=report(event), outcome="declined", answer=" ", user=reviewer)
    with pytest.raises(ValidationError):
        decide_correction(
            correction=report(event), outcome="spam", answer="x" * 1001, user=reviewer
        )
    decide_correction(correction=report(event), outcome="declined", answer="No", user=reviewer)
    decide_correction(correction=report(event), outcome="spam", answer="", user=reviewer)


def test_correction_is_decided_only_once(correction, reviewer, login_as):
    decide_correction(correction=correction, outcome="declined", answer="No", user=reviewer)
    with pytest.raises(AlreadyDecidedError):
        decide_correction(correction=correction, outcome="spam", answer="", user=reviewer)
    page = login_as(reviewer).post(one(correction), {"outcome": "spam"}, follow=True)
    assert "Someone else has already decided" in page.content.decode()
    correction.refresh_from_db()
    assert (correction.outcome, correction.answer) == ("declined", "No")


def test_undone_change_does_not_allow_accepting(correction, reviewer, login_as, eager_tasks):
    client = login_as(reviewer)
    put_right(client, correction, place_en="Kazan")
    changeset = correction.changesets.get()
    client.post(page_of(changeset), {"undo": "1"})
    with eager_tasks():
        client.post(page_of(Changeset.objects.get(undoes=changeset)), {"apply": "1"})
    assert Event.objects.get(pk=correction.record_id).place_en == "Moscow"
    with pytest.raises(ValidationError):
        decide_correction(correction=correction, outcome="accepted", answer="", user=reviewer)


@pytest.mark.slow
def test_change_is_linked_only_to_a_correction_of_that_record(
    event, correction, reviewer, login_as
):
    client = login_as(reviewer)
    other = factories.event(("CHN", "host"), place_en="Beijing")
    closed = report(other, outcome="waiting")
    decide_correction(correction=closed, outcome="spam", answer="", user=reviewer)
    for n, number in enumerate((correction.pk, closed.pk, "x", "9" * 30, "-1", "²")):
        page = client.get(f"{change(other)}?correction={number}").content.decode()
        assert 'name="_correction"' not in page
        sent = form_of(client, change(other)) | {"place_en": f"Place {n}", "_correction": number}
        client.post(change(other), sent)
    assert Event.objects.get(pk=other.pk).place_en == "Place 5"
    assert not Changeset.objects.exclude(correction=None).exists()


def test_user_who_may_not_view_corrections_links_none(correction, event, editor, login_as):
    rights = Permission.objects.filter(group__user=editor).exclude(codename="view_correction")
    editor.user_permissions.set(list(rights))
    editor.groups.clear()
    client = login_as(User.objects.get(pk=editor.pk))
    put_right(client, correction, place_en="Kazan")
    assert Changeset.objects.proposed().get().correction is None
    assert client.get(one(correction)).status_code == 403


def test_correction_link_survives_a_refused_form(correction, event, reviewer, login_as):
    client = login_as(reviewer)
    page = put_right(client, correction, date="03/04/2020").content.decode()
    assert f'name="_correction" value="{correction.pk}"' in page


def test_correction_of_a_deleted_record_can_be_decided(reviewer, login_as):
    event = factories.event(status=Status.DRAFT, cited=False)
    correction = report(event)
    event.delete()
    client = login_as(reviewer)
    assert "no longer exists" in client.get(one(correction)).content.decode()
    assert client.get(reverse(QUEUE)).status_code == 200
    client.post(one(correction), {"outcome": "declined", "answer": "Gone"})
    correction.refresh_from_db()
    assert correction.outcome == "declined"


@pytest.mark.parametrize("language", ["en", "id"])
def test_waiting_corrections_come_first_and_query_count_is_constant(
    language, event, reviewer, login_as
):
    decided = report(event, text="Decided one")
    decide_correction(correction=decided, outcome="spam", answer="", user=reviewer)
    report(event, text="Waiting one")
    client = login_as(reviewer)
    address = f"/{language}/admin/allies/correction/"

    def queries():
        client.get(address)
        with CaptureQueriesContext(connection) as found:
            page = client.get(address).content.decode()
        return len(found), page

    before, page = queries()
    assert page.index("Waiting one") < page.index("Decided one")
    for n in range(10):
        report(factories.event(("RUS", "host")), text=f"More {n}")
    assert queries()[0] == before
    assert "Waiting one" not in client.get(f"{address}?outcome__exact=spam").content.decode()
