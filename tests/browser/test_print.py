"""Print style sheet: visible and hidden parts of a page, and page breaks."""

import re

import pytest

from tests import factories
from tests.browser.driver import opened

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite_only,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]

PAGES = (
    "/en/lists/russia-allies-in-asia/",
    "/id/countries/russia/",
    "/en/alliances/north-korea-russia-comprehensive-strategic-partnership/",
    "/en/events/unga-es-11-1/",
    "/en/events/",
)
A4 = "[0 0 594.95996 841.91998]"
#: Points from the foot of a page: the margin, and a heading with two lines of text.
MARGIN, HEADED = 57, 45


@pytest.fixture
def page(chromium):
    page = opened(chromium, viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.set_default_timeout(15_000)
    page.emulate_media(media="print")
    yield page
    assert page.problems == []
    page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_pdf_is_a4_without_headings_alone_at_the_foot(path, page, live_server):
    for code in ("CHN", "IND", "IRN", "PRK", "BLR", "SYR", "VEN", "CUB", "SRB"):
        for year in range(1950, 2020, 10):
            factories.alliance("RUS", code, in_force=f"{year}-05", ended=f"{year + 9}")
    page.goto(live_server.url + path)
    pdf = page.pdf(prefer_css_page_size=True, tagged=True, outline=True)
    assert set(re.findall(rb"/MediaBox (\[[^]]*\])", pdf)) == {A4.encode()}
    places = re.findall(rb"/Dest \[\d+ 0 R /XYZ [\d.]+ ([\d.]+) ", pdf)
    assert places
    assert [y for y in places if float(y) < MARGIN + HEADED] == []


def test_print_has_title_sources_and_charts_but_no_navigation(page, live_server):
    page.goto(live_server.url + PAGES[0])
    for shown in ("h1", ".evidence .source", ".timeline .drawing.wide", ".site-foot .print-only"):
        assert page.locator(shown).first.is_visible(), shown
    assert page.locator(".evidence .print-only").first.inner_text().startswith("https://")
    assert PAGES[0] in page.locator(".site-foot .print-only").inner_text()
    for left_out in ("nav", "form", ".figure-data", ".drawing.narrow", ".downloads"):
        assert not page.locator(left_out).filter(visible=True).count(), left_out


def test_collapsed_parts_are_open_in_print(page, live_server):
    page.goto(live_server.url + PAGES[0])
    folded = page.locator("details.repeated:not([open]) .source").first
    assert folded.is_visible()
    page.emulate_media(media="screen")
    assert not folded.is_visible()


def test_charts_fit_a_printed_page_and_are_black_on_white(page, live_server):
    page.goto(live_server.url + PAGES[1])
    boxes = [drawing.bounding_box() for drawing in page.locator(".drawing.wide").all()]
    assert boxes
    assert all(box["height"] <= 257 / 25.4 * 96 for box in boxes)
    mark = page.locator(".drawing.wide .mark").first
    assert mark.evaluate("mark => getComputedStyle(mark).stroke") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
