"""Scheduled steps: taken at their time, unless the record or the permissions changed."""

import pytest
from django.urls import reverse
from django.utils import timezone

from allies.actions.apply_changes import new_changeset
from allies.actions.proposals import approve, propose
from allies.actions.scheduling import run_due
from allies.models import Appointment, Status
from tests import factories
from tests.admin.test_permissions import change, form_of, status_of
from tests.admin.test_preview_links import LOSSES
from tests.html_forms import main_form

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def draft():
    return factories.event(("RUS", "host"), status=Status.DRAFT, title_en="Unseen visit")


def _later(client, record, step, due_at):
    sent = {**form_of(client, change(record)), "_later": step, "_due_at": due_at}
    return client.post(change(record), sent, follow=True)


def test_record_is_published_and_withdrawn_as_scheduled(draft, reviewer, login_as):
    client = login_as(reviewer)
    for step, end in (("publish", "published"), ("withdraw", "withdrawn")):
        _later(client, draft, step, "2099-01-01T08:00")
        assert run_due() == []
        Appointment.objects.waiting().update(due_at=timezone.now())
        assert len(run_due()) == 1
        assert status_of(draft) == end
    assert draft.history.first().history_user == reviewer


def test_past_time_is_refused_and_a_scheduled_step_is_cancelled(draft, reviewer, login_as):
    client = login_as(reviewer)
    assert "in the future" in _later(client, draft, "publish", "2001-01-01T08:00").content.decode()
    assert "Enter a date" in _later(client, draft, "publish", "soon").content.decode()
    _later(client, draft, "publish", "2099-01-01T08:00")
    sent = {**form_of(client, change(draft)), "_call_off": Appointment.objects.get().pk}
    client.post(change(draft), sent)
    assert not Appointment.objects.exists()


def test_failed_scheduled_publication_gives_the_reason(reviewer, login_as):
    event = factories.event(status=Status.DRAFT, cited=False)
    _later(login_as(reviewer), event, "publish", "2099-01-01T08:00")
    Appointment.objects.update(due_at=timezone.now())
    (kept,) = run_due()
    assert "published source that supports" in kept.problem
    assert status_of(event) == "draft"


def test_editor_cannot_schedule_with_a_forged_form(draft, editor, login_as):
    client = login_as(editor)
    assert "_later" not in client.get(change(draft)).content.decode()
    assert _later(client, draft, "publish", "2099-01-01T08:00").status_code == 403
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("lose", LOSSES, ids=range(len(LOSSES)))
def test_user_without_permission_does_not_publish_as_scheduled(lose, draft, reviewer, login_as):
    _later(login_as(reviewer), draft, "publish", "2099-01-01T08:00")
    lose(reviewer)
    Appointment.objects.update(due_at=timezone.now())
    (kept,) = run_due()
    assert kept.problem == "The person who requested this no longer has permission to do it."
    assert status_of(draft) == "draft"


@pytest.fixture
def in_review():
    return factories.event(("RUS", "host"), status=Status.IN_REVIEW, title_en="Unseen visit")


def _at_its_time():
    Appointment.objects.waiting().update(due_at=timezone.now())
    return run_due()


EDITED = "It was edited after the time was set. Check it and set the time again."


def _save(client, record, **changed):
    form = main_form(client.get(change(record)))
    return client.post(change(record), form.data(_save="Save", **changed), follow=True)


@pytest.mark.slow
def test_edit_after_scheduling_prevents_publication(in_review, reviewer, editor, login_as):
    _later(login_as(reviewer), in_review, "publish", "2099-01-01T08:00")
    said = _save(login_as(editor), in_review, summary_en="UNREVIEWED").content.decode()
    assert "Ask a reviewer to check it and schedule it again." in said
    assert EDITED in login_as(reviewer).get(change(in_review)).content.decode()
    (kept,) = _at_its_time()
    assert kept.problem == EDITED
    assert status_of(in_review) == "in-review"
    page = login_as(reviewer).get(change(in_review)).content.decode()
    assert "Not published on schedule:" in page
    assert EDITED in page
    desk = login_as(reviewer).get(reverse("admin:index")).content.decode()
    assert "not published on schedule" in desk
    # Scheduled again by a reviewer, the record is published, and the alert disappears.
    _later(login_as(reviewer), in_review, "publish", "2099-01-01T08:00")
    (kept,) = _at_its_time()
    assert (kept.problem, status_of(in_review)) == ("", "published")
    desk = login_as(reviewer).get(reverse("admin:index")).content.decode()
    assert "not published on schedule" not in desk


@pytest.mark.parametrize("part", ["added", "changed", "removed"])
def test_edit_of_a_part_after_scheduling_prevents_publication(part, in_review, reviewer, login_as):
    _later(login_as(reviewer), in_review, "publish", "2099-01-01T08:00")
    if part == "added":
        in_review.participations.create(country=factories.country("CHN"), role="visitor")
    elif part == "changed":
        citation = in_review.citations.get()
        citation.note_en = "UNREVIEWED"
        citation.save()
    else:
        in_review.participations.first().delete()
    (kept,) = _at_its_time()
    assert kept.problem == EDITED
    assert status_of(in_review) == "in-review"


def test_reviewer_edit_after_scheduling_is_published(in_review, reviewer, login_as):
    client = login_as(reviewer)
    _later(client, in_review, "publish", "2099-01-01T08:00")
    said = _save(client, in_review, summary_en="Reviewed").content.decode()
    assert "Ask a reviewer" not in said
    assert EDITED not in client.get(change(in_review)).content.decode()
    (kept,) = _at_its_time()
    assert (kept.problem, status_of(in_review)) == ("", "published")


def test_reviewer_edit_does_not_approve_an_earlier_editor_edit(
    in_review, reviewer, editor, login_as
):
    _later(login_as(reviewer), in_review, "publish", "2099-01-01T08:00")
    _save(login_as(editor), in_review, summary_en="UNREVIEWED")
    _save(login_as(reviewer), in_review, place_en="Moscow")
    (kept,) = _at_its_time()
    assert kept.problem == EDITED


def test_schedule_without_a_content_digest_still_works(in_review, reviewer, login_as):
    _later(login_as(reviewer), in_review, "publish", "2099-01-01T08:00")
    Appointment.objects.update(content="")
    in_review.summary_en = "Other"
    in_review.save()
    (kept,) = _at_its_time()
    assert (kept.problem, status_of(in_review)) == ("", "published")


def _by_button(client, record, step):
    return client.post(change(record), {**form_of(client, change(record)), "_step": step})


def _by_list(client, record, step):
    path = reverse(f"admin:allies_{record._meta.model_name}_changelist")
    return client.post(path, {"action": f"{step}_selected", "_selected_action": [record.pk]})


@pytest.mark.parametrize("take", [_by_button, _by_list])
def test_withdrawn_record_is_not_republished_by_a_schedule(take, in_review, reviewer, login_as):
    client = login_as(reviewer)
    _later(client, in_review, "publish", "2099-01-01T08:00")
    take(client, in_review, "publish")
    said = client.get(reverse("admin:index")).content.decode()
    assert "Scheduled actions cancelled by this: 1." in said
    take(client, in_review, "withdraw")
    assert _at_its_time() == []
    assert status_of(in_review) == "withdrawn"
    # Not even if its content is again the same as when the step was scheduled.
    _later(client, in_review, "publish", "2099-01-01T08:00")
    for step in ("publish", "withdraw"):
        take(client, in_review, step)
    assert _at_its_time() == []
    assert status_of(in_review) == "withdrawn"


@pytest.mark.parametrize("step", ["submit", "reopen"])
def test_every_manual_step_cancels_a_scheduled_publication(step, editor, reviewer, login_as):
    status = Status.DRAFT if step == "submit" else Status.IN_REVIEW
    event = factories.event(("RUS", "host"), status=status)
    _later(login_as(reviewer), event, "publish", "2099-01-01T08:00")
    _by_button(login_as(editor), event, step)
    assert _at_its_time() == []
    assert status_of(event) == {"submit": "in-review", "reopen": "draft"}[step]


def test_status_change_past_the_actions_prevents_publication(in_review, reviewer, login_as):
    _later(login_as(reviewer), in_review, "publish", "2099-01-01T08:00")
    in_review.status = Status.WITHDRAWN
    in_review.save()
    (kept,) = _at_its_time()
    assert kept.problem == EDITED
    assert status_of(in_review) == "withdrawn"
    desk = login_as(reviewer).get(reverse("admin:index")).content.decode()
    assert "not published on schedule" in desk


def test_scheduled_withdrawal_survives_a_manual_publication(in_review, reviewer, login_as):
    client = login_as(reviewer)
    _later(client, in_review, "publish", "2098-01-01T08:00")
    _later(client, in_review, "withdraw", "2099-01-01T08:00")
    _by_button(client, in_review, "publish")
    assert [kept.step for kept in _at_its_time()] == ["withdraw"]
    assert status_of(in_review) == "withdrawn"


@pytest.mark.parametrize("who", ["editor", "reviewer"])
def test_approved_proposal_counts_as_an_edit_by_its_approver(
    who, in_review, reviewer, login_as, request
):
    _later(login_as(reviewer), in_review, "publish", "2099-01-01T08:00")
    values = {"fields": {"summary_en": ["", "Proposed"]}}
    changes = [{"key": f"event-{in_review.pk}", "what": "changed", **values}]
    proposal = new_changeset(record=in_review, user=reviewer)
    propose(changeset=proposal, changes=changes)
    approve(changeset=proposal, user=request.getfixturevalue(who), changes=changes)
    (kept,) = _at_its_time()
    assert kept.problem == (EDITED if who == "editor" else "")
    assert status_of(in_review) == ("in-review" if who == "editor" else "published")
