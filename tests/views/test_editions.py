"""Public pages of editions: page, file, comparison, and retracted editions."""

import base64
import hashlib
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from allies.actions.editions import create_edition, retract_edition
from allies.actions.merge import merge_records
from allies.actions.publication import apply_transition
from allies.editions.diff import diff_words
from allies.models import AllyList, Country, Edition, Event, Source
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

FIRST = "/en/editions/russia-allies-in-asia-1/"


@pytest.fixture
def asia():
    return AllyList.objects.get(slug="russia-allies-in-asia")


@pytest.fixture
def second(asia, reviewer):
    """A second edition that differs from the first in everything that can differ."""
    asia.title_en, asia.promised = "Who stands by Russia in Asia", 5
    asia.save()
    china, korea, iran = asia.entries.order_by("position")
    china.prose_en = "China talks & <b>trades</b> with Russia."
    china.save()
    korea.position, iran.position = 3, 2
    korea.save()
    iran.delete()
    new = asia.entries.create(country=factories.country("IND"), position=2)
    factories.cite(new, factories.source(key="new-source", title="New report"))
    factories.cite(china, Source.objects.get(key="new-source"), stance="disputes")
    Event.objects.filter(slug="putin-visits-china-2024").update(certainty="disputed")
    return create_edition(ally_list=asia, user=reviewer, note="After the summit")


def test_page_shows_the_edition_and_not_the_current_list(asia, second, client):
    Country.objects.filter(alpha3="CHN").update(name_en="Cathay")
    page = body(client.get(FIRST))
    assert "Russia’s allies in Asia" in page
    assert "Who stands by" not in page
    assert "Cathay" not in page
    assert "The headline says four; we could verify three" in page
    for name in ("China", "North Korea", "Iran"):
        assert f"</span> {name}</h2>" in page
    assert "India</h2>" not in page


def test_page_reads_only_the_edition_and_its_list(asia, client):
    with CaptureQueriesContext(connection) as queries:
        body(client.get(FIRST))
    tables = {
        q["sql"].split("FROM")[1].split()[0].strip('"') for q in queries if "FROM" in q["sql"]
    }
    assert tables - {"allies_contentchange"} <= {"allies_edition", "allies_allylist"}


def test_page_is_available_in_both_languages(client):
    page = body(client.get("/id/editions/russia-allies-in-asia-1/"))
    for words in ("Sekutu Rusia di Asia", "Korea Utara", "pakta pertahanan", "Edisi 1"):
        assert words in page


def test_banner_shows_number_and_link_to_newer_edition(asia, second, client):
    page = body(client.get(FIRST))
    assert "Edition 1 of" in page
    assert f'href="{second_address(second)}"' in page
    assert "This is the latest edition." not in page
    assert "This is the latest edition." in body(client.get(second_address(second)))
    assert f'href="{asia_address(asia)}"' in page


def second_address(edition):
    with override("en"):
        return edition.get_absolute_url()


def asia_address(ally_list):
    with override("en"):
        return ally_list.get_absolute_url()


def test_banner_follows_rename_and_reports_withdrawn_list(asia, reviewer, client):
    asia.slug = "asia"
    asia.save()
    assert 'href="/en/lists/asia/"' in body(client.get(FIRST))
    apply_transition(record=asia, step="withdraw", user=reviewer)
    page = body(client.get(FIRST))
    assert "has been withdrawn" in page
    assert "/en/lists/asia/" not in page
    assert client.get("/en/lists/asia/editions/").status_code == 404


def test_banner_of_merged_list_links_to_the_kept_list(asia, reviewer, client):
    reviewer.is_superuser = True
    keep = factories.ally_list("RUS", "CHN", slug="kept")
    merge_records(keep=keep, drop=asia, chosen={}, user=reviewer)
    page = body(client.get(FIRST))
    assert "has been merged into another" in page
    assert 'href="/en/lists/kept/"' in page
    assert "russia-allies-in-asia-1" in body(client.get("/en/lists/kept/editions/"))


def test_file_has_exactly_the_hashed_bytes(client):
    edition = Edition.objects.get(key="russia-allies-in-asia-1")
    response = client.get("/en/editions/russia-allies-in-asia-1.json")
    assert response["Content-Type"] == "application/json"
    found = hashlib.sha256(response.content)
    assert found.hexdigest() == edition.sha256
    assert response["Repr-Digest"] == f"sha-256=:{base64.b64encode(found.digest()).decode()}:"
    assert "immutable" in response["Cache-Control"]
    again = client.get(
        "/id/editions/russia-allies-in-asia-1.json", headers={"If-None-Match": response["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert edition.sha256 in body(client.get(FIRST))


def test_page_warns_of_tampered_content(client):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE allies_edition SET content = replace(content, 'China', 'Chino')")
    assert "Do not rely on this page" in body(client.get(FIRST))


def test_retracted_edition_gives_410_with_reason_everywhere(asia, second, reviewer, client):
    first = Edition.objects.get(key="russia-allies-in-asia-1")
    retract_edition(edition=first, user=reviewer, reason="Order of a court <1>")
    for path in ("/", "/compare/", ".json", f"/compare/?with={second.key}"):
        response = client.get(f"/en/editions/{first.key}{path}")
        assert response.status_code == 410, path
        text = body(response)
        assert "Order of a court" in text
        assert "<1>" not in text or path == ".json"
        assert first.sha256 in text
        assert "Bisnis" not in text
    assert client.get(f"/en/editions/{second.key}/compare/?with={first.key}").status_code == 410
    listed = body(client.get("/en/lists/russia-allies-in-asia/editions/"))
    assert "Order of a court &lt;1&gt;" in listed
    assert client.get(f"/en/editions/{second.key}/").status_code == 200


def test_two_editions_are_compared_word_by_word(second, client):
    page = body(client.get(f"/en/editions/{second.key}/compare/?with=russia-allies-in-asia-1"))
    for words in (
        "added: <ins>India</ins>",
        "removed: <del>Iran</del>",
        "moved: North Korea, from 2 to 3",
        "Number in the headline: <del>4</del> <ins>5</ins>",
        "<del>Russia’s allies </del><ins>Who stands by Russia </ins>in Asia",
        "<ins>The Gazette: New report</ins>",
        "new-source, disputing",
        "Disputes: <del>0</del> <ins>1</ins>",
        "reported) → Putin visits China",
    ):
        assert words in page, words
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_comparison_shows_the_earlier_edition_first(second, client):
    there = client.get(f"/en/editions/{second.key}/compare/?with=russia-allies-in-asia-1")
    back = client.get(f"{FIRST}compare/?with={second.key}")
    assert there.context["pair"] == back.context["pair"]
    assert client.get(f"{FIRST}compare/").context["other"] == second


def test_comparison_without_other_edition_explains_why(client, second):
    response = client.get(f"{FIRST}compare/?with=no-such<b>")
    assert response.status_code == 400
    assert "There is no edition “no-such&lt;b&gt;”" in body(response)
    assert second.key in body(response)
    only = body(client.get("/en/editions/inews-4-negara-sahabat-rusia-1/compare/"))
    assert "no other edition" in only
    assert "are identical" in body(client.get(f"{FIRST}compare/?with=russia-allies-in-asia-1"))


def test_long_texts_are_not_compared_word_by_word():
    old, new = "word " * 3000, "other " * 3000
    assert list(diff_words(old, new)) == [("removed", old), ("added", new)]


def test_edition_list_shows_changes_of_each(second, client):
    page = body(client.get("/en/lists/russia-allies-in-asia/editions/"))
    assert "added: India" in page
    assert "After the summit" in page
    assert page.index("Edition 2</a>") < page.index("Edition 1</a>")
    none = factories.ally_list("RUS", "CHN")
    assert "has no editions yet" in body(client.get(f"{asia_address(none)}editions/"))


def test_prose_of_an_edition_cites_its_own_sources(asia, reviewer, client):
    asia.intro_en = "As told [@dw-2024-en, p. 4]."
    asia.save()
    made = create_edition(ally_list=asia, user=reviewer)
    Source.objects.filter(key="dw-2024-en").update(title="Another title")
    page = body(client.get(second_address(made)))
    assert '<li id="note-1">' in page
    assert 'href="#source-dw-2024-en"' in page
    assert "Another title" not in page


def test_query_count_is_constant_for_longer_editions(reviewer, client):
    def cost(*codes, editions):
        ally_list = factories.ally_list("RUS", *codes)
        for n in range(editions):
            AllyList.objects.filter(pk=ally_list.pk).update(title_en=f"Title {n}")
            made = create_edition(ally_list=ally_list, user=reviewer)
        costs = []
        for address in (
            second_address(made),
            f"{second_address(made)}compare/",
            f"{asia_address(ally_list)}editions/",
        ):
            with CaptureQueriesContext(connection) as queries:
                body(client.get(address))
            costs.append(len(queries))
        return costs

    assert cost("CHN", editions=2) == cost("CHN", "IND", "IRN", "PRK", editions=6)


def test_unknown_edition_gives_404(client):
    for path in ("editions/nothing/", "editions/nothing.json", "editions/nothing/compare/"):
        assert client.get(f"/en/{path}").status_code == 404


def test_file_of_retracted_edition_has_reason_as_json(reviewer, client):
    edition = Edition.objects.get(key="russia-allies-in-asia-1")
    retract_edition(edition=edition, user=reviewer, reason="A court order")
    told = json.loads(body(client.get("/en/editions/russia-allies-in-asia-1.json")))
    assert told["reason"] == "A court order"
    assert told["sha256"] == edition.sha256
