"""Metadata of every page: canonical URL, languages, JSON-LD and breadcrumbs."""

import html
import json
import re

import pytest

from tests import factories
from tests.views import page_urls
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

#: Type → properties that schema.org or search engines require.
REQUIRED = {
    "BreadcrumbList": {"itemListElement"},
    "Country": {"name", "url"},
    "DataDownload": {"contentUrl", "encodingFormat"},
    "Dataset": {"name"},
    "EntryPoint": {"urlTemplate"},
    "Event": {"name", "url", "about"},
    "Legislation": {"name", "url"},
    "ListItem": {"position", "name", "item"},
    "NewsArticle": {"headline", "publisher", "url"},
    "Organization": {"name"},
    "Place": {"name"},
    "PropertyValue": {"propertyID", "value"},
    "SearchAction": {"target", "query-input"},
    "WebPage": {"url", "name", "description", "inLanguage", "license", "isPartOf"},
    "WebSite": {"name", "url", "potentialAction"},
}


def pages():
    """Return (path, HTML) of one page per public view and language."""
    found = [
        (address, response.body)
        for address, response in page_urls.responses().items()
        if address.endswith("/") and response["Content-Type"].startswith("text/html")
    ]
    assert len(found) > 40
    return found


def data_of(page):
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page)[1])


def nodes(data):
    if isinstance(data, dict):
        yield data
    for value in (
        data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    ):
        yield from nodes(value)


def link(page, rel):
    return html.unescape(re.search(rf'<link rel="{rel}" href="([^"]*)">', page)[1])


def meta(page, name):
    found = re.search(rf'<meta (?:name|property)="{name}" content="([^"]*)">', page)
    return html.unescape(found[1])


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_every_page_has_valid_json_ld_and_canonical_url():
    for address, page in pages():
        if "ld+json" not in page:
            continue
        data = data_of(page)
        assert data["@context"] == "https://schema.org"
        for node in nodes(data):
            kinds = node.get("@type", [])
            for kind in [kinds] if isinstance(kinds, str) else kinds:
                assert REQUIRED.get(kind, set()) <= node.keys(), (address, node)
            for key in ("url", "item", "contentUrl", "@id", "urlTemplate"):
                assert re.match(r"https?://[^/]", node.get(key, "http://x")), (address, key)
        canonical = link(page, "canonical")
        assert canonical == f"http://testserver{address}" == data["url"] == meta(page, "og:url")
        languages = dict(re.findall(r'rel="alternate" hreflang="([\w-]+)" href="([^"]*)"', page))
        assert languages[address[1:3]] == canonical
        assert languages.keys() == {"en", "id", "x-default"}
        assert meta(page, "og:image").startswith("http://testserver/")


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_every_page_has_a_title_and_a_description():
    seen = {}
    for address, page in pages():
        title = re.search(r"<title>(.*?)</title>", page, re.S)[1]
        assert title.strip(), address
        assert len(meta(page, "description")) > 20, address
        if "noindex" not in page:
            seen.setdefault(meta(page, "description"), []).append(address)
    assert {text: found for text, found in seen.items() if len(found) > 1} == {}


def test_breadcrumbs_are_the_same_on_page_and_in_json_ld(client):
    page = body(client.get("/en/countries/russia/allies/"))
    shown = re.search(r'<nav class="crumbs.*?</nav>', page, re.S)[0]
    links = re.findall(r'<a href="([^"]*)">([^<]*)</a>', shown)
    assert links == [
        ("/en/", "Front page"),
        ("/en/countries/", "Countries"),
        ("/en/countries/russia/", "Russia"),
    ]
    steps = data_of(page)["breadcrumb"]["itemListElement"]
    assert [step["name"] for step in steps] == [name for _url, name in links] + ["Allies of Russia"]
    assert 'aria-current="page">Allies of Russia<' in shown


def test_breadcrumbs_mark_titles_in_other_languages(client):
    factories.source(key="berita", title="Berita besar", language="ms")
    page = body(client.get("/en/sources/berita/"))
    assert re.search(r'<li lang="ms"><span aria-current="page">Berita besar', page)


def test_front_page_json_ld_has_search_url(client):
    site = data_of(body(client.get("/id/")))["mainEntity"]
    template = site["potentialAction"]["target"]["urlTemplate"]
    assert template.startswith("http://testserver/id/")
    assert client.get(template.replace("{words}", "korut")).status_code == 200


def test_event_json_ld_cites_public_sources(client):
    event = factories.event(("RUS", "host"), cited=False)
    paper = factories.source(title="A </script> title", url="https://gazette.example/1")
    factories.cite(event, paper)
    factories.cite(event, factories.source(status="draft", title="Zanzabarra"))
    page = body(client.get(f"/en/events/{event.slug}/"))
    (article,) = data_of(page)["citation"]
    assert article["@type"] == "NewsArticle"
    assert article["headline"] == "A </script> title"
    assert article["url"] == "https://gazette.example/1"


def test_list_json_ld_links_to_downloads(client):
    for address in ("/en/events/?kind=visit", "/en/lists/russia-allies-in-asia/"):
        about = data_of(body(client.get(address)))["mainEntity"]
        assert "Dataset" in about["@type"]
        assert about["license"] == "https://creativecommons.org/licenses/by/4.0/"
        files = {file["encodingFormat"]: file["contentUrl"] for file in about["distribution"]}
        assert {"text/csv", "application/json", "application/zip"} <= files.keys()
        for url in files.values():
            assert client.get(url).status_code == 200


def test_allies_json_ld_covers_the_requested_day(client):
    page = body(client.get("/en/countries/russia/allies/?on=1990-06-30"))
    assert data_of(page)["mainEntity"]["temporalCoverage"] == "1990-06-30/1990-06-30"


@pytest.mark.parametrize(
    ("asked", "canonical", "is_indexed"),
    [
        ("events/", "events/", True),
        ("events/?utm_source=x&fbclid=y", "events/", True),
        ("events/?page=1", "events/", True),
        ("events/?page=2", "events/?page=2", True),
        ("events/?page=2&kind=statement&q=", "events/?kind=statement&page=2", False),
        ("events/?nothing=1", "events/", True),
        ("countries/russia/allies/?region=142&kind=", "countries/russia/allies/?region=142", False),
        (
            "lists/russia-allies-in-asia/?on=2020-01-01",
            "lists/russia-allies-in-asia/?on=2020-01-01",
            False,
        ),
    ],
)
def test_each_view_has_one_canonical_url(asked, canonical, is_indexed, client):
    for _n in range(60):
        factories.event(("RUS", "host"), kind="statement")
    page = body(client.get(f"/en/{asked}"))
    assert link(page, "canonical") == f"http://testserver/en/{canonical}"
    assert ('content="noindex, follow"' not in page) == is_indexed
    assert f'hreflang="id" href="http://testserver/id/{html.escape(canonical)}"' in page


def test_error_pages_have_no_canonical_url(client):
    page = body(client.get("/en/no/such/"))
    assert 'rel="canonical"' not in page
    assert "ld+json" not in page
    assert "noindex" in page
