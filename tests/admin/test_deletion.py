"""Deletion: all effects on other records are shown first, kept in the history, and undone."""

import datetime as dt

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from simple_history.models import HistoricalChanges

from allies.actions.editions import create_edition
from allies.actions.undo import new_undo_changeset
from allies.editorial.deletion_preview import (
    DERIVED,
    MAX_NAMED,
    REBUILT_MODELS,
    REFERENCE_MODELS,
    preview_deletion,
    relations_to,
)
from allies.imports.runner import run_undo
from allies.models import (
    Alias,
    Alliance,
    Appointment,
    Changeset,
    Correction,
    Country,
    Event,
    KeyEvent,
    LinkCheck,
    LinkHealth,
    OldSlug,
    PreviewLink,
    Record,
    SeeAlso,
    Spell,
    record_models,
)
from tests import factories
from tests.admin.test_permissions import change, form_of
from tests.imports.files import load, write

pytestmark = pytest.mark.usefixtures("demo_data")

DRAFT = {"status": "draft"}


@pytest.fixture
def superuser(db):
    return User.objects.create_superuser("root", password="a-long-pass-phrase")


@pytest.fixture
def desk(superuser, login_as):
    return login_as(superuser)


def new_country():
    return Country.objects.create(name_en="Ruritania", slug="ruritania", alpha3="RUR")


def new_member():
    country = new_country()
    return country, factories.alliance("RUS", "RUR", **DRAFT).memberships.get(country=country)


def new_participant():
    country = new_country()
    return country, factories.event(("RUR", "host"), **DRAFT).participations.get()


def new_entry():
    country = new_country()
    return country, factories.ally_list("RUS", "RUR", **DRAFT).entries.get()


def successor():
    country = new_country()
    return country, Country.objects.create(name_en="Old", slug="old", successor=country)


def focus():
    return new_country(), factories.ally_list("RUR", "RUS", **DRAFT)


def alias():
    country = new_country()
    return country, Alias.objects.create(country=country, name="Ruritanien")


def source_with(make):
    source = factories.source(**DRAFT)
    return source, make(source)


def list_with_edition():
    editor = User.objects.create_superuser("editor")
    ally_list = factories.ally_list("RUS", "CHN")
    edition = create_edition(ally_list=ally_list, user=editor)
    ally_list.status = "withdrawn"
    ally_list.save()
    return ally_list, edition


def part_of(record, parts):
    return record, getattr(record, parts).first()


def cited_entry():
    entry = factories.ally_list("RUS", "CHN", **DRAFT).entries.get()
    return entry, entry.citations.get()


def linked_event():
    pact = factories.alliance("RUS", "IND", **DRAFT)
    return pact, factories.event(("RUS", "host"), alliance=pact, **DRAFT)


def see_also(ally_list=None, source=None):
    return SeeAlso.objects.create(
        ally_list=ally_list or factories.ally_list("RUS", "CHN", **DRAFT),
        source=source or factories.source(),
    )


def key_event():
    return KeyEvent.objects.create(
        entry=factories.ally_list("RUS", "CHN", **DRAFT).entries.get(),
        event=factories.event(("RUS", "host"), **DRAFT),
    )


def link_check(source):
    return LinkCheck.objects.create(
        source=source, address="https://a.test/", checked_at=timezone.now(), result="ok"
    )


def link_health(source):
    return LinkHealth.objects.create(
        source=source, address="https://a.test/", next_check=timezone.now()
    )


#: Relation → how to create a record and another that points to it. A new relation needs a line
#: here, and must then pass ``test_every_relation_is_shown_and_restored``.
def alliance_alias():
    record = factories.alliance("RUS", "IND", **DRAFT)
    return record, Alias.objects.create(alliance=record, name="Pact of the North")


def spell():
    country = new_country()
    return country, Spell.objects.create(country=country, began="1950", ended="1960")


def cited_membership():
    record = factories.alliance("RUS", "IND", **DRAFT).memberships.first()
    return record, factories.cite(record, factories.source())


MAKE = {
    "Alias.alliance": alliance_alias,
    "Alias.country": alias,
    "AllyList.focus": focus,
    "AllyList.recorded_from": lambda: source_with(
        lambda source: factories.ally_list("RUS", "CHN", recorded_from=source, **DRAFT)
    ),
    "Citation.alliance": lambda: part_of(factories.alliance("RUS", "IND", **DRAFT), "citations"),
    "Citation.entry": cited_entry,
    "Citation.event": lambda: part_of(factories.event(("RUS", "host"), **DRAFT), "citations"),
    "Citation.membership": cited_membership,
    "Citation.source": lambda: source_with(
        lambda source: factories.cite(
            factories.event(("RUS", "host"), cited=False, **DRAFT), source
        )
    ),
    "Country.successor": successor,
    "Edition.ally_list": list_with_edition,
    "Entry.ally_list": lambda: part_of(factories.ally_list("RUS", "CHN", **DRAFT), "entries"),
    "Entry.country": new_entry,
    "Event.alliance": linked_event,
    "KeyEvent.entry": lambda: (lambda made: (made.entry, made))(key_event()),
    "KeyEvent.event": lambda: (lambda made: (made.event, made))(key_event()),
    "LinkCheck.source": lambda: source_with(link_check),
    "LinkHealth.source": lambda: source_with(link_health),
    "Membership.alliance": lambda: part_of(
        factories.alliance("RUS", "IND", **DRAFT), "memberships"
    ),
    "Membership.country": new_member,
    "Participation.country": new_participant,
    "Participation.event": lambda: part_of(
        factories.event(("RUS", "host"), **DRAFT), "participations"
    ),
    "SeeAlso.ally_list": lambda: (lambda made: (made.ally_list, made))(see_also()),
    "SeeAlso.source": lambda: source_with(lambda source: see_also(source=source)),
    "Spell.country": spell,
    "Source.derived_from": lambda: source_with(
        lambda source: factories.source(derived_from=source, **DRAFT)
    ),
}

RELATIONS = [pair for model in record_models() for pair in relations_to(model)]
NAMES = [f"{other.__name__}.{field.name}" for other, field in RELATIONS]


def address(record, view="delete"):
    return reverse(f"admin:allies_{record._meta.model_name}_{view}", args=[record.pk])


def ask(desk, record, way):
    """Return the page that asks for confirmation, for one record or for the list action."""
    if way == "single":
        return desk.get(address(record)).content.decode()
    return selected(desk, record).content.decode()


def selected(desk, record, **answer):
    changelist = reverse(f"admin:allies_{record._meta.model_name}_changelist")
    data = {"action": "delete_selected", "_selected_action": [record.pk], **answer}
    return desk.post(changelist, data, follow=True)


def delete(desk, record, way):
    if way == "single":
        desk.post(address(record), {"post": "yes"}, follow=True)
    else:
        selected(desk, record, post="yes")


def row_of(record):
    model = type(record)
    row = model._default_manager.filter(pk=record.pk).values().first()
    return row and {name: value for name, value in row.items() if name != "updated_at"}


def last():
    return Changeset.objects.applied().latest("pk")


@pytest.mark.parametrize("way", ["single", "bulk"])
@pytest.mark.parametrize("relation", RELATIONS, ids=NAMES)
def test_every_relation_is_shown_and_restored(relation, way, desk):
    other, field = relation
    record, linked = MAKE[f"{other.__name__}.{field.name}"]()
    assert getattr(linked, field.attname) == record.pk
    before, whole = row_of(linked), row_of(record)
    page = ask(desk, record, way)
    label = str(other._meta.verbose_name_plural)
    assert label.capitalize() in page or label in page
    if issubclass(other, Record):
        named = str(linked) if str(linked) else label
        assert named in page.replace("&#x27;", "'")
    delete(desk, record, way)
    on_delete = field.remote_field.on_delete
    if on_delete is models.PROTECT:
        assert "cannot be deleted now" in page
        assert (row_of(record), row_of(linked)) == (whole, before)
        return
    assert row_of(record) is None
    assert "restore the records and their links" in page
    if on_delete is models.DO_NOTHING:
        assert row_of(linked) == before
    elif on_delete is models.CASCADE:
        assert row_of(linked) is None
    else:
        assert on_delete is models.SET_NULL
        assert row_of(linked) == {**before, field.attname: None}
        told = desk.get(address(linked, "history")).content.decode()
        assert f"{record} (deleted)" in told
        assert reverse("admin:allies_changeset_one", args=[last().pk]) in told
        changeset = desk.get(reverse("admin:allies_changeset_one", args=[last().pk]))
        assert label.capitalize() in changeset.content.decode()
        assert linked.history.latest().history_user.username == "root"
    run_undo(new_undo_changeset(last(), user=None), user=None)
    assert row_of(record) == whole
    if issubclass(other, Record):
        assert row_of(linked) == before


def test_every_reference_to_a_record_is_known():
    """Foreign keys, and pairs of a record type and an id."""
    for model in apps.get_models():
        if issubclass(model, HistoricalChanges):
            continue
        for field in model._meta.concrete_fields:
            if isinstance(field.related_model, type) and issubclass(field.related_model, Record):
                known = str(field) in DERIVED or f"{model.__name__}.{field.name}" in MAKE
                assert known, f"{field}: say in MAKE how one is made"
        names = {field.name for field in model._meta.concrete_fields}
        if names & {"record_id", "about_id", "object_id"} and model._meta.app_label == "allies":
            assert model in REFERENCE_MODELS or model in REBUILT_MODELS, model


@pytest.mark.parametrize("way", ["single", "bulk"])
def test_deletion_needs_permission_for_records_that_lose_their_link(way, editor, login_as):
    pact, event = linked_event()
    editor.groups.clear()
    for codename in ("view_alliance", "delete_alliance", "delete_membership", "delete_citation"):
        editor.user_permissions.add(Permission.objects.get(codename=codename))
    client = login_as(editor)
    assert "you don’t have permission to do that" in ask(client, pact, way)
    delete(client, pact, way)
    assert Event.objects.get(pk=event.pk).alliance_id == pact.pk


def test_references_by_record_id_are_counted(superuser, desk):
    event = factories.event(("RUS", "host"), **DRAFT)
    about = {"noun": "event", "record_id": event.pk}
    later = timezone.now() + dt.timedelta(days=1)
    Appointment.objects.create(**about, step="publish", due_at=later, created_by=superuser)
    PreviewLink.objects.create(**about, expires_at=later, created_by=superuser)
    Correction.objects.create(**about, text="It was in May.")
    OldSlug.objects.create(**about, slug="an-old-address")
    Changeset.objects.create(kind="edit", state="proposed", about_noun="event", about_id=event.pk)
    for way in ("single", "bulk"):
        page = ask(desk, event, way)
        for label, _noun, _id in REFERENCE_MODELS.values():
            assert f"{label}: 1" in page


def test_published_event_prevents_the_deletion_and_is_named(reviewer, login_as):
    pact = factories.alliance("RUS", "IND", **DRAFT)
    event = factories.event(("RUS", "host"), alliance=pact)
    client = login_as(reviewer)
    for way in ("single", "bulk"):
        page = ask(client, pact, way)
        assert f"“{event}” is published and refers to this record as “alliance”" in page
        delete(client, pact, way)
        assert Alliance.objects.filter(pk=pact.pk).exists()
        assert Event.objects.get(pk=event.pk).alliance_id == pact.pk


def test_many_links_are_counted_with_a_constant_number_of_queries(desk):
    def pact_with(events):
        pact = factories.alliance("RUS", "IND", **DRAFT)
        for _n in range(events):
            factories.event(alliance=pact, cited=False, **DRAFT)
        return pact

    costs = []
    for pact in (pact_with(1), pact_with(2), pact_with(MAX_NAMED + 7)):  # the first fills caches
        ask(desk, pact, "single")
        with CaptureQueriesContext(connection) as asked:
            page = ask(desk, pact, "single")
        with CaptureQueriesContext(connection) as done:
            delete(desk, pact, "single")
        costs.append((len(asked), len(done)))
    assert costs[1] == costs[2]
    assert f"Events: {MAX_NAMED + 7}" in page
    assert "and 7 more" in page
    assert last().counts["event"] == {"updated": MAX_NAMED + 7}


def test_undo_keeps_a_link_that_was_set_again_since(desk):
    pact, event = linked_event()
    delete(desk, pact, "single")
    deletion = last()
    other = factories.alliance("RUS", "IND", **DRAFT)
    event.refresh_from_db()
    event.alliance = other
    event.save()
    report = run_undo(new_undo_changeset(deletion, user=None), user=None)
    assert [(kept.name, kept.reason) for kept in report.skipped] == [(str(event), "edited")]
    assert Event.objects.get(pk=event.pk).alliance_id == other.pk
    assert Alliance.objects.filter(pk=pact.pk).exists()


def test_undo_of_an_import_keeps_a_record_that_is_linked_since(tmp_path):
    load("alliances", write(tmp_path / "a.csv", [{"slug": "new-pact", "kind": "entente"}]))
    made = last()
    pact = Alliance.objects.get(slug="new-pact")
    event = factories.event(alliance=pact, **DRAFT)
    report = run_undo(new_undo_changeset(made, user=None), user=None)
    assert [(kept.pk, kept.reason) for kept in report.skipped] == [(pact.pk, "in-use")]
    assert Event.objects.get(pk=event.pk).alliance_id == pact.pk


def test_redo_of_a_deletion_removes_the_links_again(desk):
    pact, event = linked_event()
    delete(desk, pact, "single")
    run_undo(new_undo_changeset(last(), user=None), user=None)
    run_undo(new_undo_changeset(last(), user=None), user=None)
    assert not Alliance.objects.filter(pk=pact.pk).exists()
    assert Event.objects.get(pk=event.pk).alliance_id is None


def test_deletion_without_a_changeset_is_in_the_history():
    pact, event = linked_event()
    versions = event.history.count()
    pact.delete()
    assert event.history.count() == versions + 1
    version = event.history.latest()
    assert (version.alliance_id, version.changeset_id) == (None, None)


def test_editor_deletes_a_draft_with_links(editor, login_as):
    pact, event = linked_event()
    client = login_as(editor)
    assert form_of(client, change(event))["alliance"] == pact.pk
    delete(client, pact, "single")
    assert not Alliance.objects.filter(pk=pact.pk).exists()
    assert last().summary()
    assert preview_deletion(Alliance.objects.filter(pk=pact.pk)).count == 0
