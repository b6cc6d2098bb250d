"""Only a user who may publish can change public content; checked before and after a write."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.urls import reverse

from allies.actions.apply_changes import edit_transaction, new_changeset
from allies.actions.permissions import PublishRightMissing
from allies.actions.proposals import approve, propose
from allies.actions.revert import revert_record
from allies.actions.undo import new_undo_changeset, preview_undo
from allies.history.snapshots import diff_snapshots, take_snapshot
from allies.imports.mapping_suggestions import suggest_mapping
from allies.imports.own_csv import sha256_of
from allies.imports.resources import RESOURCES
from allies.imports.runner import ImportRejected, run_undo
from allies.imports.tables import detect_format, open_table
from allies.imports.tasks import apply_changeset, check_file
from allies.models import Changeset, Entry, Event
from tests import factories
from tests.admin.test_permissions import change, form_of
from tests.imports.files import load, write

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def superuser(db):
    return User.objects.create_superuser("root", password="a-long-pass-phrase")


def last():
    return Changeset.objects.applied().latest("pk")


def page_of(changeset):
    return reverse("admin:allies_changeset_one", args=[changeset.pk])


def edit(user, record, write_it):
    """Make an edit of a record as a user; return its changeset."""
    changeset = new_changeset(record=record, user=user)
    with edit_transaction(changeset, user=user):
        write_it()
    return changeset


def withdrawn_by_file(root, tmp_path, status):
    event = factories.event(("RUS", "host"), ("IND", "visitor"), status=status)
    rows = [{"slug": event.slug, "place_en": "Sochi"}]
    if status == "published":
        rows[0]["status"] = "withdrawn"
    load("events", write(tmp_path / "e.csv", rows), user=root)
    return event


def participation_removed(root, tmp_path, status):
    event = factories.event(("RUS", "host"), ("IND", "visitor"), status=status)
    edit(root, event, event.participations.get(role="visitor").delete)
    return event


def citation_removed(root, tmp_path, status):
    event = factories.event(("RUS", "host"), ("IND", "visitor"), status=status)
    extra = factories.cite(event, factories.source(title="A report of its own"))
    edit(root, event, extra.delete)
    return event


def membership_changed(root, tmp_path, status):
    pact = factories.alliance("RUS", "IND", status=status)
    member = pact.memberships.first()
    member.joined = "1999"
    edit(root, pact, member.save)
    return pact


def entry_moved_away(root, tmp_path, status):
    ally_list = factories.ally_list("RUS", "CHN", "IND", status=status)
    entry = ally_list.entries.get(country__alpha3="IND")
    entry.ally_list = factories.ally_list("RUS", "IRN", status="draft")
    entry.position = 9
    edit(root, ally_list, entry.save)
    return ally_list


def publication_undone(root, tmp_path, status):
    event = factories.event(("RUS", "host"), status="draft")
    after = "published" if status == "published" else "in-review"
    rows = [{"slug": event.slug, "status": after}]
    load("events", write(tmp_path / "e.csv", rows), user=root)
    by = new_undo_changeset(last(), user=root)
    run_undo(by, user=root)
    return event


def public_record_deleted(root, tmp_path, status):
    event = factories.event(("RUS", "host"), status=status)

    def delete():
        event.status = "withdrawn"
        event.save()
        event.delete()

    edit(root, event, delete)
    return event


WAYS = [
    withdrawn_by_file,
    participation_removed,
    citation_removed,
    membership_changed,
    entry_moved_away,
    publication_undone,
    public_record_deleted,
]


def seen(visitor, record):
    """Return what a reader gets at a record's URL: the status code and the content of <main>."""
    answer = visitor.get(f"/en{record.get_absolute_url().removeprefix('/en')}")
    return answer.status_code, answer.content.decode().partition("<main")[2]


#: Ways that change only parts. The record can be published afterwards, and its parts undone.
OF_PARTS = [participation_removed, citation_removed, membership_changed, entry_moved_away]


@pytest.mark.parametrize(
    ("way", "status"),
    [*((way, "published") for way in WAYS), *((way, "draft") for way in OF_PARTS)],
)
def test_data_manager_cannot_undo_public_changes(
    way, status, superuser, data_manager, login_as, client, eager_tasks, tmp_path
):
    """This also holds if the part belonged to a draft then and belongs to a public record now."""
    record = way(superuser, tmp_path, status)
    changeset = last()
    if status == "draft":
        record.status = "published"
        record.save()
    before = seen(client, record)
    rows = {model: list(model.objects.order_by("pk").values()) for model in (Event, Entry)}
    signed = login_as(data_manager)
    signed.post(page_of(changeset), {"undo": "1"})
    by = Changeset.objects.get(undoes=changeset)
    beforehand = signed.get(page_of(by)).content.decode()
    assert "Ask a reviewer" in beforehand
    assert 'name="apply"' not in beforehand
    with eager_tasks():
        signed.post(page_of(by), {"apply": "1"})
    page = signed.get(page_of(by)).content.decode()
    assert "Ask a reviewer" in page
    assert "Nothing was changed" in page
    assert seen(client, record) == before
    assert rows == {model: list(model.objects.order_by("pk").values()) for model in rows}


@pytest.mark.parametrize("way", WAYS)
def test_data_manager_can_undo_changes_of_drafts(
    way, superuser, data_manager, login_as, eager_tasks, tmp_path
):
    way(superuser, tmp_path, "draft")
    changeset = last()
    client = login_as(data_manager)
    client.post(page_of(changeset), {"undo": "1"})
    by = Changeset.objects.get(undoes=changeset)
    assert 'name="apply"' in client.get(page_of(by)).content.decode()
    with eager_tasks():
        client.post(page_of(by), {"apply": "1"})
    by.refresh_from_db()
    assert (by.state, by.changed_records_count) == (
        "applied",
        1 if way is not public_record_deleted else 3,
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", ["editor", "data_manager", "reviewer", "superuser"])
def test_only_users_who_may_publish_undo_public_changes(
    way, who, superuser, request, client, tmp_path
):
    record = way(superuser, tmp_path, "published")
    user = request.getfixturevalue(who)
    if user != superuser:  # everyone gets the undo permission
        user.user_permissions.add(Permission.objects.get(codename="undo_changeset"))
    before = seen(client, record)
    by = new_undo_changeset(last(), user=user)
    if who in ("editor", "data_manager"):
        with pytest.raises(PublishRightMissing, match="Ask a reviewer"):
            run_undo(by, user=user)
        assert seen(client, record) == before
    else:
        run_undo(by, user=user)
        assert seen(client, record) != before


def withdraw(event, entry, draft):
    event.status = "withdrawn"
    event.save()


def remove_part(event, entry, draft):
    event.participations.get(role="visitor").delete()


def move_away(event, entry, draft):
    entry.ally_list, entry.position = draft, 9
    entry.save()


def move_onto(event, entry, draft):
    own = draft.entries.get()
    own.ally_list, own.position = entry.ally_list, 9
    own.save()


def cite_on_an_entry(event, entry, draft):
    factories.cite(entry, event.citations.get().source, locator="p. 2")


@pytest.mark.parametrize(
    "write_it", [withdraw, remove_part, move_away, move_onto, cite_on_an_entry]
)
@pytest.mark.parametrize("who", ["editor", "data_manager", "reviewer"])
def test_edit_of_public_records_needs_the_publish_right(write_it, who, request, client):
    """The check uses what the changeset has written, not what the action intended."""
    user = request.getfixturevalue(who)
    event = factories.event(("RUS", "host"), ("IND", "visitor"))
    entry = factories.ally_list("RUS", "CHN", "IND").entries.last()
    draft = factories.ally_list("RUS", "IRN", status="draft")
    before = seen(client, event), seen(client, entry.ally_list)
    public = Entry.objects.get(pk=entry.pk).ally_list

    def write_all():
        write_it(event, entry, draft)

    if who == "reviewer":
        edit(user, draft, write_all)
    else:
        with pytest.raises(PublishRightMissing, match="Ask a reviewer"):
            edit(user, draft, write_all)
        assert (seen(client, event), seen(client, public)) == before


def test_proposal_cannot_remove_a_part_of_a_public_record(editor, superuser, client):
    draft = factories.ally_list("RUS", "CHN", "IND", status="draft")
    entry = draft.entries.get(country__alpha3="IND")
    now = take_snapshot(draft)
    key = f"entry-{entry.pk}"
    without = {k: v for k, v in now.items() if k != key and v.get("entry") != entry.pk}
    proposal = new_changeset(record=draft, user=editor)
    propose(changeset=proposal, changes=diff_snapshots(now, without))
    public = factories.ally_list("RUS", "IRN")
    entry.ally_list, entry.position = public, 5
    edit(superuser, public, entry.save)
    before = seen(client, public)
    with pytest.raises(ValidationError, match="part of another record"):
        approve(changeset=proposal, user=editor, changes=proposal.changes)
    assert seen(client, public) == before


@pytest.mark.parametrize("model", ["membership", "participation", "entry", "citation"])
@pytest.mark.parametrize("way", ["onto", "away"])
def test_editor_cannot_move_parts_from_or_to_a_public_record(model, way, editor, login_as, client):
    public, draft, part, owner = {
        "membership": lambda: (
            public := factories.alliance("RUS", "IND"),
            draft := factories.alliance("CHN", "IRN", status="draft"),
            {"away": public, "onto": draft}[way].memberships.first(),
            "alliance",
        ),
        "participation": lambda: (
            public := factories.event(("RUS", "host"), ("IND", "visitor")),
            draft := factories.event(("CHN", "host"), status="draft"),
            {"away": public, "onto": draft}[way].participations.last(),
            "event",
        ),
        "entry": lambda: (
            public := factories.ally_list("RUS", "CHN", "IND"),
            draft := factories.ally_list("RUS", "IRN", status="draft"),
            {"away": public, "onto": draft}[way].entries.last(),
            "ally_list",
        ),
        "citation": lambda: (
            public := factories.event(("RUS", "host"), ("IND", "visitor")),
            draft := factories.event(("CHN", "host"), status="draft"),
            factories.cite({"away": public, "onto": draft}[way]),
            "event",
        ),
    }[model]()
    before = seen(client, public)
    signed = login_as(editor)
    target = {"away": draft, "onto": public}[way]
    data = {**form_of(signed, change(part)), owner: target.pk}
    answer = signed.post(change(part), data)
    assert "you don’t have permission to publish" in answer.content.decode()
    part.refresh_from_db()
    assert getattr(part, f"{owner}_id") != target.pk
    assert seen(client, public) == before


def test_editor_cannot_revert_a_part_to_a_public_record(editor, superuser, client):
    public = factories.ally_list("RUS", "CHN", "IND")
    entry = public.entries.last()
    on_public_list = entry.history.latest().history_date
    entry.ally_list, entry.position = factories.ally_list("RUS", "IRN", status="draft"), 7
    edit(superuser, public, entry.save)
    before = seen(client, public)
    with pytest.raises(ValidationError, match="part of another record"):
        revert_record(record=Entry.objects.get(pk=entry.pk), moment=on_public_list, user=editor)
    assert seen(client, public) == before


def test_import_publishes_nothing_after_the_right_was_lost(
    data_manager, client, tmp_path, settings
):
    """The plan was made while its author could publish; it is applied when they cannot."""
    settings.MEDIA_ROOT = tmp_path
    data_manager.user_permissions.add(Permission.objects.get(codename="publish_event"))
    event = factories.event(("RUS", "host"), status="draft")
    changeset = uploaded(data_manager, "events", f"slug,status\n{event.slug},published\n")
    begun(changeset, "checking", check_file)
    assert changeset.state == "checked"
    data_manager.user_permissions.clear()
    begun(changeset, "applying", apply_changeset)
    assert changeset.state == "checked"
    assert "Nothing was changed" in changeset.message
    assert seen(client, event)[0] == 404


def uploaded(user, noun, text):
    changeset = Changeset.objects.create(
        noun=noun, file=ContentFile(text.encode(), name="e.csv"), created_by=user
    )
    path = Path(changeset.file.path)
    layout = detect_format(path, RESOURCES[noun]().columns)
    changeset.compare_and_set(
        sha256=sha256_of(path),
        file_format=layout.as_json(),
        mapping=suggest_mapping(noun, open_table(path, layout)),
    )
    return changeset


def begun(changeset, state, job):
    """Run a job on a changeset as a worker would."""
    Changeset.objects.filter(pk=changeset.pk).update(state=state, run="a-run")
    job.func(changeset.pk, "a-run", "en")
    changeset.refresh_from_db()


class TestStatusByFile:
    """An imported file may change a status only in the same steps as the buttons."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("draft", "withdrawn"),
            ("in-review", "withdrawn"),
            ("published", "draft"),
            ("published", "in-review"),
            ("withdrawn", "in-review"),
        ],
    )
    @pytest.mark.parametrize("who", ["superuser", "nobody"])
    def test_status_that_no_step_leads_to_is_refused(self, before, after, who, request, tmp_path):
        event = factories.event(("RUS", "host"), status=before)
        user = request.getfixturevalue("superuser") if who == "superuser" else None
        file = write(tmp_path / "e.csv", [{"slug": event.slug, "status": after}])
        with pytest.raises(ImportRejected) as refusal:
            load("events", file, user=user)
        (error,) = refusal.value.reports[0].errors
        assert error.column == "status"
        assert "can keep this status or change to" in error.message
        event.refresh_from_db()
        assert event.status == before

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("draft", "in-review"),
            ("in-review", "draft"),
            ("withdrawn", "draft"),
            ("draft", "published"),
            ("published", "withdrawn"),
            ("withdrawn", "published"),
        ],
    )
    def test_status_that_a_step_leads_to_is_accepted(
        self, before, after, superuser, data_manager, tmp_path
    ):
        event = factories.event(("RUS", "host"), status=before)
        file = write(tmp_path / "e.csv", [{"slug": event.slug, "status": after}])
        if "published" in (before, after):
            with pytest.raises(ImportRejected):
                load("events", file, user=data_manager)
            load("events", file, user=superuser)
        else:
            load("events", file, user=data_manager)
        event.refresh_from_db()
        assert event.status == after

    @pytest.mark.parametrize("noun", ["events", "alliances", "sources", "ally-lists"])
    def test_new_record_cannot_be_withdrawn(self, noun, superuser, tmp_path):
        row = {
            "events": {"slug": "n", "kind": "visit", "date": "2024", "title_en": "N"},
            "alliances": {"slug": "n", "kind": "entente", "title_en": "N"},
            "sources": {"key": "n", "publisher": "P", "title": "T"},
            "ally-lists": {"slug": "n", "focus": "RUS", "title_en": "N"},
        }[noun]
        file = write(tmp_path / "n.csv", [{**row, "status": "withdrawn"}])
        with pytest.raises(ImportRejected) as refusal:
            load(noun, file, user=superuser)
        assert "status of a new record" in refusal.value.reports[0].errors[0].message
        load(noun, file)  # the operator, who moves whole sites, may do it


def test_an_undo_needs_the_rights_to_all_it_writes_or_the_right_to_undo(editor, superuser):
    """A user who may only change events cannot delete a citation by undoing its creation."""
    event = factories.event(("RUS", "host"), status="draft")
    edit(
        superuser,
        event,
        lambda: factories.cite(event, factories.source(status="draft", title="Its own")),
    )
    editor.groups.clear()
    editor.user_permissions.add(Permission.objects.get(codename="change_event"))
    before = event.citations.count()
    changeset = last()
    assert (
        "you don’t have permission to do that"
        in preview_undo(changeset=changeset, user=editor).refusal
    )
    with pytest.raises(PermissionDenied, match="you don’t have permission to do that"):
        run_undo(new_undo_changeset(changeset, user=editor), user=editor)
    assert event.citations.count() == before
    editor.user_permissions.add(*Permission.objects.filter(codename__in=RIGHTS_TO_UNDO))
    run_undo(new_undo_changeset(changeset, user=User.objects.get(pk=editor.pk)), user=editor)
    assert event.citations.count() == before - 1


RIGHTS_TO_UNDO = ("delete_citation", "delete_source")
