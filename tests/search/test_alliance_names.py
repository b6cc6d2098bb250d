"""Alliances are found by all their names: in searches, suggestions, filters and pickers."""

import json

import pytest
from django.urls import reverse

from allies.actions.merge import merge_records
from allies.actions.undo import new_undo_changeset
from allies.imports.runner import run_undo
from allies.models import Alliance, Changeset, Status
from tests import factories
from tests.imports.files import load, write
from tests.search.test_search import assert_index_is_right, found, page, suggested
from tests.views.page_urls import body

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]

#: Title → alternative names with their language.
NAMES = {
    "North Atlantic Treaty Organization": [("NATO", ""), ("OTAN", "fr"), ("Pakta Atlantik", "id")],
    "Warsaw Treaty": [("Warsaw Pact", "en"), ("Pakta Warsawa", "id")],
    "Collective Security Treaty Organization": [("CSTO", "en"), ("ODKB", "ru")],
    "Pacific Security Treaty": [("ANZUS", "en")],
    "Inter-American Treaty of Reciprocal Assistance": [("Rio Treaty", "en"), ("TIAR", "es")],
    "Southeast Asia Treaty Organization": [("SEATO", "en")],
    "Trilateral security partnership": [("AUKUS", "en")],
    "Shanghai Cooperation Organisation": [("SCO", "en")],
    "Five Power Defence Arrangements": [("FPDA", "en")],
    "Agreement on the Framework for Security Cooperation": [("Perjanjian Lombok", "id")],
}
#: What a reader types → the title of the alliance that comes first.
ASKED = {
    **{names[0][0]: title for title, names in NAMES.items() if names[0][0] not in ("SCO", "FPDA")},
    "OTAN": "North Atlantic Treaty Organization",
    "nato": "North Atlantic Treaty Organization",
    "Shanghai Cooperation Organisation": "Shanghai Cooperation Organisation",
    "Five Power Defence Arrangements": "Five Power Defence Arrangements",
    "pakta atlantik": "North Atlantic Treaty Organization",
    "Q123": "Warsaw Treaty",
    "cow:227": "North Atlantic Treaty Organization",
}


def named_alliance(title, *names, **given):
    pact = factories.alliance("RUS", "IND", title_en=title, title_ind="", **given)
    for name in names:
        factories.alias(pact, *name)
    return pact


@pytest.fixture
def alliances(db):
    """Create the alliances, and events whose titles contain the same words."""
    given = {
        "North Atlantic Treaty Organization": {"identifier": "cow:227"},
        "Warsaw Treaty": {"wikidata": "Q123"},
    }
    found = {}
    for title, names in NAMES.items():
        found[title] = named_alliance(title, *names, **given.get(title, {}))
    return found


@pytest.mark.core
@pytest.mark.parametrize("language", ["en", "id"])
def test_alliance_is_first_result_for_any_of_its_names(alliances, language):
    for typed in ASKED:
        factories.event(("RUS", "host"), title_en=f"{typed} debated", date="2024-05")
        factories.event(("RUS", "host"), title_en=f"SOUTHERN AFRICA, {typed}", date="2020")
    first = {typed: found(typed, language)[0] for typed in ASKED}
    assert first == {typed: ("alliance", alliances[title].slug) for typed, title in ASKED.items()}


def test_alliance_is_first_suggestion_for_the_beginning_of_a_name(alliances, client):
    for title in ASKED:
        factories.event(("RUS", "host"), title_en=f"Talks on {title}")
    names = {"ota": "OTAN", "shanghai coop": "", "perjanjian l": "Perjanjian Lombok"}
    for typed, name in names.items():
        first = suggested(client, typed)["suggestions"][0]
        assert (first["noun"], first["also"]) == ("alliance", name), typed


def test_alliance_with_the_word_in_a_name_ranks_above_events(client):
    pact = named_alliance("Pact of the marmalade makers")
    factories.event(("RUS", "host"), title_en="Marmalade")
    factories.event(("RUS", "host"), title_en="Marmalade talks")
    exact, first, second = found("marmalade")
    assert (exact[0], first, second[0]) == ("event", ("alliance", pact.slug), "event")


def test_texts_with_another_name_of_the_alliance_are_found():
    named_alliance("Marmalade Treaty", ("MARMAX", ""))
    event = factories.event(("RUS", "host"), title_en="Talks on the Marmalade Treaty")
    assert ("event", event.slug) in found("marmax")


def test_names_of_hidden_alliances_find_nothing(client):
    hidden = named_alliance("Zanzibar Treaty", ("MARMAX", ""), status=Status.DRAFT)
    factories.event(("RUS", "host"), title_en="The Zanzibar Treaty is only a rumour")
    assert found("marmax") == []
    assert "Zanzibar" not in page(client, "marmax").split("</form>")[-1]
    hidden.status = Status.PUBLISHED
    hidden.save()
    assert ("alliance", hidden.slug) in found("marmax")


def test_changes_of_names_update_the_index(alliances, reviewer, tmp_path):
    nato, warsaw = alliances["North Atlantic Treaty Organization"], alliances["Warsaw Treaty"]
    alias = factories.alias(nato, "Marmalade")
    assert found("marmalade") == [("alliance", nato.slug)]
    alias.alliance = warsaw
    alias.save()
    assert found("marmalade") == [("alliance", warsaw.slug)]
    alias.delete()
    assert found("marmalade") == []
    load("aliases", write(tmp_path / "a.csv", [{"alliance": nato.slug, "name": "Marmalade"}]))
    assert found("marmalade") == [("alliance", nato.slug)]
    assert_index_is_right()
    run_undo(new_undo_changeset(Changeset.objects.latest("pk"), user=None), user=None)
    assert found("marmalade") == []
    assert_index_is_right()


def test_merged_alliance_is_found_by_the_names_of_both(alliances, reviewer):
    keep = alliances["Warsaw Treaty"]
    drop = named_alliance("Marmalade Treaty", ("Biscuit Pact", "en"), ("Warsaw Pact", "en"))
    before = set(keep.aliases.values_list("name", "language"))
    changeset = merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    added = set(keep.aliases.values_list("name", "language")) - before
    assert added == {("Marmalade Treaty", "en"), ("Biscuit Pact", "en")}
    for typed in ("marmalade treaty", "biscuit pact"):
        assert found(typed)[0] == ("alliance", keep.slug)
    assert_index_is_right()
    run_undo(new_undo_changeset(changeset, user=reviewer), user=reviewer)
    assert set(keep.aliases.values_list("name", "language")) == before
    assert found("biscuit pact")[0] == ("alliance", drop.slug)


def test_title_replaced_by_a_merge_becomes_an_alternative_name(alliances, editor):
    keep, drop = (named_alliance(title, status=Status.DRAFT) for title in ("Old", "New"))
    merge_records(keep=keep, drop=drop, chosen={"title_en": "drop"}, user=editor)
    keep.refresh_from_db()
    assert (keep.title_en, [alias.name for alias in keep.aliases.all()]) == ("New", ["Old"])


def test_alliance_list_is_filtered_by_any_name(alliances, client):
    for typed in ("otan", "north organization", "pakta atlantik"):
        rows = json.loads(body(client.get("/en/alliances.json", {"q": typed})))["rows"]
        rows = [row["title_en"] for row in rows]
        assert rows == ["North Atlantic Treaty Organization"], typed
    rows = client.get("/api/v1/memberships", {"q": "otan"}).json()["items"]
    assert {row["title_en"] for row in rows} == {"North Atlantic Treaty Organization"}


def test_pickers_of_the_admin_find_alliances_by_any_name(alliances, reviewer, login_as):
    visitor = login_as(reviewer)
    asked = {"app_label": "allies", "model_name": "event", "field_name": "alliance"}
    for typed, title in ASKED.items():
        answer = visitor.get(reverse("admin:autocomplete"), {**asked, "term": typed}).json()
        assert answer["results"][0]["text"] == title, typed
    listed = visitor.get(reverse("admin:allies_alliance_changelist"), {"q": "otan"})
    assert [one.title for one in listed.context["cl"].result_list] == [ASKED["OTAN"]]
    keep = Alliance.objects.get(title_en="Warsaw Treaty")
    merge = reverse("admin:allies_alliance_merge", args=[keep.pk])
    assert ASKED["OTAN"] in visitor.get(merge, {"q": "otan"}).content.decode()
    asked |= {"model_name": "citation", "field_name": "membership"}
    answer = visitor.get(reverse("admin:autocomplete"), {**asked, "term": "otan rus"}).json()
    assert len(answer["results"]) == 1
