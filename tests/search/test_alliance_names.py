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

#: What readers type → the slug of the alliance that comes first.
ASKED = {
    "NATO": "nato",
    "OTAN": "nato",
    "pakta pertahanan atlantik utara": "nato",
    "cow:227": "nato",
    "Q7184": "nato",
    "Warsaw Pact": "warsaw-pact",
    "CSTO": "csto",
    "ANZUS": "anzus",
    "Rio Treaty": "rio-treaty",
    "SEATO": "seato",
    "AUKUS": "aukus",
    "Shanghai Cooperation Organisation": "shanghai-cooperation-organisation",
    "Five Power Defence Arrangements": "five-power-defence-arrangements",
    "Perjanjian Lombok": "lombok-treaty",
}


def named_alliance(title, *names, **given):
    pact = factories.alliance("RUS", "IND", title_en=title, title_ind="", **given)
    for name in names:
        factories.alias(pact, *name)
    return pact


@pytest.fixture
def roll_calls(db):
    """Create events whose titles contain what readers type."""
    for typed in ASKED:
        factories.event(("RUS", "host"), title_en=f"{typed} debated", date="2024-05")
        factories.event(("RUS", "host"), title_en=f"SOUTHERN AFRICA, {typed}", date="2020")


@pytest.mark.core
@pytest.mark.parametrize("language", ["en", "id"])
def test_alliance_is_first_result_for_any_of_its_names(roll_calls, language):
    first = {typed: found(typed, language)[0] for typed in ASKED}
    assert first == {typed: ("alliance", slug) for typed, slug in ASKED.items()}


def test_alliance_is_first_suggestion_for_the_beginning_of_a_name(roll_calls, client):
    names = {"ota": "nato", "shanghai coop": ASKED["Shanghai Cooperation Organisation"]}
    for typed, slug in {**names, "perjanjian lom": "lombok-treaty"}.items():
        first = suggested(client, typed)["suggestions"][0]
        assert first["url"] == f"/en/alliances/{slug}/", typed
    assert suggested(client, "ota")["suggestions"][0]["also"] == "OTAN"


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


def test_changes_of_names_update_the_index(tmp_path):
    nato, warsaw = (Alliance.objects.get(slug=slug) for slug in ("nato", "warsaw-pact"))
    alias = factories.alias(nato, "Marmalade")
    assert found("marmalade")[0] == ("alliance", nato.slug)
    alias.alliance = warsaw
    alias.save()
    assert found("marmalade")[0] == ("alliance", warsaw.slug)
    alias.delete()
    assert found("marmalade") == []
    load("aliases", write(tmp_path / "a.csv", [{"alliance": nato.slug, "name": "Marmalade"}]))
    assert found("marmalade")[0] == ("alliance", nato.slug)
    assert_index_is_right()
    run_undo(new_undo_changeset(Changeset.objects.latest("pk"), user=None), user=None)
    assert found("marmalade") == []
    assert_index_is_right()


def test_merged_alliance_is_found_by_the_names_of_both(reviewer):
    keep = named_alliance("Biscuit Treaty", ("Biscuit Pact", "en"), ("Bispact", ""))
    drop = named_alliance("Marmalade Treaty", ("Toast Pact", "en"), ("Bispact", ""))
    before = set(keep.aliases.values_list("name", "language"))
    changeset = merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    added = set(keep.aliases.values_list("name", "language")) - before
    assert added == {("Marmalade Treaty", "en"), ("Toast Pact", "en")}
    for typed in ("marmalade treaty", "toast pact"):
        assert found(typed)[0] == ("alliance", keep.slug)
    assert_index_is_right()
    run_undo(new_undo_changeset(changeset, user=reviewer), user=reviewer)
    assert set(keep.aliases.values_list("name", "language")) == before
    assert found("toast pact")[0] == ("alliance", drop.slug)


def test_title_replaced_by_a_merge_becomes_an_alternative_name(editor):
    keep, drop = (named_alliance(title, status=Status.DRAFT) for title in ("Old", "New"))
    merge_records(keep=keep, drop=drop, chosen={"title_en": "drop"}, user=editor)
    keep.refresh_from_db()
    assert (keep.title_en, [alias.name for alias in keep.aliases.all()]) == ("New", ["Old"])


def test_alliance_list_is_filtered_by_any_name(client):
    for typed in ("otan", "pakta pertahanan utara", "Q7184"):
        rows = json.loads(body(client.get("/en/alliances.json", {"q": typed})))["rows"]
        assert [row["alliance"] for row in rows] == ["nato"], typed
    rows = client.get("/api/v1/memberships", {"q": "otan", "limit": 500}).json()["items"]
    assert {row["alliance"] for row in rows} == {"nato"}


def test_pickers_of_the_admin_find_alliances_by_any_name(reviewer, login_as):
    visitor = login_as(reviewer)
    nato = Alliance.objects.get(slug="nato")
    asked = {"app_label": "allies", "model_name": "event", "field_name": "alliance"}
    for typed in ("OTAN", "Q7184", "cow:227"):
        answer = visitor.get(reverse("admin:autocomplete"), {**asked, "term": typed}).json()
        assert answer["results"][0]["id"] == str(nato.pk), typed
    listed = visitor.get(reverse("admin:allies_alliance_changelist"), {"q": "otan"})
    assert list(listed.context["cl"].result_list) == [nato]
    merge = reverse("admin:allies_alliance_merge", args=[Alliance.objects.get(slug="csto").pk])
    assert str(nato) in visitor.get(merge, {"q": "otan"}).content.decode()
    asked |= {"model_name": "citation", "field_name": "membership"}
    answer = visitor.get(reverse("admin:autocomplete"), {**asked, "term": "otan fra"}).json()
    assert len(answer["results"]) == 1
