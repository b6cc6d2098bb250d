"""Before publication: missing data, preview links, scheduled steps, other editors."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from allies.actions.editing import new_changeset
from allies.actions.proposals import approve, propose
from allies.actions.scheduling import run_due
from allies.models import Appointment, Membership, PreviewLink, Status
from tests import factories
from tests.admin.test_page_links import links_of
from tests.admin.test_permissions import change, form_of, status_of
from tests.html_forms import main_form

pytestmark = pytest.mark.usefixtures("demo_data")


def links_to(record):
    return reverse(f"admin:allies_{record._meta.model_name}_links", args=[record.pk])


@pytest.fixture
def draft():
    return factories.event(("RUS", "host"), status=Status.DRAFT, title_en="Unseen visit")


def test_missing_data_is_listed_at_once_with_links(reviewer, login_as):
    alliance = factories.alliance(
        "RUS", status=Status.DRAFT, cited=False, title_en="", title_ind=""
    )
    alliance.signed, alliance.ended = "1990", "2000"
    alliance.save()
    Membership.objects.create(alliance=alliance, country=factories.country("IND"), joined="2005")
    page = login_as(reviewer).get(change(alliance)).content.decode()
    for place, text in (
        ("#citations-group", "Add a citation of a published source that supports this."),
        ("#id_title_en", "Enter a title in at least one language."),
        ("#memberships-group", "India: The country joined after the alliance ended."),
    ):
        assert f'<a href="{place}">{text}</a>' in page
    login_as(reviewer).post(change(alliance), form_of(login_as(reviewer), change(alliance)))
    Membership.objects.filter(alliance=alliance).last().delete()
    assert "at least two members" in login_as(reviewer).get(change(alliance)).content.decode()


def test_entry_without_a_source_is_linked(reviewer, login_as):
    ally_list = factories.ally_list("RUS", "CHN", status=Status.DRAFT, cited=False)
    page = login_as(reviewer).get(change(ally_list)).content.decode()
    assert f'href="{change(ally_list.entries.get())}#citations-group"' in page


def test_preview_link_shows_a_draft_until_it_is_revoked(draft, editor, login_as, client):
    signed = login_as(editor)
    signed.post(links_to(draft), {"days": "7", "purpose": "The embassy"})
    address = signed.get(links_to(draft)).context["links"][0][1]
    page = client.get(address)
    assert "Unseen visit" in page.content.decode()
    assert "Preview:" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "noindex" in page["X-Robots-Tag"]
    assert page["Referrer-Policy"] == "no-referrer"
    signed.post(links_to(draft), {"revoke": PreviewLink.objects.get().pk})
    assert client.get(address).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alliance", "event", "ally_list", "source"])
def test_every_link_on_a_previewed_draft_opens(kind, editor, login_as, client):
    made = {"alliance": ("RUS", "IND"), "event": (("RUS", "host"),), "ally_list": ("RUS", "CHN")}
    record = getattr(factories, kind)(*made.get(kind, ()), status=Status.DRAFT)
    signed = login_as(editor)
    signed.post(links_to(record), {"days": "7", "purpose": ""})
    address = signed.get(links_to(record)).context["links"][0][1]
    page = client.get(address).content.decode()
    elsewhere = ("/static/", "/en/admin/")
    paths = {link for link in links_of(page) if link[0] == "/" and not link.startswith(elsewhere)}
    assert len(paths) > 5
    broken = {path: client.get(path).status_code for path in paths}
    assert {path for path, status in broken.items() if status >= 400} == set()


def test_preview_link_to_a_published_record_leads_to_its_page(draft, editor, login_as, client):
    login_as(editor).post(links_to(draft), {"days": "7"})
    address = reverse("allies:preview", args=[PreviewLink.objects.get().token])
    unseen = "readers cannot see this record"
    assert unseen in client.get(address).content.decode()
    factories.cite(draft)
    type(draft).objects.filter(pk=draft.pk).update(status=Status.PUBLISHED)
    page = client.get(address).content.decode()
    assert unseen not in page
    assert f'<a href="{draft.get_absolute_url()}">Open the public page</a>' in page


def test_preview_link_expires_and_cannot_be_forged(draft, editor, login_as, client):
    login_as(editor).post(links_to(draft), {"days": "1"})
    link = PreviewLink.objects.get()
    address = reverse("allies:preview", args=[link.token])
    assert client.get(address).status_code == 200
    assert client.get(address[:-4] + "AAA/").status_code == 404
    assert client.get(reverse("allies:preview", args=[str(link.pk)])).status_code == 404
    PreviewLink.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert client.get(address).status_code == 404


def _deactivate(account):
    account.is_active = False
    account.save()


def _take_staff(account):
    account.is_staff = False
    account.save()


def _demote(account):
    account.groups.clear()
    account.user_permissions.set(Permission.objects.filter(codename="view_source"))


def _empty_group(account):
    Group.objects.get(name="Editors").permissions.clear()


#: Ways in which an editor or reviewer loses the permission to see or publish draft events.
LOSSES = [_deactivate, _take_staff, lambda account: account.groups.clear()]


@pytest.mark.parametrize(
    "lose", [*LOSSES, _empty_group, lambda account: account.delete()], ids=range(5)
)
def test_preview_link_stops_when_its_creator_loses_the_permission(
    lose, draft, editor, reviewer, login_as, client
):
    login_as(editor).post(links_to(draft), {"days": "7"})
    login_as(reviewer).post(links_to(draft), {"days": "7"})
    lost, other = (
        reverse("allies:preview", args=[link.token])
        for link in PreviewLink.objects.order_by("created_by__username")
    )
    assert client.get(lost).status_code == 200
    lose(editor)
    assert client.get(lost).status_code == 404
    assert client.get(other).status_code == 200
    page = login_as(reviewer).get(links_to(draft))
    shown = {link.created_by.username: link.is_valid for link, _address in page.context["links"]}
    assert shown.pop("rita")
    assert not shown.get("edi")
    is_revoked = lose in (_deactivate, _take_staff)
    text = page.content.decode()
    told = "inactive: its creator may no longer see this draft" in text
    assert told == ("edi" in shown and not is_revoked)
    assert ("<td>revoked</td>" in text) == is_revoked


@pytest.mark.parametrize("flag", ["is_active", "is_staff"])
def test_preview_links_of_a_deactivated_account_stay_revoked(
    flag, draft, editor, reviewer, login_as, client
):
    login_as(editor).post(links_to(draft), {"days": "7"})
    login_as(reviewer).post(links_to(draft), {"days": "7"})
    for value in (False, True):
        setattr(editor, flag, value)
        editor.save()
    old, of_other = (
        reverse("allies:preview", args=[link.token])
        for link in PreviewLink.objects.order_by("created_by__username")
    )
    assert client.get(old).status_code == 404
    assert client.get(of_other).status_code == 200
    login_as(editor).post(links_to(draft), {"days": "7"})
    new = reverse("allies:preview", args=[PreviewLink.objects.latest("pk").token])
    assert client.get(new).status_code == 200


def test_preview_link_needs_the_permission_for_that_record_type(draft, editor, login_as, client):
    login_as(editor).post(links_to(draft), {"days": "7"})
    address = reverse("allies:preview", args=[PreviewLink.objects.get().token])
    _demote(editor)
    assert client.get(address).status_code == 404
    editor.user_permissions.set(Permission.objects.filter(codename="view_event"))
    assert client.get(address).status_code == 200


def test_superuser_links_work_and_the_page_query_count_is_constant(draft, login_as, client):
    counts = []
    for number in (1, 9):
        for n in range(number):
            boss = User.objects.create_superuser(f"boss-{number}-{n}")
            login_as(boss).post(links_to(draft), {"days": "7"})
        link = PreviewLink.objects.latest("pk")
        assert client.get(reverse("allies:preview", args=[link.token])).status_code == 200
        signed = login_as(boss)
        signed.get(links_to(draft))
        with CaptureQueriesContext(connection) as queries:
            signed.get(links_to(draft))
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("who", ["data_manager"])
def test_users_without_change_permission_create_no_preview_links(
    who, draft, request, login_as, client
):
    signed = login_as(request.getfixturevalue(who))
    assert signed.post(links_to(draft), {"days": "7"}).status_code == 403
    assert client.post(links_to(draft), {"days": "7"}).status_code == 302
    assert not PreviewLink.objects.exists()


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


def test_other_editors_of_an_open_record_are_shown(draft, editor, reviewer, data_manager, login_as):
    login_as(editor).get(change(draft))
    page = login_as(reviewer).get(change(draft)).content.decode()
    assert "Also editing: edi" in page
    open_at = reverse("admin:allies_event_open", args=[draft.pk])
    assert login_as(editor).post(open_at).json()["others"].startswith("Also editing: rita")
    assert login_as(data_manager).post(open_at).status_code == 403


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
