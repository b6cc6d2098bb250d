"""Editions are created when a list is published, and never change."""

import hashlib
import io
import json

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from allies.actions.editions import (
    NothingNewError,
    create_edition,
    create_missing_editions,
    retract_edition,
)
from allies.actions.merge import merge_records
from allies.actions.publication import apply_transition
from allies.actions.undo import new_undo_changeset
from allies.imports.rows import Row, Rows
from allies.imports.runner import run_import, run_undo
from allies.models import (
    AllyList,
    Changeset,
    Country,
    Edition,
    Entry,
    SeeAlso,
    Status,
    canonical_json,
)
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


AT_ONCE = """
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.contrib.auth.models import User
from django.db import connection, transaction
from allies.actions.editions import create_edition
from allies.models import AllyList, Edition
user = User.objects.create_superuser("anna")
asia = AllyList.objects.get(slug="russia-allies-in-asia")
ready = Barrier(4)
def publish(title):
    ready.wait()
    with transaction.atomic():
        AllyList.objects.filter(pk=asia.pk).update(title_en=title)
        create_edition(ally_list=asia, user=user)
    connection.close()
with ThreadPoolExecutor(4) as pool:
    list(pool.map(publish, ["One", "Two", "Three", "Four"]))
made = Edition.objects.filter(ally_list=asia).order_by("number")
print(json.dumps([[e.number, e.data["edition"]["number"], e.is_intact] for e in made]))
"""


def latest(ally_list):
    return Edition.objects.filter(ally_list=ally_list.pk).order_by("-number").first()


def content_of(edition):
    return Edition.objects.values_list("content", "sha256", "key", "number").get(pk=edition.pk)


@pytest.fixture
def asia():
    return AllyList.objects.get(slug="russia-allies-in-asia")


@pytest.fixture
def draft(reviewer):
    ally_list = factories.ally_list("RUS", "CHN", "IND", status=Status.DRAFT, title_en="Drafted")
    apply_transition(record=ally_list, step="publish", user=reviewer)
    return ally_list


def test_starter_lists_have_first_edition():
    assert set(Edition.objects.values_list("slug", "number")) == {
        (slug, 1) for slug in AllyList.objects.published().values_list("slug", flat=True)
    }


def test_publishing_creates_numbered_hashed_edition(draft, reviewer):
    edition = latest(draft)
    assert (edition.number, edition.key, edition.made_by) == (1, f"{draft.slug}-1", reviewer)
    assert edition.sha256 == hashlib.sha256(edition.content.encode()).hexdigest()
    assert edition.content == canonical_json(json.loads(edition.content))
    entries = json.loads(edition.content)["list"]["entries"]
    assert [(e["position"], e["country"]["code"]) for e in entries] == [(1, "CHN"), (2, "IND")]


def test_publishing_again_creates_edition_only_after_changes(draft, reviewer):
    for step in ("withdraw", "publish"):
        apply_transition(record=draft, step=step, user=reviewer)
    assert latest(draft).number == 1
    with pytest.raises(NothingNewError):
        create_edition(ally_list=draft, user=reviewer)
    apply_transition(record=draft, step="withdraw", user=reviewer)
    draft.title_en = "Drafted again"
    draft.save()
    apply_transition(record=draft, step="publish", user=reviewer)
    assert latest(draft).number == 2
    assert latest(draft).data["list"]["title_en"] == "Drafted again"


def test_edition_survives_edit_merge_and_deletion_of_its_list(draft, reviewer):
    edition = latest(draft)
    frozen = content_of(edition)

    entry = draft.entries.first()
    entry.prose_en = "Rewritten"
    entry.save()
    source = entry.citations.first().source
    source.title = "Another title"
    source.save()
    Country.objects.filter(alpha3="CHN").update(name_en="Renamed")
    assert content_of(edition) == frozen

    draft.slug = "renamed"
    draft.save()
    assert content_of(edition) == frozen

    keep = factories.ally_list("RUS", "IRN")
    reviewer.is_superuser = True
    merge_records(keep=keep, drop=draft, chosen={}, user=reviewer)
    assert not AllyList.objects.filter(pk=draft.pk).exists()
    assert content_of(edition) == frozen
    assert list(Edition.objects.of(keep)) == [edition]

    apply_transition(record=keep, step="withdraw", user=reviewer)
    keep.delete()
    assert content_of(edition) == frozen


def test_edition_cannot_be_changed_or_deleted(draft):
    edition = latest(draft)
    edition.content = "{}"
    for attempt in (
        edition.save,
        lambda: edition.save(update_fields=["content"]),
        edition.delete,
        Edition.objects.all().delete,
        lambda: Edition.objects.update(number=7),
        lambda: Edition.objects.bulk_update([edition], ["content"]),
    ):
        with pytest.raises(ValidationError), transaction.atomic():
            attempt()
    assert Edition.objects.get(pk=edition.pk).is_intact


def test_edition_constraints_are_enforced_by_database(draft):
    edition = latest(draft)
    given = {
        "ally_list_id": draft.pk,
        "number": 9,
        "key": "free",
        "slug": draft.slug,
        "content": "{}",
        "sha256": "0" * 64,
        "made_at": edition.made_at,
    }
    for wrong in ({"number": 1}, {"key": edition.key}, {"sha256": "0"}, {"retraction": "Why"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Edition.objects.create(**{**given, **wrong})
    Edition.objects.create(**given)


def test_edition_contains_only_public_data(reviewer):
    hidden = factories.source(status=Status.DRAFT, title="Zanzabarra", key="zanzabarra")
    text = {"title_en": "Zanzabarra", "title_ind": "Zanzabarra"}
    factories.alliance("RUS", "CHN", status=Status.DRAFT, slug="zanzabarra-pact", **text)
    factories.event(
        ("RUS", "host"), ("CHN", "visitor"), status=Status.DRAFT, slug="zanzabarra", **text
    )
    factories.ally_list("RUS", "CHN", status=Status.DRAFT, slug="zanzabarra-list", **text)
    public = factories.source(derived_from=hidden)
    ally_list = factories.ally_list("RUS", "CHN", recorded_from=hidden, status=Status.PUBLISHED)
    ally_list.intro_en = "Known [@zanzabarra; @dw-2024-en, p. 4]. Unknown [@zanzabarra, p. 3]."
    ally_list.save()
    entry = ally_list.entries.get()
    factories.cite(entry, public, note_en="Said [@zanzabarra].")
    factories.cite(entry, hidden, note_en="Zanzabarra")
    unsupported = Entry.objects.create(
        ally_list=ally_list, country=factories.country("IND"), position=2, prose_en="Zanzabarra"
    )
    factories.cite(unsupported, hidden)
    SeeAlso.objects.create(ally_list=ally_list, source=hidden)

    create_missing_editions()

    edition = latest(ally_list)
    assert "zanzabarra" not in edition.content.casefold()
    assert edition.data["list"]["intro_en"] == "Known [@dw-2024-en, p. 4]. Unknown ."
    assert "dw-2024-en" in [source["key"] for source in edition.data["sources"]]


def test_edition_contains_ties_events_and_full_sources(asia):
    data = latest(asia).data
    korea = next(e for e in data["list"]["entries"] if e["country"]["code"] == "PRK")
    tie = next(tie for tie in korea["ties"] if tie["signed"] == "2024-06-19")
    assert tie["kind"] == {
        "code": "defence-pact",
        "name_en": "defence pact",
        "name_ind": "pakta pertahanan",
    }
    assert {member["country"]["code"] for member in tie["members"]} == {"RUS", "PRK"}
    assert {d["code"] for member in tie["members"] for d in member["duties"]} >= {"defence"}
    assert korea["events"]
    used = {c["source"] for r in (korea, tie, *korea["events"]) for c in r["citations"]}
    sources = {source["key"]: source for source in data["sources"]}
    assert used <= set(sources)
    assert sources["bisnisupdate-2024"]["origin"] == "dw-2024-en"
    assert sources["dw-2024-en"]["url"].startswith("https://")


def test_edition_key_is_unique_if_list_reuses_slug(draft, reviewer):
    draft.slug, slug = "given-up", draft.slug
    draft.save()
    other = factories.ally_list("RUS", "IRN", slug=slug)
    create_missing_editions()
    assert latest(other).key == f"{slug}-1-2"


def test_edition_query_count_is_independent_of_list_length(reviewer):
    reviewer.has_perm("allies.publish_allylist")  # caches the permissions
    short, long = (
        factories.ally_list("RUS", "CHN"),
        factories.ally_list("RUS", "CHN", "IND", "IRN", "MNG"),
    )

    def cost(ally_list):
        with CaptureQueriesContext(connection) as queries:
            create_edition(ally_list=ally_list, user=reviewer)
        return len(queries)

    assert cost(short) == cost(long)


def test_edition_creation_and_retraction_require_publish_permission(draft, editor, reviewer):
    draft.title_en = "Changed"
    draft.save()
    edition = latest(draft)
    with pytest.raises(PermissionDenied):
        create_edition(ally_list=draft, user=editor)
    with pytest.raises(PermissionDenied):
        retract_edition(edition=edition, user=editor, reason="A court order")
    with pytest.raises(ValidationError):
        retract_edition(edition=edition, user=reviewer, reason=" ")
    retract_edition(edition=edition, user=reviewer, reason="A court order")
    with pytest.raises(ValidationError):
        retract_edition(edition=edition, user=reviewer, reason="Twice")
    assert content_of(edition)[0] == edition.content
    assert not Edition.objects.published().filter(pk=edition.pk).exists()


def test_import_that_publishes_creates_edition_and_undo_keeps_it(draft):
    def load(status, title):
        row = {"slug": draft.slug, "title_en": title, "focus": "RUS", "status": status}
        about = Changeset(reason="A file")
        rows = Rows(list(row), lambda: iter([Row(2, list(row.values()))]))
        run_import([("ally-lists", rows)], commit=True, about=about)
        return about

    load("withdrawn", "Drafted")
    imported = load("published", "From a file")
    assert (latest(draft).number, latest(draft).data["list"]["title_en"]) == (2, "From a file")
    run_undo(new_undo_changeset(imported, user=None), user=None)
    assert not AllyList.objects.published().filter(pk=draft.pk).exists()
    assert latest(draft).number == 2


def test_edition_is_refused_for_draft_and_unsupported_list(reviewer):
    for given in ({"status": Status.DRAFT}, {"cited": False}):
        ally_list = factories.ally_list("RUS", "CHN", **given)
        create_missing_editions()
        assert latest(ally_list) is None
        with pytest.raises(ValidationError):
            create_edition(ally_list=ally_list, user=reviewer)


@pytest.mark.slow
def test_concurrent_publications_create_consecutive_editions(live_site):
    made = json.loads(live_site.shell(AT_ONCE))
    assert made == [[number, number, True] for number in range(1, 6)]


def test_verify_edition_command_accepts_file_or_key(draft, tmp_path):
    edition = latest(draft)
    file = tmp_path / "edition.json"
    file.write_bytes(edition.content.encode())
    for what in (edition.key, str(file)):
        out = io.StringIO()
        call_command("verify_edition", what, stdout=out)
        assert edition.sha256 in out.getvalue()
    file.write_text(edition.content.replace("Drafted", "Altered"))
    with pytest.raises(CommandError, match=edition.sha256):
        call_command("verify_edition", str(file))
    for wrong in ("no-such-edition", str(tmp_path)):
        with pytest.raises(CommandError):
            call_command("verify_edition", wrong)
    file.write_text("[]")
    with pytest.raises(CommandError, match="not the JSON"):
        call_command("verify_edition", str(file))
