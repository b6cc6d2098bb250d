"""Undo: every record of a changeset is restored, and later edits are not lost."""

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.actions.undo import UndoError, new_undo_changeset, preview_undo
from allies.evidence.guards import EvidenceLost
from allies.exports.site_package import export_site_package
from allies.imports.own_csv import read_csv
from allies.imports.resources import RESOURCES
from allies.imports.runner import run_import, run_undo
from allies.models import Alias, Alliance, Changeset, Citation, Entry, Event, Participation, Source
from tests import factories
from tests.imports.files import command, load, write

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def everything():
    """Return the whole site as the bytes of its package, including times of changes."""
    return b"".join(export_site_package())


def last():
    return Changeset.objects.applied().latest("pk")


def take_back(changeset=None, *, also=(), user=None):
    """Undo a changeset as the command does; return the report and the new changeset."""
    by = new_undo_changeset(changeset or last(), user=user)
    report = run_undo(by, user=user, also=frozenset(also))
    return report, by


@pytest.fixture
def imported(tmp_path):
    """Import a file that creates two aliases and changes one; return the site before it."""
    Alias.objects.get(name="Tiongkok")
    rows = [
        {"country": "RUS", "name": "Rusija", "language": "sr"},
        {"country": "RUS", "name": "Orosz", "language": "hu"},
        {"country": "CHN", "name": "Tiongkok", "language": "ms"},
    ]
    before = everything()
    load("aliases", write(tmp_path / "a.csv", rows))
    assert everything() != before
    return before


def test_created_records_are_deleted_and_changed_ones_restored(imported):
    report, by = take_back()
    assert everything() == imported
    assert report.counts == {"alias": {"deleted": 2, "restored": 1}}
    gone = Alias.history.filter(name="Rusija").order_by("history_id")
    assert [(v.history_type, v.changeset_id == by.pk) for v in gone] == [("+", False), ("-", True)]


def test_undo_can_be_undone(imported):
    after = everything()
    take_back()
    take_back()
    assert everything() == after


def test_changeset_cannot_be_undone_twice(imported):
    changeset = last()
    take_back(changeset)
    with pytest.raises(UndoError, match="already"):
        take_back(changeset)
    with pytest.raises(UndoError, match="already"):
        preview_undo(changeset=changeset)


def test_preview_writes_nothing(imported):
    with CaptureQueriesContext(connection) as queries:
        report = preview_undo(changeset=last())
    assert report.records == 3
    wrote = [
        q["sql"]
        for q in queries
        if not q["sql"].startswith(
            (
                "SELECT",
                "CREATE TEMPORARY",
                "DROP TABLE IF EXISTS",
                'DELETE FROM "undo_',
                'INSERT INTO "undo_',
            )
        )
    ]
    assert wrote == []


class TestEditedSince:
    @pytest.fixture
    def edited(self, imported):
        for name in ("Rusija", "Tiongkok"):
            alias = Alias.objects.get(name=name)
            alias.language = "xx"
            alias.save()

    def test_edited_records_are_skipped_and_named(self, edited):
        report, _by = take_back()
        assert {kept.name for kept in report.skipped} == {"Rusija", "Tiongkok"}
        assert {kept.reason for kept in report.skipped} == {"edited"}
        assert Alias.objects.get(name="Rusija").language == "xx"
        assert Alias.objects.get(name="Tiongkok").language == "xx"
        assert not Alias.objects.filter(name="Orosz").exists()

    def test_editor_can_undo_edited_records_one_by_one(self, edited):
        (key,) = [k.key for k in preview_undo(changeset=last()).skipped if k.name == "Tiongkok"]
        take_back(also=[key])
        assert Alias.objects.get(name="Tiongkok").language == "id"
        assert Alias.objects.get(name="Rusija").language == "xx"

    def test_editor_can_undo_all_edited_records(self, edited, imported):
        take_back(also=["all"])
        assert everything() == imported

    def test_record_deleted_since_is_not_skipped(self, imported):
        Alias.objects.get(name="Rusija").delete()
        report, _by = take_back()
        assert report.skipped == []
        assert not Alias.objects.filter(name="Rusija").exists()


def test_record_in_use_is_skipped(tmp_path):
    load("events", write(tmp_path / "e.csv", [{"slug": "e-1", "kind": "visit", "date": "2020"}]))
    event = Event.objects.get(slug="e-1")
    Participation.objects.create(event=event, country_id=1, role="host")
    report, _by = take_back()
    assert [(kept.name, kept.reason) for kept in report.skipped] == [("e-1", "in-use")]
    assert Event.objects.filter(pk=event.pk).exists()


class TestPartsOfSkippedRecords:
    """Visits with participations and citations, edited or used elsewhere since the import."""

    @pytest.fixture
    def visits(self, tmp_path):
        rows = [
            {
                "slug": slug,
                "kind": "visit",
                "title_en": slug,
                "date": "2020",
                "status": "published",
            }
            for slug in ("kept", "gone")
        ]
        parts = [
            {"event": row["slug"], "country": country, "role": role}
            for row in rows
            for country, role in (("RUS", "visitor"), ("CHN", "host"))
        ]
        citations = [{"event": row["slug"], "source": "dw-2024-en"} for row in rows]
        files = {"events": rows, "participations": parts, "citations": citations}
        named = [(noun, write(tmp_path / f"{noun}.csv", lines)) for noun, lines in files.items()]
        run_import(
            [(noun, read_csv(path, RESOURCES[noun]().columns)) for noun, path in named], commit=True
        )
        return Event.objects.get(slug="kept")

    def test_parts_of_an_edited_record_are_skipped_with_it(self, visits):
        before = parts_of(visits)
        assert all(before)
        visits.title_en = "Another title"
        visits.save()
        report, _by = take_back()
        assert parts_of(visits) == before
        assert Event.objects.published().filter(pk=visits.pk).exists()
        assert not Event.objects.filter(slug="gone").exists()
        reasons = sorted((kept.model.__name__, kept.reason) for kept in report.skipped)
        assert reasons == [
            ("Citation", "part"),
            ("Event", "edited"),
            ("Participation", "part"),
            ("Participation", "part"),
        ]

    def test_parts_of_a_record_in_use_are_skipped_with_it(self, visits):
        before = parts_of(visits)
        factories.cite(visits, Source.objects.exclude(key="dw-2024-en").published().first())
        report, _by = take_back()
        assert {kept.reason for kept in report.skipped} == {"in-use", "part"}
        assert parts_of(visits)[0] == before[0]
        assert set(parts_of(visits)[1]) > set(before[1])

    def test_edited_part_keeps_its_whole_record(self, visits):
        before = parts_of(visits)
        part = visits.participations.get(role="host")
        part.country_id = 1
        part.save()
        take_back()
        assert [pk for pk, *_rest in parts_of(visits)[0]] == [pk for pk, *_rest in before[0]]
        assert parts_of(visits)[1] == before[1]

    def test_parts_are_undone_with_their_record_on_request(self, visits):
        visits.title_en = "Another title"
        visits.save()
        (key,) = [k.key for k in preview_undo(changeset=last()).skipped if k.reason == "edited"]
        take_back(also=[key])
        assert not Event.objects.filter(slug__in=["kept", "gone"]).exists()
        assert not Participation.objects.filter(event=visits.pk).exists()


def parts_of(event):
    """Return the participations and citations of an event, as tuples of ids and values."""
    return (
        list(event.participations.order_by("pk").values_list("pk", "country", "role")),
        list(event.citations.order_by("pk").values_list("pk", "source")),
    )


def test_chain_of_sources_is_undone_as_a_whole(tmp_path):
    before = everything()
    rows = [
        {"key": "third", "publisher": "C", "title": "c", "derived_from": "second"},
        {"key": "second", "publisher": "B", "title": "b", "derived_from": "first"},
        {"key": "first", "publisher": "A", "title": "a"},
    ]
    load("sources", write(tmp_path / "s.csv", rows))
    assert Source.objects.get(key="third").origin.key == "first"
    take_back()
    assert everything() == before
    take_back()
    assert Source.objects.get(key="third").origin.key == "first"


@pytest.mark.parametrize("noun", ["alliance", "event", "entry"])
def test_undo_that_removes_the_last_source_of_a_public_record_is_refused(noun, tmp_path):
    given = {"cited": False, "status": "draft"}
    record = {
        "alliance": lambda: factories.alliance("RUS", "CHN", slug="cited", **given),
        "event": lambda: factories.event(("RUS", "host"), slug="cited", **given),
        "entry": lambda: factories.ally_list("RUS", "CHN", slug="cited", **given),
    }[noun]()
    source = Source.objects.get(key="dw-2024-en")
    target = "cited/CHN" if noun == "entry" else "cited"
    load("citations", write(tmp_path / "c.csv", [{"source": source.key, noun: target}]))
    record.status = "published"
    record.save()
    before = Citation.objects.count()
    assert preview_undo(changeset=last()).unsupported == [str(record)]
    with pytest.raises(CommandError, match="Cite another"):
        command("undo_changeset", str(last().pk))
    with pytest.raises(EvidenceLost, match="Cite another"):
        take_back()
    assert Citation.objects.count() == before
    assert type(record).objects.published().filter(pk=record.pk).exists()
    factories.cite(record.entries.get() if noun == "entry" else record)
    assert preview_undo(changeset=last()).unsupported == []


def test_user_without_publish_right_cannot_undo_public_changes(tmp_path, data_manager):
    rows = [{"slug": "l-1", "title_en": "L", "focus": "RUS", "status": "draft"}]
    load("ally-lists", write(tmp_path / "l.csv", rows), user=data_manager)
    take_back(user=data_manager)
    public = [{"ally_list": "russia-allies-in-asia", "country": "THA", "position": "9"}]
    load("entries", write(tmp_path / "e.csv", public))
    with pytest.raises(PermissionDenied, match="permission to publish"):
        take_back(user=data_manager)
    assert Entry.objects.filter(country__alpha3="THA").exists()


def test_cow_import_can_be_undone(shared):
    before = everything()
    known = Alliance.objects.filter(identifier__startswith="cow:").count()
    command(
        "import_cow_alliances",
        str(shared / "data/cow/alliance_v4.1_by_member.csv"),
        "--commit",
        "--accept-terms",
    )
    number = last().pk
    said = command("undo_changeset", str(number))
    assert f"{414 - known} deleted" in said
    assert "--commit" in said
    assert Alliance.objects.filter(identifier="cow:1").exists()
    command("undo_changeset", str(number), "--commit")
    assert everything() == before
    with pytest.raises(CommandError, match="already"):
        command("undo_changeset", str(number), "--commit")
    with pytest.raises(CommandError, match="no changeset"):
        command("undo_changeset", "999999")
