"""What readers see changes only by a user who may publish it: before a write, and after it."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.urls import reverse

from allies.actions.editing import editing, new_edit
from allies.actions.history import revert
from allies.actions.proposals import approve, propose
from allies.actions.rights import PublishRightMissing
from allies.actions.undo import look_at_undo, undoing
from allies.exchange.jobs import apply, check
from allies.exchange.reader import sha256_of
from allies.exchange.resources import NOUNS
from allies.exchange.runner import Refused, run_undo
from allies.exchange.suggestions import suggest
from allies.exchange.tables import detect, open_table
from allies.models import Changeset, Entry, Event
from allies.models.dossier import compare, read
from tests import cast
from tests.admin.test_rights import change, form_of
from tests.exchange.files import load, write

pytestmark = pytest.mark.usefixtures("starter")


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root", password="a-long-pass-phrase")


def last():
    return Changeset.objects.applied().latest("pk")


def page_of(changeset):
    return reverse("admin:allies_changeset_one", args=[changeset.pk])


def edit(user, record, write_it):
    """Write something as an edit of a record by a user; return its changeset."""
    changeset = new_edit(record=record, user=user)
    with editing(changeset, user=user):
        write_it()
    return changeset


def withdrawn_by_file(root, tmp_path, status):
    event = cast.event(("RUS", "host"), ("IND", "visitor"), status=status)
    rows = [{"slug": event.slug, "place_en": "Sochi"}]
    if status == "published":
        rows[0]["status"] = "withdrawn"
    load("events", write(tmp_path / "e.csv", rows), user=root)
    return event


def participation_removed(root, tmp_path, status):
    event = cast.event(("RUS", "host"), ("IND", "visitor"), status=status)
    edit(root, event, event.participations.get(role="visitor").delete)
    return event


def citation_removed(root, tmp_path, status):
    event = cast.event(("RUS", "host"), ("IND", "visitor"), status=status)
    extra = cast.cite(event, cast.source(title="A report of its own"))
    edit(root, event, extra.delete)
    return event


def membership_changed(root, tmp_path, status):
    pact = cast.alliance("RUS", "IND", status=status)
    member = pact.memberships.first()
    member.joined = "1999"
    edit(root, pact, member.save)
    return pact


def entry_moved_away(root, tmp_path, status):
    ally_list = cast.ally_list("RUS", "CHN", "IND", status=status)
    entry = ally_list.entries.get(country__alpha3="IND")
    entry.ally_list = cast.ally_list("RUS", "IRN", status="draft")
    entry.position = 9
    edit(root, ally_list, entry.save)
    return ally_list


def publication_undone(root, tmp_path, status):
    event = cast.event(("RUS", "host"), status="draft")
    after = "published" if status == "published" else "in-review"
    rows = [{"slug": event.slug, "status": after}]
    load("events", write(tmp_path / "e.csv", rows), user=root)
    by = undoing(last(), user=root)
    run_undo(by, user=root)
    return event


def public_record_deleted(root, tmp_path, status):
    event = cast.event(("RUS", "host"), status=status)

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
    """Return what a reader gets at a record's address: the status and the article."""
    answer = visitor.get(f"/en{record.get_absolute_url().removeprefix('/en')}")
    return answer.status_code, answer.content.decode().partition("<main")[2]


#: Ways that write parts only: the record may be published after them, and its parts undone.
OF_PARTS = [participation_removed, citation_removed, membership_changed, entry_moved_away]


@pytest.mark.parametrize(
    ("way", "status"),
    [*((way, "published") for way in WAYS), *((way, "draft") for way in OF_PARTS)],
)
def test_a_data_manager_undoes_nothing_that_readers_see(
    way, status, root, dana, signed_in, visitor, at_once, tmp_path
):
    """Also if what is undone was part of a draft then, and is part of something public now."""
    record = way(root, tmp_path, status)
    changeset = last()
    if status == "draft":
        record.status = "published"
        record.save()
    before = seen(visitor, record)
    rows = {model: list(model.objects.order_by("pk").values()) for model in (Event, Entry)}
    signed = signed_in(dana)
    signed.post(page_of(changeset), {"undo": "1"})
    by = Changeset.objects.get(undoes=changeset)
    beforehand = signed.get(page_of(by)).content.decode()
    assert "Ask a reviewer" in beforehand
    assert 'name="apply"' not in beforehand
    with at_once():
        signed.post(page_of(by), {"apply": "1"})
    page = signed.get(page_of(by)).content.decode()
    assert "Ask a reviewer" in page
    assert "Nothing was changed" in page
    assert seen(visitor, record) == before
    assert rows == {model: list(model.objects.order_by("pk").values()) for model in rows}


@pytest.mark.parametrize("way", WAYS)
def test_a_data_manager_undoes_what_is_about_drafts(way, root, dana, signed_in, at_once, tmp_path):
    way(root, tmp_path, "draft")
    changeset = last()
    client = signed_in(dana)
    client.post(page_of(changeset), {"undo": "1"})
    by = Changeset.objects.get(undoes=changeset)
    assert 'name="apply"' in client.get(page_of(by)).content.decode()
    with at_once():
        client.post(page_of(by), {"apply": "1"})
    by.refresh_from_db()
    assert (by.state, by.changed) == ("applied", 1 if way is not public_record_deleted else 3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", ["edi", "dana", "rita", "root"])
def test_only_who_may_publish_takes_it_back(way, who, root, request, visitor, tmp_path):
    record = way(root, tmp_path, "published")
    user = request.getfixturevalue(who)
    if user != root:  # all have the right to undo
        user.user_permissions.add(Permission.objects.get(codename="undo_changeset"))
    before = seen(visitor, record)
    by = undoing(last(), user=user)
    if who in ("edi", "dana"):
        with pytest.raises(PublishRightMissing, match="Ask a reviewer"):
            run_undo(by, user=user)
        assert seen(visitor, record) == before
    else:
        run_undo(by, user=user)
        assert seen(visitor, record) != before


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
    cast.cite(entry, event.citations.get().source, locator="p. 2")


@pytest.mark.parametrize(
    "write_it", [withdraw, remove_part, move_away, move_onto, cite_on_an_entry]
)
@pytest.mark.parametrize("who", ["edi", "dana", "rita"])
def test_an_edit_that_touches_what_is_public_needs_the_right(write_it, who, request, visitor):
    """Whatever an action writes: its changeset is asked, not what the action had in mind."""
    user = request.getfixturevalue(who)
    event = cast.event(("RUS", "host"), ("IND", "visitor"))
    entry = cast.ally_list("RUS", "CHN", "IND").entries.last()
    draft = cast.ally_list("RUS", "IRN", status="draft")
    before = seen(visitor, event), seen(visitor, entry.ally_list)
    public = Entry.objects.get(pk=entry.pk).ally_list

    def write_all():
        write_it(event, entry, draft)

    if who == "rita":
        edit(user, draft, write_all)
    else:
        with pytest.raises(PublishRightMissing, match="Ask a reviewer"):
            edit(user, draft, write_all)
        assert (seen(visitor, event), seen(visitor, public)) == before


def test_a_proposal_does_not_remove_what_has_become_part_of_something_public(edi, root, visitor):
    draft = cast.ally_list("RUS", "CHN", "IND", status="draft")
    entry = draft.entries.get(country__alpha3="IND")
    now = read(draft)
    key = f"entry-{entry.pk}"
    without = {k: v for k, v in now.items() if k != key and v.get("entry") != entry.pk}
    proposal = new_edit(record=draft, user=edi)
    propose(changeset=proposal, changes=compare(now, without))
    public = cast.ally_list("RUS", "IRN")
    entry.ally_list, entry.position = public, 5
    edit(root, public, entry.save)
    before = seen(visitor, public)
    with pytest.raises(ValidationError, match="part of another record"):
        approve(changeset=proposal, user=edi, changes=proposal.changes)
    assert seen(visitor, public) == before


@pytest.mark.parametrize("model", ["membership", "participation", "entry", "citation"])
@pytest.mark.parametrize("way", ["onto", "away"])
def test_an_editor_moves_no_part_of_something_public(model, way, edi, signed_in, visitor):
    public, draft, part, owner = {
        "membership": lambda: (
            public := cast.alliance("RUS", "IND"),
            draft := cast.alliance("CHN", "IRN", status="draft"),
            {"away": public, "onto": draft}[way].memberships.first(),
            "alliance",
        ),
        "participation": lambda: (
            public := cast.event(("RUS", "host"), ("IND", "visitor")),
            draft := cast.event(("CHN", "host"), status="draft"),
            {"away": public, "onto": draft}[way].participations.last(),
            "event",
        ),
        "entry": lambda: (
            public := cast.ally_list("RUS", "CHN", "IND"),
            draft := cast.ally_list("RUS", "IRN", status="draft"),
            {"away": public, "onto": draft}[way].entries.last(),
            "ally_list",
        ),
        "citation": lambda: (
            public := cast.event(("RUS", "host"), ("IND", "visitor")),
            draft := cast.event(("CHN", "host"), status="draft"),
            cast.cite({"away": public, "onto": draft}[way]),
            "event",
        ),
    }[model]()
    before = seen(visitor, public)
    signed = signed_in(edi)
    target = {"away": draft, "onto": public}[way]
    data = {**form_of(signed, change(part)), owner: target.pk}
    answer = signed.post(change(part), data)
    assert "you don’t have permission to publish" in answer.content.decode()
    part.refresh_from_db()
    assert getattr(part, f"{owner}_id") != target.pk
    assert seen(visitor, public) == before


def test_an_editor_reverts_no_part_onto_something_public(edi, root, visitor):
    public = cast.ally_list("RUS", "CHN", "IND")
    entry = public.entries.last()
    on_public_list = entry.history.latest().history_date
    entry.ally_list, entry.position = cast.ally_list("RUS", "IRN", status="draft"), 7
    edit(root, public, entry.save)
    before = seen(visitor, public)
    with pytest.raises(ValidationError, match="part of another record"):
        revert(record=Entry.objects.get(pk=entry.pk), moment=on_public_list, user=edi)
    assert seen(visitor, public) == before


def test_who_lost_the_right_since_the_check_publishes_nothing(dana, visitor, tmp_path, settings):
    """A plan was made while its author might publish; it is applied when they may not."""
    settings.MEDIA_ROOT = tmp_path
    dana.user_permissions.add(Permission.objects.get(codename="publish_event"))
    event = cast.event(("RUS", "host"), status="draft")
    changeset = uploaded(dana, "events", f"slug,status\n{event.slug},published\n")
    begun(changeset, "checking", check)
    assert changeset.state == "checked"
    dana.user_permissions.clear()
    begun(changeset, "applying", apply)
    assert changeset.state == "checked"
    assert "Nothing was changed" in changeset.message
    assert seen(visitor, event)[0] == 404


def uploaded(user, noun, text):
    changeset = Changeset.objects.create(
        noun=noun, file=ContentFile(text.encode(), name="e.csv"), created_by=user
    )
    path = Path(changeset.file.path)
    layout = detect(path, NOUNS[noun]().columns)
    changeset.write(
        sha256=sha256_of(path),
        layout=layout.as_json(),
        mapping=suggest(noun, open_table(path, layout)),
    )
    return changeset


def begun(changeset, state, job):
    """Do a job on a changeset as a worker would."""
    Changeset.objects.filter(pk=changeset.pk).update(state=state, run="a-run")
    job.func(changeset.pk, "a-run", "en")
    changeset.refresh_from_db()


class TestStatusByFile:
    """A file takes a record the same steps as the buttons do."""

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
    @pytest.mark.parametrize("who", ["root", "nobody"])
    def test_no_step_leads_there(self, before, after, who, request, tmp_path):
        event = cast.event(("RUS", "host"), status=before)
        user = request.getfixturevalue("root") if who == "root" else None
        file = write(tmp_path / "e.csv", [{"slug": event.slug, "status": after}])
        with pytest.raises(Refused) as refusal:
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
    def test_a_step_leads_there(self, before, after, root, dana, tmp_path):
        event = cast.event(("RUS", "host"), status=before)
        file = write(tmp_path / "e.csv", [{"slug": event.slug, "status": after}])
        if "published" in (before, after):
            with pytest.raises(Refused):
                load("events", file, user=dana)
            load("events", file, user=root)
        else:
            load("events", file, user=dana)
        event.refresh_from_db()
        assert event.status == after

    @pytest.mark.parametrize("noun", ["events", "alliances", "sources", "ally-lists"])
    def test_nothing_is_new_and_withdrawn(self, noun, root, tmp_path):
        row = {
            "events": {"slug": "n", "kind": "visit", "date": "2024", "title_en": "N"},
            "alliances": {"slug": "n", "kind": "entente", "title_en": "N"},
            "sources": {"key": "n", "publisher": "P", "title": "T"},
            "ally-lists": {"slug": "n", "focus": "RUS", "title_en": "N"},
        }[noun]
        file = write(tmp_path / "n.csv", [{**row, "status": "withdrawn"}])
        with pytest.raises(Refused) as refusal:
            load(noun, file, user=root)
        assert "status of a new record" in refusal.value.reports[0].errors[0].message
        load(noun, file)  # the operator, who moves whole sites


def test_an_undo_needs_the_rights_to_all_it_writes_or_the_right_to_undo(edi, root):
    """Who may only change events deletes no citation by undoing an edit that added one."""
    event = cast.event(("RUS", "host"), status="draft")
    edit(root, event, lambda: cast.cite(event, cast.source(status="draft", title="Its own")))
    edi.groups.clear()
    edi.user_permissions.add(Permission.objects.get(codename="change_event"))
    before = event.citations.count()
    changeset = last()
    assert (
        "you don’t have permission to do that"
        in look_at_undo(changeset=changeset, user=edi).refusal
    )
    with pytest.raises(PermissionDenied, match="you don’t have permission to do that"):
        run_undo(undoing(changeset, user=edi), user=edi)
    assert event.citations.count() == before
    edi.user_permissions.add(*Permission.objects.filter(codename__in=RIGHTS_TO_UNDO))
    run_undo(undoing(changeset, user=User.objects.get(pk=edi.pk)), user=edi)
    assert event.citations.count() == before - 1


RIGHTS_TO_UNDO = ("delete_citation", "delete_source")
