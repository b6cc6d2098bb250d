"""What actions refuse, and their messages: permissions, past times, deleted records."""

import datetime as dt

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from allies.actions.apply_changes import apply_changes, edit_transaction, new_changeset
from allies.actions.correction_intake import (
    SubmissionRejected,
    SubmittedTooFast,
    new_form_token,
    submit_correction,
)
from allies.actions.editions import (
    NothingNewError,
    create_edition,
    create_missing_editions,
    retract_edition,
)
from allies.actions.merge import count_references, merge_records
from allies.actions.proposals import (
    AlreadyDecidedError,
    amend,
    approve,
    conflicting_fields,
    decline,
    propose,
)
from allies.actions.publication import apply_transition
from allies.actions.scheduling import cancel_schedule, run_due, schedule_action
from allies.models import (
    Alliance,
    Changeset,
    Citation,
    Edition,
    Event,
    Membership,
    Status,
)
from allies.models.scheduled_action import Appointment
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


@pytest.fixture
def user(request):
    return request.getfixturevalue(request.param)


# Scheduled steps.


@pytest.mark.parametrize(("seconds", "is_taken"), [(-60, False), (0, False), (60, True)])
def test_step_can_only_be_scheduled_for_the_future(seconds, is_taken, reviewer, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    record = factories.event(("RUS", "host"), status=Status.DRAFT)
    given = {"record": record, "step": "publish", "user": reviewer}
    due = now + dt.timedelta(seconds=seconds)
    if is_taken:
        made = schedule_action(**given, due_at=due)
        assert (made.noun, made.record_id, made.step) == ("event", record.pk, "publish")
        assert (made.due_at, made.created_by) == (due, reviewer)
    else:
        with pytest.raises(ValidationError, match="in the future"):
            schedule_action(**given, due_at=due)
    assert Appointment.objects.count() == is_taken


@pytest.mark.parametrize(
    ("user", "step", "may"),
    [
        ("reviewer", "publish", True),
        ("reviewer", "withdraw", True),
        ("reviewer", "submit", False),
        ("reviewer", "reopen", False),
        ("editor", "publish", False),
        ("editor", "withdraw", False),
        ("data_manager", "publish", False),
    ],
    indirect=["user"],
)
def test_scheduling_and_cancelling_need_the_permission_for_the_step(user, step, may, reviewer):
    due = timezone.now() + dt.timedelta(days=1)
    record = factories.event(("RUS", "host"), status=Status.DRAFT)
    if may:
        made = schedule_action(record=record, step=step, due_at=due, user=user)
        cancel_schedule(appointment=made, user=user)
        assert not Appointment.objects.exists()
        return
    with pytest.raises(PermissionDenied):
        schedule_action(record=record, step=step, due_at=due, user=user)
    if step in ("publish", "withdraw"):
        made = schedule_action(record=record, step=step, due_at=due, user=reviewer)
        with pytest.raises(PermissionDenied):
            cancel_schedule(appointment=made, user=user)
        assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    ("seconds", "status", "problem", "after"),
    [
        (60, "draft", None, "draft"),
        (0, "draft", "", "published"),
        (-60, "draft", "", "published"),
        (-60, "published", "is published", "published"),
        (-60, "gone", "no longer exists", None),
        (-60, "incomplete", "published source that supports", "draft"),
    ],
)
def test_due_steps_are_applied_or_give_the_reason(
    seconds, status, problem, after, reviewer, monkeypatch
):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    incomplete = {"status": "draft", "cited": False} if status == "incomplete" else {}
    gone = {"status": "draft"} if status == "gone" else {}
    record = factories.event(("RUS", "host"), **{"status": status, **incomplete, **gone})
    due = now + dt.timedelta(seconds=seconds)
    made = Appointment.objects.create(
        noun="event", record_id=record.pk, step="publish", due_at=due, created_by=reviewer
    )
    if status == "gone":
        record.delete()
    kept = run_due()
    made.refresh_from_db()
    if problem is None:
        assert (kept, made.done_at) == ([], None)
    else:
        assert (kept, made.done_at) == ([made], now)
        assert problem in made.problem
        assert bool(problem) is bool(made.problem)
    if after:
        assert Event.objects.get(pk=record.pk).status == after
    assert run_due() == []


def test_step_of_a_user_without_permission_is_not_applied(reviewer):
    record = factories.event(("RUS", "host"), status=Status.DRAFT)
    made = Appointment.objects.create(
        noun="event",
        record_id=record.pk,
        step="publish",
        due_at=timezone.now(),
        created_by=reviewer,
    )
    reviewer.groups.clear()
    assert run_due() == [made]
    made.refresh_from_db()
    assert "no longer has permission" in made.problem
    assert Event.objects.get(pk=record.pk).status == "draft"


# Proposals.


@pytest.fixture
def proposal(editor):
    event = factories.event(("RUS", "host"), title_en="Before")
    made = new_changeset(record=event, user=editor, reason="Better")
    changes = [
        {
            "key": f"event-{event.pk}",
            "what": "changed",
            "fields": {"title_en": ["Before", "After"], "place_en": ["", "Minsk"]},
        }
    ]
    propose(changeset=made, changes=changes)
    return made


def only(proposal, *names):
    (change,) = proposal.changes
    fields = {name: change["fields"][name] for name in names}
    return [{**change, "fields": fields}]


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        (["title_en", "place_en"], []),
        (["title_en"], ["place_en"]),
        (["place_en"], ["title_en"]),
    ],
)
def test_changes_not_accepted_by_the_reviewer_are_stored(taken, left, proposal, reviewer):
    approve(changeset=proposal, user=reviewer, changes=only(proposal, *taken), note=" Thanks ")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decision, proposal.decided_by) == (
        "applied",
        "Thanks",
        reviewer,
    )
    assert [[*change["fields"]] for change in proposal.not_taken] == ([left] if left else [])
    event = proposal.about
    assert event.title_en == ("After" if "title_en" in taken else "Before")
    assert event.place_en == ("Minsk" if "place_en" in taken else "")


@pytest.mark.parametrize(
    ("user", "approves", "amends", "declines"),
    [
        ("reviewer", True, True, True),
        ("editor", False, True, True),
        ("data_manager", False, False, False),
    ],
    indirect=["user"],
)
def test_permissions_to_amend_approve_and_decline_a_proposal(
    user, approves, amends, declines, proposal
):
    changes = only(proposal, "title_en")

    def may(action, **given):
        try:
            action(changeset=proposal, user=user, **given)
        except PermissionDenied:
            return False
        return True

    assert may(amend, changes=changes) is amends
    before = Changeset.objects.get(pk=proposal.pk)
    kept = {"title_en"} if amends else {"title_en", "place_en"}
    assert set(before.changes[0]["fields"]) == kept
    if approves:
        assert may(approve, changes=changes)
        with pytest.raises(AlreadyDecidedError):
            decline(changeset=proposal, user=user, note="No")
    else:
        assert not may(approve, changes=changes)
        assert may(decline, note="No") is declines
    proposal.refresh_from_db()
    assert proposal.state == ("applied" if approves else "declined" if declines else "proposed")


def test_declining_needs_a_reason_except_for_the_author(proposal, reviewer, editor):
    with pytest.raises(ValidationError, match="Give a reason"):
        decline(changeset=proposal, user=reviewer, note="  ")
    decline(changeset=proposal, user=editor, note="")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by) == ("declined", editor)


def test_proposal_of_a_deleted_record_is_declined_by_those_who_could_change_it(
    proposal, reviewer, data_manager
):
    data_manager.user_permissions.set(Permission.objects.filter(codename="view_changeset"))
    data_manager.groups.clear()
    Event.objects.filter(pk=proposal.about_id).update(status="draft")
    Event.objects.get(pk=proposal.about_id).delete()
    proposal = Changeset.objects.get(pk=proposal.pk)
    for_reading = User.objects.get(pk=data_manager.pk)
    with pytest.raises(PermissionDenied):
        decline(changeset=proposal, user=for_reading, note="It was deleted")
    decline(changeset=proposal, user=reviewer, note="It was deleted")
    assert Changeset.objects.declined().filter(pk=proposal.pk).exists()


@pytest.mark.parametrize("action", [approve, amend])
def test_empty_selection_decides_nothing(action, proposal, reviewer):
    with pytest.raises(ValidationError, match="No changes are selected"):
        action(changeset=proposal, user=reviewer, changes=[])
    proposal.refresh_from_db()
    assert proposal.is_proposed


@pytest.mark.parametrize(
    ("what", "now", "moved"),
    [
        ("changed", {"title": "old"}, {}),
        ("changed", {"title": "new"}, {}),
        ("changed", {"title": "other"}, {"event-1": {"title"}}),
        ("changed", None, {"event-1": {"*"}}),
        ("removed", {"title": "old"}, {}),
        ("removed", {"title": "new"}, {"event-1": {"title"}}),
        ("removed", None, {}),
        ("added", {"title": "other"}, {}),
    ],
)
def test_conflicting_field_is_neither_the_old_nor_the_proposed_value(what, now, moved):
    change = {"key": "event-1", "what": what, "fields": {"title": ["old", "new"]}}
    found = conflicting_fields(Changeset(changes=[change]), {"event-1": now} if now else {})
    assert found == moved


# Corrections.


@pytest.mark.parametrize(
    ("seconds", "refusal"),
    [(2, SubmittedTooFast), (3, None), (24 * 3600, None), (24 * 3600 + 1, SubmissionRejected)],
)
def test_correction_is_accepted_between_three_seconds_and_a_day(seconds, refusal):
    event = factories.event(("RUS", "host"))
    opened = timezone.now().replace(microsecond=0)
    given = {"evidence": "", "contact": "", "language": "en", "client": "192.0.2.1"}
    given |= {"record": event, "token": new_form_token(event, now=opened)}
    now = opened + dt.timedelta(seconds=seconds)
    if refusal is None:
        sent = submit_correction(**given, text="Wrong.", now=now)
        assert (sent.noun, sent.record_id, sent.text) == ("event", event.pk, "Wrong.")
    else:
        with pytest.raises(refusal):
            submit_correction(**given, text="Wrong.", now=now)


# Editing.


def test_deleted_part_and_part_of_another_record_are_not_written(reviewer):
    alliance, other = factories.alliance("RUS", "CHN"), factories.alliance("RUS", "IND")
    theirs = other.memberships.first()
    gone = Membership.objects.create(alliance=alliance, country=factories.country("IRN"))
    number = gone.pk
    gone.delete()
    for key, said in (
        (f"membership-{number}", f"membership {number} no longer exists"),
        (f"membership-{theirs.pk}", f"“{theirs}” is part of another record"),
    ):
        change = {"key": key, "what": "changed", "fields": {"role": ["member", "observer"]}}
        with pytest.raises(ValidationError) as refused:
            with edit_transaction(new_changeset(record=alliance, user=reviewer), user=reviewer):
                apply_changes(changes=[change], root=alliance, user=reviewer)
        assert said in refused.value.messages[0]
    assert Membership.objects.get(pk=theirs.pk).role == "member"


def test_restored_part_that_conflicts_with_another_is_refused_with_its_name(reviewer):
    alliance = factories.alliance("RUS", "CHN")
    there = alliance.memberships.first()
    fields = {"alliance": [None, alliance.pk], "country": [None, factories.country("IRN").pk]}
    change = {"key": f"membership-{there.pk}", "what": "added", "fields": fields}
    with pytest.raises(ValidationError) as refused:
        with edit_transaction(new_changeset(record=alliance, user=reviewer), user=reviewer):
            apply_changes(changes=[change], root=alliance, user=reviewer)
    assert "cannot be saved" in refused.value.messages[0] or "already" in refused.value.messages[0]
    assert Membership.objects.get(pk=there.pk).country == there.country


# Merging.


def test_deleted_record_is_not_merged_and_is_named(reviewer):
    reviewer.is_superuser = True
    keep, drop = (factories.event(("RUS", "host"), status="draft", cited=False) for _n in range(2))
    gone = Event.objects.get(pk=drop.pk)
    drop.delete()
    for pair in ({"keep": keep, "drop": gone}, {"keep": gone, "drop": keep}):
        with pytest.raises(ValidationError) as refused:
            merge_records(**pair, chosen={}, user=reviewer)
        assert refused.value.messages == [f"“{gone}” no longer exists."]
    assert Event.objects.filter(pk=keep.pk).exists()


def test_references_of_a_merged_record_are_counted():
    alliance = factories.alliance("RUS", "CHN", "IND")
    factories.cite(alliance)
    assert dict(count_references(alliance)) == {Membership: 3, Citation: 2}
    assert count_references(Alliance.objects.create(kind="entente", title_en="None")) == []


# Editions.


@pytest.mark.parametrize("user", ["editor", "data_manager"], indirect=True)
def test_creating_and_retracting_editions_needs_the_publish_permission(user, reviewer):
    ally_list = factories.ally_list("FJI", "TON")
    with pytest.raises(PermissionDenied):
        create_edition(ally_list=ally_list, user=user)
    edition = create_edition(ally_list=ally_list, user=reviewer, note=" First ")
    assert (edition.number, edition.note, edition.made_by) == (1, "First", reviewer)
    with pytest.raises(PermissionDenied):
        retract_edition(edition=edition, user=user, reason="Wrong")
    with pytest.raises(ValidationError, match="Give a reason"):
        retract_edition(edition=edition, user=reviewer, reason=" ")
    retract_edition(edition=edition, user=reviewer, reason=" Wrong ")
    with pytest.raises(ValidationError, match="already"):
        retract_edition(edition=edition, user=reviewer, reason="Wrong")
    edition = Edition.objects.get(pk=edition.pk)
    assert (edition.retraction, edition.retracted_by) == ("Wrong", reviewer)


@pytest.mark.parametrize(
    ("status", "said"),
    [("gone", "no longer exists"), ("draft", "Publish it first"), ("in-review", "Publish it")],
)
def test_edition_needs_a_published_list(status, said, reviewer):
    ally_list = factories.ally_list("FJI", "TON", status="draft" if status == "gone" else status)
    if status == "gone":
        type(ally_list).objects.get(pk=ally_list.pk).delete()
    with pytest.raises(ValidationError, match=said):
        create_edition(ally_list=ally_list, user=reviewer)


def test_missing_edition_is_created_once(reviewer):
    ally_list = factories.ally_list("FJI", "TON")
    factories.ally_list("FJI", "TON", status=Status.DRAFT)
    assert [edition.ally_list_id for edition in create_missing_editions()] == [ally_list.pk]
    assert create_missing_editions() == []
    with pytest.raises(NothingNewError) as same:
        create_edition(ally_list=ally_list, user=reviewer)
    assert same.value.last == Edition.objects.get(ally_list=ally_list.pk)
    other = factories.ally_list("FJI", "TON", slug="other", status=Status.DRAFT)
    Edition.objects.filter(ally_list=ally_list.pk)
    apply_transition(record=other, step="publish", user=reviewer)
    assert Edition.objects.get(ally_list=other.pk).key == "other-1"


def test_changeset_has_user_reason_and_record(editor):
    event = factories.event(("RUS", "host"))
    made = new_changeset(record=event, user=editor, reason=" r" * 600, public_note=" n" * 600)
    assert (made.about_noun, made.about_id, made.created_by) == ("event", event.pk, editor)
    assert (len(made.reason), len(made.public_note)) == (1000, 1000)
    assert made.reason.startswith("r")
    assert new_changeset(record=Event(), user=editor).about_noun == ""
    assert User.objects.get(pk=made.created_by_id) == editor
