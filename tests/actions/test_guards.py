"""What actions refuse, and what they say then: rights, times gone by, what is gone meanwhile."""

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from allies.actions.appointments import (
    call_appointment_off,
    keep_appointments,
    make_appointment,
)
from allies.actions.editing import editing, new_edit, write
from allies.actions.editions import (
    NothingNew,
    make_edition,
    make_missing_editions,
    retract,
)
from allies.actions.merging import merge, what_moves
from allies.actions.proposals import Decided, amend, approve, decline, moved_since, propose
from allies.actions.publication import take_step
from allies.actions.reports import NotSent, TooSoon, send_correction, token_for
from allies.models import (
    Alliance,
    Changeset,
    Citation,
    Edition,
    Event,
    Membership,
    Status,
)
from allies.models.desk import Appointment
from tests import cast

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("starter")]


@pytest.fixture
def user(request):
    return request.getfixturevalue(request.param)


# Appointments


@pytest.mark.parametrize(("seconds", "is_taken"), [(-60, False), (0, False), (60, True)])
def test_an_appointment_is_made_for_a_time_to_come(seconds, is_taken, rita, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    record = cast.event(("RUS", "host"), status=Status.DRAFT)
    given = {"record": record, "step": "publish", "user": rita}
    due = now + dt.timedelta(seconds=seconds)
    if is_taken:
        made = make_appointment(**given, due_at=due)
        assert (made.noun, made.record_id, made.step) == ("event", record.pk, "publish")
        assert (made.due_at, made.created_by) == (due, rita)
    else:
        with pytest.raises(ValidationError, match="in the future"):
            make_appointment(**given, due_at=due)
    assert Appointment.objects.count() == is_taken


@pytest.mark.parametrize(
    ("user", "step", "may"),
    [
        ("rita", "publish", True),
        ("rita", "withdraw", True),
        ("rita", "submit", False),
        ("rita", "reopen", False),
        ("edi", "publish", False),
        ("edi", "withdraw", False),
        ("dana", "publish", False),
    ],
    indirect=["user"],
)
def test_appointments_are_made_and_called_off_by_who_may_take_the_step(user, step, may, rita):
    due = timezone.now() + dt.timedelta(days=1)
    record = cast.event(("RUS", "host"), status=Status.DRAFT)
    if may:
        made = make_appointment(record=record, step=step, due_at=due, user=user)
        call_appointment_off(appointment=made, user=user)
        assert not Appointment.objects.exists()
        return
    with pytest.raises(PermissionDenied):
        make_appointment(record=record, step=step, due_at=due, user=user)
    if step in ("publish", "withdraw"):
        made = make_appointment(record=record, step=step, due_at=due, user=rita)
        with pytest.raises(PermissionDenied):
            call_appointment_off(appointment=made, user=user)
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
def test_appointments_are_kept_when_they_are_due_and_say_why_not(
    seconds, status, problem, after, rita, monkeypatch
):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    incomplete = {"status": "draft", "cited": False} if status == "incomplete" else {}
    gone = {"status": "draft"} if status == "gone" else {}
    record = cast.event(("RUS", "host"), **{"status": status, **incomplete, **gone})
    due = now + dt.timedelta(seconds=seconds)
    made = Appointment.objects.create(
        noun="event", record_id=record.pk, step="publish", due_at=due, created_by=rita
    )
    if status == "gone":
        record.delete()
    kept = keep_appointments()
    made.refresh_from_db()
    if problem is None:
        assert (kept, made.done_at) == ([], None)
    else:
        assert (kept, made.done_at) == ([made], now)
        assert problem in made.problem
        assert bool(problem) is bool(made.problem)
    if after:
        assert Event.objects.get(pk=record.pk).status == after
    assert keep_appointments() == []


def test_an_appointment_of_somebody_without_the_right_is_not_kept(rita):
    record = cast.event(("RUS", "host"), status=Status.DRAFT)
    made = Appointment.objects.create(
        noun="event", record_id=record.pk, step="publish", due_at=timezone.now(), created_by=rita
    )
    rita.groups.clear()
    assert keep_appointments() == [made]
    made.refresh_from_db()
    assert "no longer has permission" in made.problem
    assert Event.objects.get(pk=record.pk).status == "draft"


# Proposals


@pytest.fixture
def proposal(edi):
    event = cast.event(("RUS", "host"), title_en="Before")
    made = new_edit(record=event, user=edi, reason="Better")
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
def test_what_a_reviewer_did_not_take_is_kept(taken, left, proposal, rita):
    approve(changeset=proposal, user=rita, changes=only(proposal, *taken), note=" Thanks ")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decision, proposal.decided_by) == ("applied", "Thanks", rita)
    assert [[*change["fields"]] for change in proposal.not_taken] == ([left] if left else [])
    event = proposal.about
    assert event.title_en == ("After" if "title_en" in taken else "Before")
    assert event.place_en == ("Minsk" if "place_en" in taken else "")


@pytest.mark.parametrize(
    ("user", "approves", "amends", "declines"),
    [("rita", True, True, True), ("edi", False, True, True), ("dana", False, False, False)],
    indirect=["user"],
)
def test_who_may_decide_on_a_proposal(user, approves, amends, declines, proposal):
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
        with pytest.raises(Decided):
            decline(changeset=proposal, user=user, note="No")
    else:
        assert not may(approve, changes=changes)
        assert may(decline, note="No") is declines
    proposal.refresh_from_db()
    assert proposal.state == ("applied" if approves else "declined" if declines else "proposed")


def test_declining_needs_a_reason_from_anybody_but_its_author(proposal, rita, edi):
    with pytest.raises(ValidationError, match="Give a reason"):
        decline(changeset=proposal, user=rita, note="  ")
    decline(changeset=proposal, user=edi, note="")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by) == ("declined", edi)


@pytest.mark.parametrize("action", [approve, amend])
def test_nothing_chosen_decides_nothing(action, proposal, rita):
    with pytest.raises(ValidationError, match="No changes are selected"):
        action(changeset=proposal, user=rita, changes=[])
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
def test_ground_has_moved_where_it_is_neither_as_before_nor_as_proposed(what, now, moved):
    change = {"key": "event-1", "what": what, "fields": {"title": ["old", "new"]}}
    found = moved_since(Changeset(changes=[change]), {"event-1": now} if now else {})
    assert found == moved


# Corrections


@pytest.mark.parametrize(
    ("seconds", "refusal"),
    [(2, TooSoon), (3, None), (24 * 3600, None), (24 * 3600 + 1, NotSent)],
)
def test_a_correction_is_taken_between_three_seconds_and_a_day(seconds, refusal):
    event = cast.event(("RUS", "host"))
    opened = timezone.now().replace(microsecond=0)
    given = {"evidence": "", "contact": "", "language": "en", "client": "192.0.2.1"}
    given |= {"record": event, "token": token_for(event, now=opened)}
    now = opened + dt.timedelta(seconds=seconds)
    if refusal is None:
        sent = send_correction(**given, text="Wrong.", now=now)
        assert (sent.noun, sent.record_id, sent.text) == ("event", event.pk, "Wrong.")
    else:
        with pytest.raises(refusal):
            send_correction(**given, text="Wrong.", now=now)


# Editing


def test_what_is_gone_or_part_of_another_record_is_not_written(rita):
    alliance, other = cast.alliance("RUS", "CHN"), cast.alliance("RUS", "IND")
    theirs = other.memberships.first()
    gone = Membership.objects.create(alliance=alliance, country=cast.country("IRN"))
    number = gone.pk
    gone.delete()
    for key, said in (
        (f"membership-{number}", f"membership {number} no longer exists"),
        (f"membership-{theirs.pk}", f"“{theirs}” is part of another record"),
    ):
        change = {"key": key, "what": "changed", "fields": {"role": ["member", "observer"]}}
        with pytest.raises(ValidationError) as refused:
            with editing(new_edit(record=alliance, user=rita), user=rita):
                write(changes=[change], root=alliance, user=rita)
        assert said in refused.value.messages[0]
    assert Membership.objects.get(pk=theirs.pk).role == "member"


def test_what_is_brought_back_where_another_is_is_refused_by_name(rita):
    alliance = cast.alliance("RUS", "CHN")
    there = alliance.memberships.first()
    fields = {"alliance": [None, alliance.pk], "country": [None, cast.country("IRN").pk]}
    change = {"key": f"membership-{there.pk}", "what": "added", "fields": fields}
    with pytest.raises(ValidationError) as refused:
        with editing(new_edit(record=alliance, user=rita), user=rita):
            write(changes=[change], root=alliance, user=rita)
    assert "cannot be saved" in refused.value.messages[0] or "already" in refused.value.messages[0]
    assert Membership.objects.get(pk=there.pk).country == there.country


# Merging


def test_what_is_gone_is_not_merged_and_named(rita):
    rita.is_superuser = True
    keep, drop = (cast.event(("RUS", "host"), status="draft", cited=False) for _n in range(2))
    gone = Event.objects.get(pk=drop.pk)
    drop.delete()
    for pair in ({"keep": keep, "drop": gone}, {"keep": gone, "drop": keep}):
        with pytest.raises(ValidationError) as refused:
            merge(**pair, chosen={}, user=rita)
        assert refused.value.messages == [f"“{gone}” no longer exists."]
    assert Event.objects.filter(pk=keep.pk).exists()


def test_what_moves_in_a_merge_is_counted():
    alliance = cast.alliance("RUS", "CHN", "IND")
    cast.cite(alliance)
    assert dict(what_moves(alliance)) == {Membership: 3, Citation: 2}
    assert what_moves(Alliance.objects.create(kind="entente", title_en="None")) == []


# Editions


@pytest.mark.parametrize("user", ["edi", "dana"], indirect=True)
def test_only_who_may_publish_makes_and_retracts_editions(user, rita):
    ally_list = cast.ally_list("FJI", "TON")
    with pytest.raises(PermissionDenied):
        make_edition(ally_list=ally_list, user=user)
    edition = make_edition(ally_list=ally_list, user=rita, note=" First ")
    assert (edition.number, edition.note, edition.made_by) == (1, "First", rita)
    with pytest.raises(PermissionDenied):
        retract(edition=edition, user=user, reason="Wrong")
    with pytest.raises(ValidationError, match="Give a reason"):
        retract(edition=edition, user=rita, reason=" ")
    retract(edition=edition, user=rita, reason=" Wrong ")
    with pytest.raises(ValidationError, match="already"):
        retract(edition=edition, user=rita, reason="Wrong")
    edition = Edition.objects.get(pk=edition.pk)
    assert (edition.retraction, edition.retracted_by) == ("Wrong", rita)


@pytest.mark.parametrize(
    ("status", "said"),
    [("gone", "no longer exists"), ("draft", "Publish it first"), ("in-review", "Publish it")],
)
def test_an_edition_is_made_of_a_list_readers_see(status, said, rita):
    ally_list = cast.ally_list("FJI", "TON", status="draft" if status == "gone" else status)
    if status == "gone":
        type(ally_list).objects.get(pk=ally_list.pk).delete()
    with pytest.raises(ValidationError, match=said):
        make_edition(ally_list=ally_list, user=rita)


def test_an_edition_that_is_missing_is_made_once(rita):
    ally_list = cast.ally_list("FJI", "TON")
    cast.ally_list("FJI", "TON", status=Status.DRAFT)
    assert [edition.ally_list_id for edition in make_missing_editions()] == [ally_list.pk]
    assert make_missing_editions() == []
    with pytest.raises(NothingNew) as same:
        make_edition(ally_list=ally_list, user=rita)
    assert same.value.last == Edition.objects.get(ally_list=ally_list.pk)
    other = cast.ally_list("FJI", "TON", slug="other", status=Status.DRAFT)
    Edition.objects.filter(ally_list=ally_list.pk)
    take_step(record=other, step="publish", user=rita)
    assert Edition.objects.get(ally_list=other.pk).key == "other-1"


def test_a_changeset_keeps_who_why_and_about_what(edi):
    event = cast.event(("RUS", "host"))
    made = new_edit(record=event, user=edi, reason=" r" * 600, public_note=" n" * 600)
    assert (made.about_noun, made.about_id, made.created_by) == ("event", event.pk, edi)
    assert (len(made.reason), len(made.public_note)) == (1000, 1000)
    assert made.reason.startswith("r")
    assert new_edit(record=Event(), user=edi).about_noun == ""
    assert User.objects.get(pk=made.created_by_id) == edi
