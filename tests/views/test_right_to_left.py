"""Titles in Arabic and Persian keep their place among texts that run from left to right."""

import html
import json
import re
from xml.etree import ElementTree

import pytest

from allies.text.bidi import FSI, PDI, has_rtl, is_rtl, isolate
from tests import factories
from tests.views.page_urls import body
from tests.views.test_page_meta import data_of, meta

pytestmark = pytest.mark.usefixtures("demo_data")

TITLE = "زيارة بوتين إلى الصين: ماذا بعد؟"
OUTLET = "الجزيرة"
EVENT = "قمة 2024: الرياض - موسكو!"
SUMMARY = 'قال الوزير: "اتفاق" (رقم 5).'


@pytest.fixture
def arabic():
    """Return a published event with a title in Arabic and a source in Arabic."""
    event = factories.event(
        ("RUS", "visitor"),
        ("CHN", "host"),
        title_en=EVENT,
        summary_en=SUMMARY,
        cited=False,
        slug="summit",
    )
    source = factories.source(
        key="ar-src", publisher=OUTLET, title=TITLE, language="ar", date_published="2024-06-20"
    )
    factories.cite(event, source, locator="ص. 12", quote="نص.")
    return event


@pytest.mark.parametrize(
    ("text", "rtl", "begins"),
    [
        ("", False, False),
        ("Visit (2024)", False, False),
        ("Côte d’Ivoire – 20 %", False, False),
        (TITLE, True, True),
        ("שלום", True, True),
        ("Putin: زيارة", True, False),
        ("(2024) زيارة", True, True),
        ("a\u202eb", True, False),
        (f"{FSI}زيارة{PDI} · 20 June", True, False),
    ],
)
def test_direction_of_a_text(text, rtl, begins):
    assert (has_rtl(text), is_rtl(text)) == (rtl, begins)


def test_isolated_text_cannot_end_its_isolation():
    assert isolate("Visit") == "Visit"
    assert isolate(f"زيارة{PDI}\u202e!") == f"{FSI}زيارة!{PDI}"


@pytest.mark.parametrize(
    "page",
    ["events/summit/", "ties/china/russia/", "sources/", "sources/ar-src/", "search/?q=الصين"],
)
def test_titles_are_isolated_on_pages(page, arabic, client):
    text = body(client.get(f"/en/{page}")).split("<main")[1]
    shown = re.sub(r"</?mark>", "", text)
    for words in (TITLE, EVENT, OUTLET):
        # Attributes and texts for machines use control characters instead.
        bare = re.sub(rf"<bdi>[^<]*{re.escape(words)}[^<]*</bdi>|{FSI}[^{PDI}]*{PDI}", "", shown)
        assert words not in html.unescape(re.sub(r"<(pre|textarea).*?</\1>", "", bare, flags=re.S))


def test_prose_and_quotes_have_their_own_direction(arabic, client):
    page = body(client.get("/en/events/summit/"))
    assert '<p dir="auto">قال الوزير' in page
    assert '<blockquote dir="auto" lang="ar">نص.</blockquote>' in page
    assert '<p dir="auto">' not in body(client.get("/en/events/unga-es-11-1/"))


def test_reference_isolates_the_title(arabic, client):
    page = body(client.get("/en/sources/ar-src/"))
    references = page.split('<details class="cite">')[1].split("BibTeX")[0]
    assert f"<bdi>{TITLE}</bdi>" in references
    item = json.loads(body(client.get("/en/sources/ar-src/cite.csl.json")))[0]
    assert item["title"] == TITLE


def test_title_of_the_page_is_isolated_for_browsers_and_plain_for_data(arabic, client):
    page = body(client.get("/en/sources/ar-src/"))
    wanted = f"{FSI}{OUTLET}{PDI}: {FSI}{TITLE}{PDI}"
    assert f"<title>{wanted} · Allies</title>" in page
    assert meta(page, "og:title") == wanted
    data = data_of(page)
    assert data["name"] == f"{OUTLET}: {TITLE}"
    assert FSI not in json.dumps(data, ensure_ascii=False)


def test_feed_isolates_titles_within_sentences(arabic, client):
    factories.ally_list("RUS", "CHN", title_en="حلفاء (2024)", slug="ar-list")
    feed = ElementTree.fromstring(body(client.get("/en/lists/ar-list.atom")))
    title = feed.findtext("{http://www.w3.org/2005/Atom}title")
    assert title == f"Allies: {FSI}حلفاء (2024){PDI}"
    text = body(client.get("/en/events.atom"))
    assert html.escape('<p dir="auto">قال الوزير', quote=False) in text


def test_downloads_have_no_control_characters(arabic, client):
    for page in ("events.csv", "sources.json", "search.csv?q=الصين"):
        text = body(client.get(f"/en/{page}"))
        assert FSI not in text and PDI not in text, page
