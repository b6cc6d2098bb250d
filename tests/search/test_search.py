"""Search: results, their order and display, and an index that is always correct."""

import io
import json
import random
import re
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allies.actions.merge import merge_records
from allies.actions.undo import new_undo_changeset
from allies.http.rate_limit import MAX_QUERY_LENGTH
from allies.imports.runner import run_undo
from allies.models import (
    Alias,
    Changeset,
    Citation,
    Country,
    Entry,
    Event,
    SearchText,
    Source,
    Status,
)
from tests import factories
from tests.hypothesis_profiles import examples
from tests.imports.files import load, write
from tests.views.page_urls import body

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def found(typed, language="en", **asked):
    """Return the results as (record type, key of the record), in order."""
    response = Client().get(f"/{language}/search.json", {"q": typed, **asked})
    assert response.status_code == 200, typed
    return [(row["noun"], row["record"]) for row in json.loads(body(response))["rows"]]


def page(visitor, typed, language="en", **asked):
    response = visitor.get(f"/{language}/search/", {"q": typed, **asked})
    assert response.status_code == 200
    return body(response)


def suggested(visitor, typed, language="en"):
    return visitor.get(f"/{language}/search/suggest.json", {"q": typed}).json()


# Results.


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("korut", "PRK"),
        ("Korea Utara", "PRK"),
        ("D.P.R.K.", "PRK"),
        ("prk", "PRK"),
        ("sao tome", "STP"),
        ("São Tomé", "STP"),
        ("cote divoire", "CIV"),
        ("Cote d'Ivoire", "CIV"),
        ("côte d’ivoire", "CIV"),
        ("cote d ivoire", "CIV"),
        ("CÔTE D'IVOIRE", "CIV"),
        ("guinea bissau", "GNB"),
        ("Guinea-Bissau", "GNB"),
        ("tiongkok", "CHN"),
        ("the united states", "USA"),
        ("russ", "RUS"),
        ("643", "RUS"),
        ("guinea", "GIN"),
    ],
)
@pytest.mark.parametrize("language", ["en", "id"])
def test_country_is_first_result_for_any_of_its_names(typed, code, language):
    assert found(typed, language)[0] == ("country", code)


def test_every_record_type_is_found_in_both_languages():
    factories.event(("RUS", "host"), title_en="Sardines discussed", title_ind="Ikan dibahas")
    factories.alliance("RUS", "IND", title_en="Herring treaty", summary_ind="Soal ikan")
    factories.source(title="Of ikan", publisher="The Fishmonger")
    listed = factories.ally_list(
        "RUS", "CHN", title_en="Fishing allies", intro_en="They like *ikan*."
    )
    entry = listed.entries.get()
    entry.prose_en = "China buys ikan, too."
    entry.save()
    nouns = {noun for noun, _record in found("ikan")}
    assert nouns == {"event", "alliance", "source", "allylist", "entry"}
    assert nouns == {noun for noun, _record in found("ikan", "id")}


def test_all_words_must_match_in_any_order():
    event = factories.event(("RUS", "host"), title_en="Marmalade and toast")
    other = factories.event(("RUS", "host"), title_en="Marmalade alone")
    assert found("toast marmalade") == [("event", event.slug)]
    assert {record for _noun, record in found("marmalade")} == {event.slug, other.slug}


def test_phrase_matches_consecutive_words():
    event = factories.event(("RUS", "host"), title_en="Green marmalade toast")
    factories.event(("RUS", "host"), title_en="Toast with marmalade")
    assert found('"marmalade toast"') == [("event", event.slug)]
    assert found("“Marmalade Toast”") == [("event", event.slug)]
    assert found('"toast marmalade"') == []


def test_phrase_does_not_span_two_texts():
    factories.event(("RUS", "host"), title_en="Green marmalade", title_ind="Toast hijau")
    assert found('"marmalade toast"') == []


def test_last_word_and_words_with_asterisk_match_prefixes():
    event = factories.event(("RUS", "host"), title_en="Marmalade exercises")
    assert found("exercises marmal") == [("event", event.slug)]
    assert found("marmal exercises") == []
    assert found("marmal* exercises") == [("event", event.slug)]


def test_citation_marks_and_markdown_are_not_searched(client):
    hidden = factories.source(status=Status.DRAFT, key="zanzabarra")
    factories.event(
        ("RUS", "host"), summary_en=f"It **was** so [@{hidden.key}].", title_en="Teapots"
    )
    assert found("zanzabarra") == []
    assert "zanzabarra" not in page(client, "teapots").split("</form>")[-1]


# Order.


def test_title_matches_rank_above_text_matches():
    text = factories.event(("RUS", "host"), title_en="Breakfast", summary_en="With marmalade.")
    begins = factories.event(("RUS", "host"), title_en="Marmalades")
    long = factories.event(("RUS", "host"), title_en="Of marmalade and of much else")
    short = factories.event(("RUS", "host"), title_en="Marmalade talks")
    exact = factories.event(("RUS", "host"), title_en="Marmalade")
    slugs = [record for _noun, record in found("marmalade")]
    assert slugs == [e.slug for e in (exact, short, long, begins, text)]


def test_frequent_and_newer_matches_rank_higher():
    once = factories.event(("RUS", "host"), summary_en="Marmalade.", date="2024")
    newer = factories.event(("RUS", "host"), summary_en="Marmalade.", date="2025")
    twice = factories.event(("RUS", "host"), summary_en="Marmalade? Marmalade.", date="1990")
    slugs = [record for _noun, record in found("marmalade")]
    assert slugs == [twice.slug, newer.slug, once.slug]


def test_country_ranks_above_other_records_of_same_name():
    factories.event(("IRN", "host"), title_en="Iran")
    factories.alliance("IRN", "RUS", title_en="Iran")
    assert found("iran")[0] == ("country", "IRN")


# Typing errors.


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("russsia", "russia"),
        ("Vneezuela", "venezuela"),
        ("azerbaidjan", "azerbaijan"),
        ("north koera", "north korea"),
    ],
)
def test_typing_error_is_corrected_and_reported(typed, meant, client):
    assert found(typed) == found(meant)
    shown = page(client, typed)
    assert f"<strong>{meant}</strong>" in shown
    assert found(typed, exact="yes") == []
    assert "exact=yes" in shown


def test_short_words_and_found_words_are_not_corrected():
    assert found("xqz") == []
    event = factories.event(("RUS", "host"), title_en="Russka")
    assert found("russka") == [("event", event.slug)]


def test_words_of_hidden_records_are_not_suggested(client):
    factories.event(("RUS", "host"), title_en="Marmalade", status=Status.DRAFT)
    factories.event(("RUS", "host"), title_en="Marmalade", cited=False)
    for typed in ("marmelade", "marmalade", "marmalad"):
        assert found(typed) == []
        assert "marmalade</strong>" not in page(client, typed)
        assert suggested(client, typed)["suggestions"] == []


# Public records only.


def test_withdrawn_and_unsupported_records_are_not_found():
    event = factories.event(("RUS", "host"), title_en="Marmalade")
    assert found("marmalade")
    source = Source.objects.get(citations__event=event)
    Source.objects.filter(pk=source.pk).update(status=Status.DRAFT)
    assert found("marmalade") == []
    Source.objects.filter(pk=source.pk).update(status=Status.PUBLISHED)
    assert found("marmalade")
    event.status = Status.WITHDRAWN
    event.save()
    assert found("marmalade") == []


def test_unsupported_entry_of_public_list_is_not_found():
    listed = factories.ally_list("RUS", "CHN")
    entry = listed.entries.create(
        country=factories.country("IRN"), position=2, prose_en="Marmalade."
    )
    assert found("marmalade") == []
    factories.cite(entry)
    assert [noun for noun, _record in found("marmalade")] == ["entry"]


# Display.


def test_matches_are_highlighted_in_the_original_text(client):
    factories.event(
        ("RUS", "host"),
        title_en="Talks in São Tomé",
        summary_en='Al-Assad said <b>"naïve"</b> & left São Tomé.',
    )
    shown = page(client, "sao tome naive assad")
    assert "Talks in <mark>São</mark> <mark>Tomé</mark>" in shown
    assert "Al-<mark>Assad</mark>" in shown
    assert "&lt;b&gt;&quot;<mark>naïve</mark>&quot;&lt;/b&gt; &amp; left" in shown


def test_long_text_is_shortened_around_the_match(client):
    factories.event(
        ("RUS", "host"), title_en="T", summary_en="before " * 200 + "marmalade" + " after" * 200
    )
    passage = re.search(r"<p>([^<]*<mark>marmalade</mark>[^<]*)</p>", page(client, "marmalade"))
    assert len(passage[1]) < 300
    assert passage[1].startswith("… ")
    assert passage[1].endswith(" …")


def test_matching_name_of_a_country_is_shown(client):
    assert '<span class="also"><mark>Korut</mark></span>' in page(client, "korut", "id")
    assert '<span lang="id"><mark>Korut</mark></span>' in page(client, "korut")


def test_titles_are_in_the_language_of_the_page(client):
    factories.event(("RUS", "host"), title_en="Marmalade", title_ind="Selai jeruk")
    assert "Selai jeruk" in page(client, "marmalade", "id")
    shown = page(client, "selai")
    assert ">Marmalade</a>" in shown
    assert '<span class="also"><span lang="id"><mark>Selai</mark> jeruk</span>' in shown


def test_results_can_be_filtered_by_record_type_and_date():
    event = factories.event(("RUS", "host"), title_en="Marmalade", date="2024-05")
    pact = factories.alliance("RUS", "IND", title_en="Marmalade", in_force="1950", ended="1960")
    source = factories.source(title="Marmalade", date_published="2020")
    factories.source(title="Marmalade")  # without a date
    assert found("marmalade", noun="alliance") == [("alliance", pact.slug)]
    assert found("marmalade", date_after="2024-05-31") == [("event", event.slug)]
    assert found("marmalade", date_after="2024-06-01") == []
    assert found("marmalade", date_before="1955-01-01") == [("alliance", pact.slug)]
    assert found("marmalade", date_after="2020-12-31", date_before="2021-01-01") == [
        ("source", source.key)
    ]


def test_empty_search_and_no_results_show_help(client):
    for typed in ("", "xqzvw", "😀", "   "):
        assert "How to search" in page(client, typed)
    assert "Cara mencari" in page(client, "", "id")


def test_results_are_paginated_and_available_as_csv(client):
    for n in range(25):
        factories.event(("RUS", "host"), title_en=f"Marmalade {n}")
    shown = page(client, "marmalade", page=2)
    assert 'start="21"' in shown
    assert len(re.findall('<a class="title"', shown)) == 5
    lines = body(client.get("/en/search.csv?q=marmalade")).splitlines()
    assert len(lines) == 26
    assert client.get("/en/search/?q=marmalade&page=9").status_code == 404


def test_query_count_is_independent_of_number_of_results(client):
    def queries():
        page(client, "marmalade")
        with CaptureQueriesContext(connection) as asked:
            page(client, "marmalade")
        return len(asked)

    def one_of_each(code):
        factories.event(("RUS", "host"), title_en="Marmalade")
        factories.alliance("RUS", code, title_en="Marmalade")
        factories.source(title="Marmalade")
        factories.ally_list("RUS", code, title_en="Marmalade")

    one_of_each("CHN")
    before = queries()
    one_of_each("IND")
    one_of_each("IRN")
    assert queries() == before <= 10


def test_invalid_values_are_refused_and_unknown_parameters_reported(client):
    assert client.get("/en/search/?q=a&noun=nonsense").status_code == 400
    assert client.get("/en/search/?q=a&date_after=yesterday").status_code == 400
    assert client.get("/en/search.json?q=a&colour=red").status_code == 400
    assert "There is no filter “colour” here" in body(client.get("/en/search/?q=a&colour=red"))


# Suggestions.


def test_suggestions_are_names_with_links_to_records(client):
    answer = suggested(client, "kor")
    assert {"North Korea", "South Korea"} <= {s["title"] for s in answer["suggestions"]}
    (first, *_rest) = suggested(client, "korut", "id")["suggestions"]
    assert first["title"] == "Korea Utara"
    assert first["also"] == "Korut"
    assert first["noun"] == "negara"
    assert first["url"] == "/id/countries/north-korea/"
    assert suggested(client, "")["suggestions"] == []
    assert suggested(client, "Nroth Korea")["suggestions"][0]["title"] == "North Korea"


def test_records_of_same_title_are_suggested_once_with_latest_date(client):
    for year in ("2020", "2021"):
        factories.event(("RUS", "host"), title_en="Marmalade", date=year)
    (only,) = suggested(client, "marm")["suggestions"]
    assert (only["title"], only["also"]) == ("Marmalade", "2021")


# Hostile input.

HOSTILE = [
    "\0",
    '"',
    '"""',
    "'",
    "a" * 10_000,
    '"' + "b " * 5_000,
    "names : russia",
    "{names} : (russia)",
    "NEAR(russia china, 2)",
    "russia NOT china",
    "russia OR",
    "AND",
    "^russia",
    "russia*****",
    "*",
    "(",
    "russia & | ! <-> :*",
    "'russia':A",
    "\\",
    "%_%",
    "'; DROP TABLE allies_searchtext; --",
    "(a+)+$",
    "[[:<:]]",
    "😀 🇷🇺",
    "\u202eaissur",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "ß ﬁ ½ Ⅷ ١٢٣ 中国 ไทย हिन्दी",
    "<script>alert(1)</script>",
    "1e5 0x1F 1.5e-3 www.example.org/a?b=c a@b.c",
]


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_causes_no_error(typed, client):
    for address in ("/en/search/", "/en/search.json", "/id/search.csv", "/en/search/suggest.json"):
        response = client.get(address, {"q": typed})
        is_too_long = len(urlencode({"q": typed})) > MAX_QUERY_LENGTH
        assert response.status_code == (414 if is_too_long else 200), (address, typed[:40])
        if address.endswith("/"):
            assert "<script>alert" not in body(response)


@pytest.mark.slow
@settings(
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(typed=st.text(max_size=60) | st.text("ab\"*'()&|!:<>-\\ \0", max_size=40))
def test_any_input_gets_a_response(typed, client):
    client.raise_request_exception = True
    assert client.get("/en/search/", {"q": typed}).status_code == 200
    assert client.get("/en/search/suggest.json", {"q": typed}).status_code == 200


def test_overlong_search_reports_the_limit(client):
    assert "up to 200 characters" in page(client, "russia " * 100)


# The index.


def index():
    rows = SearchText.objects.order_by("noun", "record_id")
    return list(rows.values_list("noun", "record_id", "names", "body", "first", "last"))


def assert_index_is_right():
    kept = index()
    call_command("rebuild_search_index", stdout=io.StringIO())
    assert index() == kept
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO allies_searchtext_fts(allies_searchtext_fts, rank) "
                "VALUES('integrity-check', 1)"
            )


def test_starter_content_is_indexed():
    assert_index_is_right()


def test_saving_renaming_and_deleting_update_the_index():
    event = factories.event(("RUS", "host"), title_en="Marmalade")
    assert found("marmalade")
    event.title_en = "Biscuit"
    event.save()
    assert found("marmalade") == []
    assert found("biscuit") == [("event", event.slug)]
    alias = Alias.objects.create(country=factories.country("RUS"), name="Gardarike")
    assert found("gardarike", noun="country") == [("country", "RUS")]
    alias.country = factories.country("UKR")
    alias.save()
    assert found("gardarike", noun="country") == [("country", "UKR")]
    alias.delete()
    assert found("gardarike") == []
    event.status = Status.WITHDRAWN
    event.save()
    Citation.objects.filter(event=event).delete()
    event.delete()
    assert found("biscuit") == []
    assert_index_is_right()


def test_import_and_undo_update_the_index(tmp_path):
    rows = [{"country": "RUS", "name": "Gardarike"}]
    load("aliases", write(tmp_path / "aliases.csv", rows))
    assert found("gardarike", noun="country") == [("country", "RUS")]
    assert_index_is_right()
    changeset = Changeset.objects.latest("pk")
    run_undo(new_undo_changeset(changeset, user=None), user=None)
    assert found("gardarike") == []
    assert_index_is_right()


def test_merge_updates_the_index(reviewer):
    keep = factories.event(("RUS", "host"), title_en="Marmalade")
    drop = factories.event(("RUS", "host"), title_en="Biscuit")
    merge_records(keep=keep, drop=drop, chosen={}, user=reviewer, reason="one and the same")
    assert found("biscuit") == []
    assert found("marmalade") == [("event", keep.slug)]
    assert_index_is_right()


@pytest.mark.parametrize("seed", range(3))
def test_index_is_correct_after_random_writes(seed, tmp_path):
    chance = random.Random(seed)
    words = ["marmalade", "biscuit", "São Tomé", "Al-Assad’s", "Bündnis", "ikan"]

    def text():
        return " ".join(chance.choices(words, k=3))

    def create():
        factories.event(("RUS", "host"), title_en=text(), summary_ind=text())

    def change():
        event = chance.choice(Event.objects.all())
        event.title_ind, event.date = text(), "2021"
        event.save()

    def rename():
        country = chance.choice(Country.objects.all())
        country.name_ind = text()
        country.save()

    def name():
        country = chance.choice(Country.objects.all())
        Alias.objects.get_or_create(country=country, name=text())

    def move():
        alias = chance.choice(Alias.objects.filter(alliance=None))
        alias.country, alias.name = chance.choice(Country.objects.all()), text()
        alias.save()

    def delete():
        chance.choice(Alias.objects.all()).delete()
        chance.choice(Entry.objects.all()).delete()

    def take_in():
        event = chance.choice(Event.objects.all())
        rows = [
            {"slug": slug, "title_en": text(), "kind": "visit", "date": "2020"}
            for slug in (event.slug, f"new-{chance.random():.9f}".replace(".", "-"))
        ]
        load("events", write(tmp_path / "events.csv", rows))

    def take_back():
        standing = Changeset.objects.not_undone().filter(kind__in=["import", "undo"])
        latest = standing.exclude(reason="Starter content").last()
        if latest:
            run_undo(new_undo_changeset(latest, user=None), user=None)

    for _step in range(15):
        chance.choice([create, change, rename, name, move, delete, take_in, take_back])()
    assert_index_is_right()


def test_names_starting_with_the_word_rank_above_names_containing_it(client):
    """Names of other countries may contain China’s Indonesian name."""
    for country, name in (("RUS", "Mitra Tiongkok"), ("IND", "Tetangga Tiongkok")):
        factories.country(country).aliases.create(name=name, language="id")
    found = client.get("/id/search/suggest.json", {"q": "tiong"}).json()["suggestions"]
    assert found[0]["url"] == "/id/countries/china/"
    assert len(found) > 2


@pytest.mark.parametrize("asked", ["gardarike songun", "songun gardarike", "Gardarike Chosonreich"])
def test_any_name_of_a_country_finds_texts_with_another_name(asked):
    """Titles contain “Russia” or “North Korea”, but readers search for other names of them."""
    event = factories.event(("RUS", "host"), title_en="Russia and North Korea meet (songun)")
    assert found(asked) == []
    for code, name in (("RUS", "Gardarike"), ("PRK", "Chosonreich")):
        Alias.objects.create(country=factories.country(code), name=name)
    assert ("event", event.slug) in found(asked)
    assert found("gardarike")[0] == ("country", "RUS")
    assert found('"gardarike songun"') == []  # a phrase matches only these words
