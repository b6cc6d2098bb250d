"""Files for crawlers: sitemaps with all public pages and no draft, robots.txt, llms.txt."""

import re
import time
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.http import http_date

from allies.models import Status
from allies.web import sitemaps
from tests import factories
from tests.views.page_urls import body
from tests.views.test_public import SECRET, secrets  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("demo_data")

NAMES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "x": "http://www.w3.org/1999/xhtml",
}


def files(visitor):
    index = ElementTree.fromstring(visitor.get("/sitemap.xml").content)
    return [place.text for place in index.findall("s:sitemap/s:loc", NAMES)]


def urls(visitor, file):
    return ElementTree.fromstring(body(visitor.get(file))).findall("s:url", NAMES)


def places(visitor, file):
    return [url.find("s:loc", NAMES).text for url in urls(visitor, file)]


@pytest.mark.slow
def test_sitemap_links_to_existing_pages(client):
    found = files(client)
    assert "http://testserver/sitemaps/events-id-1.xml" in found
    for file in found:
        listed = places(client, file)
        assert listed, file
        for place in (listed[0], listed[-1]):
            page = client.get(place)
            assert page.status_code == 200
            assert f'rel="canonical" href="{place}"' in body(page)
            assert 'name="robots"' not in body(page)


def test_sitemap_has_languages_and_last_change_of_each_page(client):
    url = urls(client, "/sitemaps/events-id-1.xml")[0]
    others = {link.get("hreflang"): link.get("href") for link in url.findall("x:link", NAMES)}
    assert others["id"] == url.find("s:loc", NAMES).text
    assert others["x-default"] == others["en"] == others["id"].replace("/id/", "/en/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", url.find("s:lastmod", NAMES).text)


def test_sitemap_has_every_public_record_and_no_draft(client, secrets):  # noqa: F811
    shown = factories.event(("RUS", "host"))
    factories.event(("RUS", "host"), status=Status.DRAFT, slug="draft-of-mine")
    listed = [place for file in files(client) for place in places(client, file)]
    assert len(listed) == len(set(listed))
    assert f"http://testserver/en/events/{shown.slug}/" in listed
    assert f"http://testserver/id/events/{shown.slug}/" in listed
    assert not [place for place in listed if SECRET.casefold() in place or "draft" in place]
    assert "http://testserver/en/countries/russia/allies/" in listed
    assert "http://testserver/en/countries/nauru/allies/" not in listed


def test_sitemap_is_split_into_files(client, monkeypatch):
    monkeypatch.setattr(sitemaps, "MAX_URLS_PER_FILE", 100)
    found = [file for file in files(client) if "/countries-en-" in file]
    assert len(found) == 3  # 249 ISO countries, and former states
    listed = [place for file in found for place in places(client, file)]
    assert len(listed) == len(set(listed)) > 250


@pytest.mark.parametrize(
    "name", ["events-en-2", "events-en-0", "events-en-x", "events-xx-1", "drafts-en-1", "events"]
)
def test_unknown_sitemap_gives_404(name, client):
    assert client.get(f"/sitemaps/{name}.xml").status_code == 404


def test_crawler_learns_of_a_withdrawn_record(client):
    """The latest change in a file stays the same if another of its records is withdrawn."""
    event = factories.event(("RUS", "host"))
    factories.event(("RUS", "host"))
    file = "/sitemaps/events-en-1.xml"
    assert f"http://testserver/en/events/{event.slug}/" in places(client, file)
    type(event).objects.filter(pk=event.pk).update(status=Status.WITHDRAWN)
    again = client.get(file, headers={"If-Modified-Since": http_date(time.time() + 1)})
    assert again.status_code == 200
    assert event.slug not in body(again)


@pytest.mark.usefixtures("no_page_cache")
def test_sitemap_query_count_is_constant_for_more_records(client):
    def count(address):
        with CaptureQueriesContext(connection) as queries:
            body(client.get(address))
        return len(queries)

    addresses = ("/sitemap.xml", "/sitemaps/events-en-1.xml")
    before = [count(address) for address in addresses]
    for _n in range(10):
        factories.event(("RUS", "host"))
    assert [count(address) for address in addresses] == before
    assert before == [len(sitemaps.SECTIONS), 1]


def test_robots_txt_excludes_admin_forms_and_drafts(client):
    lines = body(client.get("/robots.txt")).splitlines()
    for closed in ("/en/admin/", "/id/preview/", "/en/*/*/correct/", "/*.csv?"):
        assert f"Disallow: {closed}" in lines
    assert lines[-1] == "Sitemap: http://testserver/sitemap.xml"


@pytest.mark.slow
def test_llms_txt_links_to_existing_pages(client):
    text = body(client.get("/llms.txt", headers={"host": "localhost"}))
    assert text.startswith("# Allies\n\n> ")
    found = re.findall(r"\]\(([^)]*)\)", text)
    assert len(found) > 10
    for address in found:
        assert address.startswith("http://localhost/")
        assert client.get(address).status_code == 200, address
    assert "CC-BY-4.0" in text
