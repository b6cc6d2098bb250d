"""Accessibility of every kind of public page: contrast, zoom, keyboard, reduced motion."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.driver import opened
from tests.browser.public_pages import PARTS, public_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite_only,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]

#: Widths and colour schemes. All rules are checked in two views that differ in both, and the
#: contrast also in the other two.
ALL = {"resultTypes": ["violations"]}
COLOURS = {**ALL, "runOnly": {"type": "rule", "values": ["color-contrast"]}}
VIEWS = ((1280, "light", ALL), (1280, "dark", COLOURS), (390, "dark", ALL), (390, "light", COLOURS))

#: Text spacing that a reader may set without losing content or function (WCAG 1.4.12).
SPACED = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }
"""


@pytest.fixture
def page(chromium):
    # axe is an inline script, which the site's content security policy refuses.
    page = opened(chromium, viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page.set_default_timeout(15_000)
    yield page
    page.context.close()


def violations(page):
    """Yield the violations that axe finds in VIEWS."""
    axe = Axe()
    for width, scheme, options in VIEWS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        for violation in axe.run(page, options=options).response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            yield f"({width}, {scheme}): {violation['id']}: {nodes}"
        axe = Axe("")  # the page has the script by now


def moving_elements(page):
    """Return the elements that move although the reader prefers reduced motion."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(reduced_motion="reduce")
    return page.evaluate(
        "() => [...document.querySelectorAll('*')].filter(e => {"
        " const s = getComputedStyle(e);"
        " return parseFloat(s.transitionDuration) > 0.001"
        "  || parseFloat(s.animationDuration) > 0.001 || s.scrollBehavior === 'smooth' })"
        ".map(e => 'moves: ' + e.outerHTML.slice(0, 80))"
    )


def widths_exceeded(page):
    """Yield the widths in which the page scrolls sideways."""
    for width in (1280, 640, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        if (found := page.evaluate("document.documentElement.scrollWidth")) > width:
            yield f"is {found} wide in {width}"


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("language", ["en", "id"])
def test_pages_pass_axe_stay_still_and_do_not_scroll_sideways(language, part, page, live_server):
    found = []
    for address in public_pages(part, language):
        page.problems.clear()
        page.emulate_media(reduced_motion="no-preference")
        page.goto(live_server.url + address)
        told = [*violations(page), *moving_elements(page)[:1], *widths_exceeded(page)]
        page.add_style_tag(content=SPACED)
        told += [f"{text}, with more space between letters" for text in widths_exceeded(page)]
        told += [text for text in page.problems if "status of 40" not in text]
        found += [f"{address} {text}" for text in told]
    assert found == []


def test_ally_is_found_by_keyboard_with_visible_focus(page, live_server):
    page.goto(f"{live_server.url}/en/")
    page.keyboard.press("Tab")
    assert page.inner_text(":focus") == "Skip to content"
    assert page.locator(":focus").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.goto(f"{live_server.url}/en/countries/russia/allies/")
    reached = []
    for _n in range(200):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            # Focused SVG shapes have a highlighted edge instead of an outline.
            " return e instanceof SVGElement"
            "  || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0); }"
        )
        what = page.evaluate(
            "() => { const e = document.activeElement;"
            " return [e.tagName, e.id, e.closest('nav,form,table,footer,svg')?.tagName || ''] }"
        )
        assert outline, f"one does not see where one is: {what}"
        reached.append(tuple(what))
        if what[2] == "TABLE":
            break
    inside = [where for _tag, _id, where in reached]
    assert "NAV" in inside
    assert "FORM" in inside
    assert inside[-1] == "TABLE"
    name = page.inner_text(":focus")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"h1:has-text('{name}')")


def test_filter_is_filled_and_sent_by_keyboard(page, live_server):
    page.goto(f"{live_server.url}/en/countries/")
    page.focus("#id_q")
    page.keyboard.type("korut")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=korut**")
    assert page.inner_text("tbody th a") == "North Korea"


def test_quoted_titles_have_their_language(page, live_server):
    page.goto(f"{live_server.url}/en/sources/bisnisupdate-2024/")
    assert page.get_attribute("h1", "lang") == "id"
    page.goto(f"{live_server.url}/en/lists/russia-allies-in-asia/")
    quoted = page.locator("cite")
    assert quoted.count() > 3
    assert {"en", "id"} <= {quoted.nth(n).get_attribute("lang") for n in range(quoted.count())}
