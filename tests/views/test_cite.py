"""“Cite this”: the page and its files have the same reference."""

import json

import pytest
from django.utils.translation import override
from pybtex.database import parse_string

from allies.actions.editions import retract_edition
from allies.models import Edition, Source, Status
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

PAGES = [
    "lists/russia-allies-in-asia",
    "countries/russia/allies",
    "ties/china/russia",
    "alliances/north-korea-russia-comprehensive-strategic-partnership",
    "events/unga-es-11-1",
    "sources/dw-2024-en",
    "editions/russia-allies-in-asia-1",
]


def csl(visitor, address):
    (item,) = json.loads(body(visitor.get(address)))
    return item


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "id"])
def test_page_and_files_have_the_same_reference(page, language, client):
    text = body(client.get(f"/{language}/{page}/"))
    for form in ("bib", "csl.json"):
        assert f'href="/{language}/{page}/cite.{form}"' in text
    item = csl(client, f"/{language}/{page}/cite.csl.json")
    response = client.get(f"/{language}/{page}/cite.bib")
    assert "attachment" in response["Content-Disposition"]
    (entry,) = parse_string(body(response), "bibtex").entries.values()
    assert entry.fields["url"] == item["URL"]
    assert entry.fields["urldate"]
    if not page.startswith("sources"):
        assert item["URL"] == f"http://testserver/{language}/{page}/"
        assert item["author"] == [{"literal": "Allies"}]


def test_source_page_has_the_reference_of_the_source(client):
    source = Source.objects.get(key="dw-2024-en")
    item = csl(client, "/en/sources/dw-2024-en/cite.csl.json")
    assert (item["title"], item["URL"], item["type"]) == (
        source.title,
        source.url,
        "article-newspaper",
    )


def test_reference_of_edition_has_number_date_and_hash(client):
    edition = Edition.objects.get(key="russia-allies-in-asia-1")
    item = csl(client, "/en/editions/russia-allies-in-asia-1/cite.csl.json")
    assert item["version"] == "1"
    assert item["note"] == f"SHA-256 {edition.sha256}"
    assert item["issued"]["date-parts"][0][0] == edition.made_at.year
    page = body(client.get("/en/editions/russia-allies-in-asia-1/"))
    assert "(Version 1)" in page


def test_reference_keeps_filters_and_drops_other_parameters(client):
    query = "region=142&on=2024-07-01"
    page = body(client.get(f"/en/countries/russia/allies/?{query}&utm_source=x&page=1"))
    assert "allies/?region=142&amp;on=2024-07-01" in page.replace(
        "on=2024-07-01&amp;region=142", "region=142&amp;on=2024-07-01"
    )
    item = csl(client, f"/en/countries/russia/allies/cite.csl.json?{query}&utm_source=x")
    assert set(item["URL"].split("?")[1].split("&")) == set(query.split("&"))


def test_reference_title_is_in_the_readers_language(client):
    assert csl(client, "/id/lists/russia-allies-in-asia/cite.csl.json")["title"] == (
        "Sekutu Rusia di Asia"
    )
    assert csl(client, "/en/countries/russia/allies/cite.csl.json")["title"] == "Allies of Russia"


def test_only_english_titles_are_capitalized(client):
    page = body(client.get("/id/ties/north-korea/russia/"))
    _before, _details, references = page.partition('<details class="cite">')
    assert "“Korea Utara dan Rusia”" in references
    assert csl(client, "/id/ties/north-korea/russia/cite.csl.json")["language"] == "id"


def test_reference_escapes_markup_in_title(client):
    nasty = "<script>alert(1)</script> & {braces} \\input"
    event = factories.event(("RUS", "host"), title_en=nasty, slug="nasty")
    page = body(client.get("/en/events/nasty/"))
    assert "<script>alert" not in page
    assert csl(client, "/en/events/nasty/cite.csl.json")["title"] == event.title_en


def test_unpublished_records_have_no_reference(reviewer, client):
    hidden = [
        factories.event(("RUS", "host"), status=Status.DRAFT, slug="hidden"),
        factories.ally_list("RUS", "CHN", status=Status.WITHDRAWN, slug="hidden"),
        factories.source(status=Status.DRAFT, key="hidden"),
    ]
    for record in hidden:
        with override("en"):
            for form in ("bib", "csl.json"):
                address = f"{record.get_absolute_url()}cite.{form}"
                assert client.get(address).status_code == 404
    edition = Edition.objects.get(key="russia-allies-in-asia-1")
    retract_edition(edition=edition, user=reviewer, reason="A court order")
    assert client.get("/en/editions/russia-allies-in-asia-1/cite.bib").status_code == 410


def test_file_at_old_slug_redirects(client):
    event = factories.event(("RUS", "host"), slug="before")
    event.slug = "after"
    event.save()
    assert client.get("/en/events/before/cite.csl.json").url == "/en/events/after/cite.csl.json"
