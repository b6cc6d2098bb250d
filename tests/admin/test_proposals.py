"""Proposals: stored completely, decided once, and never overwriting other edits."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from allies.exports.record_type import export_records
from allies.imports.resources import RESOURCES
from allies.models import Changeset, Entry, Event, Participation, Source, Status
from allies.models.changeset import names_of
from tests import factories
from tests.admin.test_permissions import change, form_of

pytestmark = pytest.mark.usefixtures("demo_data")


def exported():
    """Return the records of every type as exported CSV, which an undo or a revert must restore."""
    return {noun: b"".join(export_records(noun, "csv")) for noun in RESOURCES}


def page_of(changeset):
    return reverse("admin:allies_changeset_one", args=[changeset.pk])


def proposal_form(client, changeset):
    """Return what a browser would send back from a proposal's page unchanged."""
    form = client.get(page_of(changeset)).context["form"]
    data = {bound.html_name: bound.value() for bound in form if bound.html_name != "use"}
    kept = {name: value for name, value in data.items() if value is not None}
    return {**kept, "use": form["use"].value()}


@pytest.fixture
def event():
    return factories.event(("RUS", "host"), ("IND", "visitor"), title_en="Visit", place_en="Moscow")


@pytest.fixture
def proposed(event, editor, login_as):
    """An editor's proposal: a field, participations changed, removed and added, and a citation."""
    client = login_as(editor)
    data = form_of(client, change(event))
    other = factories.source(title="A second report")
    data |= {
        "title_en": "State visit",
        "participations-TOTAL_FORMS": 3,
        "participations-0-role": "participant",
        "participations-1-DELETE": "on",
        "participations-2-country": factories.country("CHN").pk,
        "participations-2-role": "visitor",
        "participations-2-event": event.pk,
        "citations-TOTAL_FORMS": 2,
        "citations-1-source": other.pk,
        "citations-1-stance": "disputes",
        "citations-1-event": event.pk,
        "_reason": "The minutes are out",
        "_public_note": "Corrected after the minutes were published.",
    }
    client.post(change(event), data)
    return Changeset.objects.proposed().get()


def test_proposal_is_hidden_from_readers_until_approved(proposed, event, client):
    page = client.get(event.get_absolute_url()).content.decode()
    assert "State visit" not in page
    assert event.participations.count() == 2
    assert proposed.reason == "The minutes are out"


@pytest.mark.parametrize(
    ("codename", "state", "status"),
    [
        ("change_event", "proposed", 200),
        ("change_event", "declined", 200),
        ("change_event", "applied", 403),
        ("change_source", "proposed", 403),
        ("view_changeset", "applied", 200),
        ("view_changeset", "proposed", 403),
    ],
)
def test_open_and_declined_proposals_are_shown_to_users_who_may_change_the_record(
    codename, state, status, proposed, login_as
):
    applied_at = timezone.now() if state == "applied" else None
    Changeset.objects.filter(pk=proposed.pk).update(state=state, applied_at=applied_at)
    staff = User.objects.create_user("colleague", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename=codename))
    client = login_as(staff)
    assert client.get(page_of(proposed)).status_code == status
    page = client.get(reverse("admin:allies_changeset_changelist")).content.decode()
    assert (page_of(proposed) in page) == (status == 200)


def test_reviewer_compares_and_approves_a_proposal(proposed, event, reviewer, login_as, client):
    signed = login_as(reviewer)
    page = signed.get(page_of(proposed)).content.decode()
    for text in ("<td>Visit</td>", "State visit", "China", "A second report", "edi"):
        assert text in page
    signed.post(page_of(proposed), {**proposal_form(signed, proposed), "approve": "1"})
    event.refresh_from_db()
    assert event.title_en == "State visit"
    parts = event.participations.order_by("pk").values_list("country__alpha3", "role")
    assert list(parts) == [("IND", "participant"), ("CHN", "visitor")]
    assert event.citations.disputing().count() == 1
    proposed.refresh_from_db()
    assert (proposed.state, proposed.decided_by) == ("applied", reviewer)
    public = client.get(f"{event.get_absolute_url()}history/").content.decode()
    assert "Title (English) corrected from Visit to State visit" in public
    assert "Source added: The Gazette: A second report (disputes)" in public
    assert "Corrected after the minutes were published." in public
    told = public.partition("<article>")[2].partition("</article>")[0]
    for hidden in ("The minutes are out", "edi", "rita"):
        assert hidden not in told


def test_approved_proposal_is_undone_exactly(
    proposed, reviewer, data_manager, login_as, eager_tasks
):
    before = exported()
    client = login_as(reviewer)
    client.post(page_of(proposed), {**proposal_form(client, proposed), "approve": "1"})
    assert exported() != before
    client.post(page_of(proposed), {"undo": "1"})
    with eager_tasks():
        client.post(page_of(Changeset.objects.get(undoes=proposed)), {"apply": "1"})
    assert exported() == before


def test_only_chosen_changes_are_applied_with_amended_values(proposed, event, reviewer, login_as):
    client = login_as(reviewer)
    title = f"event-{event.pk}.title_en"
    sent = {**proposal_form(client, proposed), title: "Working visit", "use": [title]}
    sent["note"] = "The title only: the rest is not in the minutes"
    client.post(page_of(proposed), {**sent, "approve": "1"})
    event.refresh_from_db()
    assert event.title_en == "Working visit"
    assert event.participations.count() == 2
    page = client.get(page_of(proposed)).content.decode()
    not_taken = page.split("Proposed changes not accepted")[1].split(">Changes<")[0]
    assert "The title only" in page
    assert "rita" in page
    assert "A second report" in not_taken
    assert "State visit" not in not_taken


def test_invalid_amended_value_is_refused_and_the_proposal_waits(
    proposed, event, reviewer, login_as
):
    client = login_as(reviewer)
    sent = proposal_form(client, proposed) | {f"event-{event.pk}.title_en": "x" * 301}
    answer = client.post(page_of(proposed), {**sent, "approve": "1"})
    assert "300" in answer.content.decode()
    proposed.refresh_from_db()
    assert proposed.is_proposed


def test_declining_needs_a_note_and_changes_nothing(proposed, editor, reviewer, login_as):
    before = exported()
    client = login_as(reviewer)
    answer = client.post(page_of(proposed), {"decline": "1"})
    assert "Give a reason" in answer.content.decode()
    client.post(page_of(proposed), {"decline": "1", "note": "Not yet public"})
    proposed.refresh_from_db()
    assert (proposed.state, proposed.decision) == ("declined", "Not yet public")
    assert "Not yet public" in login_as(editor).get(page_of(proposed)).content.decode()
    assert exported() == before


@pytest.mark.parametrize("who", ["editor", "data_manager"])
def test_user_without_publish_permission_cannot_approve(
    who, proposed, event, request, reviewer, login_as
):
    sent = {**proposal_form(login_as(reviewer), proposed), "approve": "1"}
    response = login_as(request.getfixturevalue(who)).post(page_of(proposed), sent)
    assert response.status_code == 403
    event.refresh_from_db()
    assert event.title_en == "Visit"


def test_author_takes_a_proposal_back(proposed, editor, login_as):
    login_as(editor).post(page_of(proposed), {"decline": "1"})
    assert Changeset.objects.get(pk=proposed.pk).state == "declined"


def test_proposal_is_decided_only_once(proposed, reviewer, login_as):
    client = login_as(reviewer)
    sent = {**proposal_form(client, proposed), "approve": "1"}
    client.post(page_of(proposed), sent)
    count = Participation.objects.count()
    answer = client.post(page_of(proposed), sent, follow=True)
    assert answer.status_code in (200, 403)
    assert Participation.objects.count() == count


def test_conflicting_fields_are_shown_and_kept_unless_chosen(proposed, event, reviewer, login_as):
    event.title_en = "Visit, corrected"
    event.save()
    client = login_as(reviewer)
    page = client.get(page_of(proposed)).content.decode()
    assert "Conflicts are marked" in page
    assert "<td>Visit, corrected" in page
    client.post(page_of(proposed), {**proposal_form(client, proposed), "approve": "1"})
    event.refresh_from_db()
    assert event.title_en == "Visit, corrected"
    assert event.participations.filter(country__alpha3="CHN").exists()


def test_two_proposals_on_a_record_link_to_each_other(proposed, event, reviewer, login_as):
    from django.contrib.auth.models import Group, User

    second = User.objects.create_user("emma", password="x", is_staff=True)
    second.groups.add(Group.objects.get(name="Editors"))
    client = login_as(second)
    client.post(change(event), form_of(client, change(event)) | {"title_en": "Summit"})
    page = login_as(reviewer).get(page_of(proposed)).content.decode()
    assert "Other open proposals for this record" in page
    assert "also in another proposal" in page


def test_proposal_that_removes_the_last_source_is_refused_with_the_input(event, editor, login_as):
    client = login_as(editor)
    sent = form_of(client, change(event)) | {"citations-0-DELETE": "on", "title_en": "Typed"}
    page = client.post(change(event), sent).content.decode()
    assert "needs a published source" in page
    assert 'value="Typed"' in page
    assert not Changeset.objects.proposed().exists()


def test_source_is_replaced_in_one_save(event, reviewer, login_as):
    client = login_as(reviewer)
    other = factories.source()
    sent = form_of(client, change(event)) | {
        "citations-TOTAL_FORMS": 2,
        "citations-0-DELETE": "on",
        "citations-1-source": other.pk,
        "citations-1-stance": "supports",
        "citations-1-event": event.pk,
    }
    client.post(change(event), sent)
    assert [c.source for c in event.citations.all()] == [other]


def test_public_record_cannot_become_incomplete(reviewer, login_as):
    alliance = factories.alliance("RUS", "IND")
    client = login_as(reviewer)
    sent = form_of(client, change(alliance)) | {"memberships-0-DELETE": "on", "signed": "1999"}
    page = client.post(change(alliance), sent).content.decode()
    assert "at least two members" in page
    assert 'value="1999"' in page
    assert alliance.memberships.count() == 2


def test_edit_of_an_entry_is_a_proposal_on_its_list(editor, reviewer, login_as):
    entry = Entry.objects.published().first()
    client = login_as(editor)
    client.post(change(entry), form_of(client, change(entry)) | {"prose_en": "New text"})
    proposal = Changeset.objects.proposed().get()
    assert proposal.about == entry.ally_list
    reviewer_client = login_as(reviewer)
    reviewer_client.post(
        page_of(proposal), {**proposal_form(reviewer_client, proposal), "approve": "1"}
    )
    entry.refresh_from_db()
    assert entry.prose_en == "New text"


# Two editors of one record.


@pytest.mark.slow
@pytest.mark.parametrize("status", [Status.DRAFT, Status.PUBLISHED])
def test_outdated_form_overwrites_nothing(status, reviewer, login_as):
    event = factories.event(("RUS", "host"), status=status, title_en="Visit", place_en="Moscow")
    client = login_as(reviewer)
    first, second = form_of(client, change(event)), form_of(client, change(event))
    opened = client.get(change(event)).context["opened"]
    client.post(change(event), first | {"_opened": opened, "title_en": "First"})
    sent = second | {"_opened": opened, "title_en": "Second", "place_en": "Kazan"}
    answer = client.post(change(event), sent, follow=True)
    event.refresh_from_db()
    assert (event.title_en, event.place_en) == ("First", "Moscow")
    page = answer.content.decode()
    assert "Nothing is lost" in page
    for text in ("Visit", "First", "Second", "Kazan"):
        assert text in page
    proposal = Changeset.objects.proposed().get()
    client.post(page_of(proposal), {**proposal_form(client, proposal), "approve": "1"})
    event.refresh_from_db()
    assert (event.title_en, event.place_en) == ("First", "Kazan")


def test_outdated_form_with_a_deleted_part_keeps_the_rest(reviewer, login_as):
    event = factories.event(("RUS", "host"), ("IND", "visitor"))
    client = login_as(reviewer)
    opened = client.get(change(event)).context["opened"]
    sent = form_of(client, change(event)) | {"_opened": opened, "title_en": "Mine"}
    event.participations.get(country__alpha3="IND").delete()
    answer = client.post(
        change(event), sent | {"participations-0-role": "participant"}, follow=True
    )
    assert "This no longer exists." in answer.content.decode()
    proposal = Changeset.objects.proposed().get()
    client.post(page_of(proposal), {**proposal_form(client, proposal), "approve": "1"})
    assert Event.objects.get(pk=event.pk).title_en == "Mine"


@pytest.mark.parametrize("snapshot", [None, "", "forged:xx", "another record’s"])
def test_form_without_a_valid_snapshot_is_shown_again(snapshot, reviewer, login_as):
    event = factories.event(("RUS", "host"), title_en="Visit", place_en="Moscow")
    client = login_as(reviewer)
    sent = form_of(client, change(event)) | {"title_en": "Typed"}
    if snapshot is None:
        del sent["_opened"]
    elif snapshot == "another record’s":
        sent["_opened"] = form_of(client, change(factories.event()))["_opened"]
    else:
        sent["_opened"] = snapshot
    Event.objects.filter(pk=event.pk).update(place_en="Kazan")  # by someone else
    answer = client.post(change(event), sent)
    event.refresh_from_db()
    assert (event.title_en, event.place_en) == ("Visit", "Kazan")
    page = answer.content.decode()
    assert "it is unknown which version of the record this form was opened with" in page
    assert 'value="Typed"' in page
    # Sent again after a look at the history, it is saved.
    client.post(change(event), sent | {"_opened": answer.context["opened"]})
    assert Event.objects.get(pk=event.pk).title_en == "Typed"


# History.


def test_save_is_one_changeset_with_user_time_and_reason(event, reviewer, login_as):
    client = login_as(reviewer)
    sent = form_of(client, change(event)) | {
        "title_en": "Renamed",
        "participations-0-role": "participant",
        "_reason": "A slip",
    }
    client.post(change(event), sent)
    changeset = Changeset.objects.applied().get(kind="edit")
    assert (changeset.kind, changeset.created_by, changeset.reason) == ("edit", reviewer, "A slip")
    assert changeset.counts == {"event": {"updated": 1}, "participation": {"updated": 1}}
    page = client.get(reverse("admin:allies_event_history", args=[event.pk])).content.decode()
    for text in ("A slip", "Renamed", "participant", "rita"):
        assert text in page


def test_save_without_changes_writes_nothing(event, reviewer, login_as):
    client = login_as(reviewer)
    client.post(change(event), form_of(client, change(event)))
    assert not Changeset.objects.filter(kind="edit").exists()
    assert event.history.count() == 1


def test_revert_restores_parts_and_citations_exactly(reviewer, login_as):
    ally_list = factories.ally_list("RUS", "CHN", "IND")
    before = exported()
    moment = ally_list.entries.last().citations.get().history.get().history_date.isoformat()
    client = login_as(reviewer)
    sent = form_of(client, change(ally_list)) | {"entries-0-DELETE": "on", "title_en": "Other"}
    client.post(change(ally_list), sent)
    assert ally_list.entries.count() == 1
    client.post(reverse("admin:allies_allylist_revert", args=[ally_list.pk]), {"to": moment})
    assert exported() == before


def test_editor_proposes_the_revert_of_a_public_record(event, editor, reviewer, login_as):
    moment = event.citations.get().history.get().history_date.isoformat()
    event.title_en = "Second"
    event.save()
    client = login_as(editor)
    client.post(reverse("admin:allies_event_revert", args=[event.pk]), {"to": moment})
    event.refresh_from_db()
    assert event.title_en == "Second"
    proposal = Changeset.objects.proposed().get()
    assert proposal.kind == "revert"
    reviewer_client = login_as(reviewer)
    reviewer_client.post(
        page_of(proposal), {**proposal_form(reviewer_client, proposal), "approve": "1"}
    )
    event.refresh_from_db()
    assert event.title_en == "Visit"


def test_public_history_hides_drafts_and_unpublished_sources(client):
    event = factories.event(("RUS", "host"), status=Status.DRAFT, title_en="Secret working title")
    event.title_en, event.status = "Visit", Status.PUBLISHED
    event.save()
    hidden = factories.source(status=Status.DRAFT, title="Not for readers")
    factories.cite(event, hidden)
    event.place_en = "<script>alert(1)</script>"
    event.save()
    page = client.get(f"{event.get_absolute_url()}history/").content.decode()
    assert "Published." in page
    assert "&lt;script&gt;" in page
    for text in ("Secret working title", "Not for readers", "<script>alert"):
        assert text not in page
    Event.objects.filter(pk=event.pk).update(status=Status.WITHDRAWN)
    assert client.get(f"{event.get_absolute_url()}history/").status_code == 404


def test_history_of_a_source_is_public(client):
    source = Source.objects.published().first()
    source.title = "A corrected title"
    source.save()
    page = client.get(f"{source.get_absolute_url()}history/").content.decode()
    assert "to A corrected title" in page


def test_public_history_hides_entries_without_sources(client):
    ally_list = factories.ally_list("RUS", "CHN")
    hidden = Entry.objects.create(ally_list=ally_list, country=factories.country("IND"), position=2)
    hidden.prose_en = "Rumoured only"
    hidden.save()
    page = client.get(f"{ally_list.get_absolute_url()}history/").content.decode()
    assert "India" not in page
    assert "Rumoured only" not in page
    factories.cite(hidden)
    page = client.get(f"{ally_list.get_absolute_url()}history/").content.decode()
    assert "India" in page


class TestInLists:
    def test_proposal_is_named_by_record_and_reason(self, proposed, reviewer, login_as):
        page = login_as(reviewer).get(reverse("admin:allies_changeset_changelist")).content.decode()
        assert ">Visit: The minutes are out</a>" in page

    def test_proposal_of_a_deleted_record_is_named_by_reason(self, proposed, reviewer, login_as):
        Changeset.objects.update(about_id=proposed.about_id + 9000)
        page = login_as(reviewer).get(reverse("admin:allies_changeset_changelist")).content.decode()
        assert ">The minutes are out</a>" in page

    def test_names_take_one_query_for_any_number_of_proposals(
        self, proposed, reviewer, login_as, django_assert_num_queries
    ):
        changesets = [proposed]
        with django_assert_num_queries(1):
            assert names_of(changesets) == {proposed.pk: "Visit: The minutes are out"}
        others = [factories.event(("RUS", "host"), title_en=f"Visit {n}") for n in range(3)]
        for event in others:
            changesets.append(Changeset(pk=event.pk + 9000, about_noun="event", about_id=event.pk))
        with django_assert_num_queries(1):
            assert len(names_of(changesets)) == 4
