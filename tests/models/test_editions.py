"""Editions: made when a list is published, and the same ever after."""

import hashlib
import io
import json

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from allies.actions.editions import NothingNew, make_edition, make_missing_editions, retract
from allies.actions.merging import merge
from allies.actions.publication import take_step
from allies.actions.undo import undoing
from allies.exchange.rows import Row, Rows
from allies.exchange.runner import run_import, run_undo
from allies.models import AllyList, Changeset, Country, Edition, Entry, SeeAlso, Status, canonical
from tests import cast

pytestmark = pytest.mark.usefixtures("starter")


AT_ONCE = """
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.contrib.auth.models import User
from django.db import connection, transaction
from allies.actions.editions import make_edition
from allies.models import AllyList, Edition
user = User.objects.create_superuser("anna")
asia = AllyList.objects.get(slug="russia-allies-in-asia")
ready = Barrier(4)
def publish(title):
    ready.wait()
    with transaction.atomic():
        AllyList.objects.filter(pk=asia.pk).update(title_en=title)
        make_edition(ally_list=asia, user=user)
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
def draft(rita):
    ally_list = cast.ally_list("RUS", "CHN", "IND", status=Status.DRAFT, title_en="Drafted")
    take_step(record=ally_list, step="publish", user=rita)
    return ally_list


def test_the_starter_lists_have_their_first_edition():
    assert set(Edition.objects.values_list("slug", "number")) == {
        (slug, 1) for slug in AllyList.objects.published().values_list("slug", flat=True)
    }


def test_publishing_makes_a_numbered_hashed_edition(draft, rita):
    edition = latest(draft)
    assert (edition.number, edition.key, edition.made_by) == (1, f"{draft.slug}-1", rita)
    assert edition.sha256 == hashlib.sha256(edition.content.encode()).hexdigest()
    assert edition.content == canonical(json.loads(edition.content))
    entries = json.loads(edition.content)["list"]["entries"]
    assert [(e["position"], e["country"]["code"]) for e in entries] == [(1, "CHN"), (2, "IND")]


def test_publishing_again_makes_the_next_only_where_something_changed(draft, rita):
    for step in ("withdraw", "publish"):
        take_step(record=draft, step=step, user=rita)
    assert latest(draft).number == 1
    with pytest.raises(NothingNew):
        make_edition(ally_list=draft, user=rita)
    take_step(record=draft, step="withdraw", user=rita)
    draft.title_en = "Drafted again"
    draft.save()
    take_step(record=draft, step="publish", user=rita)
    assert latest(draft).number == 2
    assert latest(draft).data["list"]["title_en"] == "Drafted again"


def test_an_edition_stays_as_it_was_whatever_becomes_of_its_list(draft, rita):
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

    keep = cast.ally_list("RUS", "IRN")
    rita.is_superuser = True
    merge(keep=keep, drop=draft, chosen={}, user=rita)
    assert not AllyList.objects.filter(pk=draft.pk).exists()
    assert content_of(edition) == frozen
    assert list(Edition.objects.of(keep)) == [edition]

    take_step(record=keep, step="withdraw", user=rita)
    keep.delete()
    assert content_of(edition) == frozen


def test_nothing_of_an_edition_can_be_changed_or_deleted(draft):
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


def test_the_database_takes_a_number_a_key_and_a_hash_once(draft):
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


def test_nothing_that_is_not_public_gets_into_an_edition(rita):
    hidden = cast.source(status=Status.DRAFT, title="Zanzabarra", key="zanzabarra")
    text = {"title_en": "Zanzabarra", "title_ind": "Zanzabarra"}
    cast.alliance("RUS", "CHN", status=Status.DRAFT, slug="zanzabarra-pact", **text)
    cast.event(("RUS", "host"), ("CHN", "visitor"), status=Status.DRAFT, slug="zanzabarra", **text)
    cast.ally_list("RUS", "CHN", status=Status.DRAFT, slug="zanzabarra-list", **text)
    public = cast.source(derived_from=hidden)
    ally_list = cast.ally_list("RUS", "CHN", recorded_from=hidden, status=Status.PUBLISHED)
    ally_list.intro_en = "Known [@zanzabarra; @dw-2024-en, p. 4]. Unknown [@zanzabarra, p. 3]."
    ally_list.save()
    entry = ally_list.entries.get()
    cast.cite(entry, public, note_en="Said [@zanzabarra].")
    cast.cite(entry, hidden, note_en="Zanzabarra")
    unsupported = Entry.objects.create(
        ally_list=ally_list, country=cast.country("IND"), position=2, prose_en="Zanzabarra"
    )
    cast.cite(unsupported, hidden)
    SeeAlso.objects.create(ally_list=ally_list, source=hidden)

    make_missing_editions()

    edition = latest(ally_list)
    assert "zanzabarra" not in edition.content.casefold()
    assert edition.data["list"]["intro_en"] == "Known [@dw-2024-en, p. 4]. Unknown ."
    assert "dw-2024-en" in [source["key"] for source in edition.data["sources"]]


def test_an_edition_has_ties_with_their_duties_events_and_full_sources(asia):
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


def test_a_list_under_a_slug_another_had_gets_an_address_of_its_own(draft, rita):
    draft.slug, slug = "given-up", draft.slug
    draft.save()
    other = cast.ally_list("RUS", "IRN", slug=slug)
    make_missing_editions()
    assert latest(other).key == f"{slug}-1-2"


def test_making_an_edition_costs_the_same_for_any_length(rita):
    rita.has_perm("allies.publish_allylist")  # asked once
    short, long = cast.ally_list("RUS", "CHN"), cast.ally_list("RUS", "CHN", "IND", "IRN", "MNG")

    def cost(ally_list):
        with CaptureQueriesContext(connection) as queries:
            make_edition(ally_list=ally_list, user=rita)
        return len(queries)

    assert cost(short) == cost(long)


def test_only_who_may_publish_makes_or_retracts_an_edition(draft, edi, rita):
    draft.title_en = "Changed"
    draft.save()
    edition = latest(draft)
    with pytest.raises(PermissionDenied):
        make_edition(ally_list=draft, user=edi)
    with pytest.raises(PermissionDenied):
        retract(edition=edition, user=edi, reason="A court order")
    with pytest.raises(ValidationError):
        retract(edition=edition, user=rita, reason=" ")
    retract(edition=edition, user=rita, reason="A court order")
    with pytest.raises(ValidationError):
        retract(edition=edition, user=rita, reason="Twice")
    assert content_of(edition)[0] == edition.content
    assert not Edition.objects.published().filter(pk=edition.pk).exists()


def test_an_import_that_publishes_freezes_the_list_and_its_undo_leaves_the_edition(draft):
    def load(status, title):
        row = {"slug": draft.slug, "title_en": title, "focus": "RUS", "status": status}
        about = Changeset(reason="A file")
        rows = Rows(list(row), lambda: iter([Row(2, list(row.values()))]))
        run_import([("ally-lists", rows)], commit=True, about=about)
        return about

    load("withdrawn", "Drafted")
    imported = load("published", "From a file")
    assert (latest(draft).number, latest(draft).data["list"]["title_en"]) == (2, "From a file")
    run_undo(undoing(imported, user=None), user=None)
    assert not AllyList.objects.published().filter(pk=draft.pk).exists()
    assert latest(draft).number == 2


def test_a_draft_and_an_unsupported_list_have_no_edition(rita):
    for given in ({"status": Status.DRAFT}, {"cited": False}):
        ally_list = cast.ally_list("RUS", "CHN", **given)
        make_missing_editions()
        assert latest(ally_list) is None
        with pytest.raises(ValidationError):
            make_edition(ally_list=ally_list, user=rita)


@pytest.mark.slow
def test_those_who_publish_at_once_make_an_edition_each_with_a_number_of_its_own(site):
    made = json.loads(site.shell(AT_ONCE))
    assert made == [[number, number, True] for number in range(1, 6)]


def test_the_command_verifies_a_file_and_an_edition(draft, tmp_path):
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
