"""The date of a page, chosen by keyboard, with the slider, and without JavaScript."""

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

COUNTRY, ALLIES = "/en/countries/new-zealand/", "/en/countries/new-zealand/allies/"
CHANGES = f"{ALLIES}changes/?from=1980-01-01&to=1999-12-31"
LIST = "/en/lists/russia-allies-in-asia/?on=1990-06-30"


@pytest.fixture
def pact(transactional_db, few_ties):
    return factories.alliance(
        "NZL", "FJI", title_en="Old pact", in_force="1970-01-01", ended="1990"
    )


@pytest.fixture
def page(chromium):
    page = opened(chromium, viewport={"width": 390, "height": 800})
    page.set_default_timeout(15_000)
    yield page
    page.context.close()


def on(day):
    """Return a pattern for URLs with this date, without the marker to return to the slider."""
    return re.compile(rf"[?&]on={day}(&|$)")


@pytest.mark.parametrize(
    ("address", "field"),
    [(f"{COUNTRY}?on=1980-02-29", "#as-of-day"), (f"{ALLIES}?on=1980-02-29&q=fiji", "#id_on")],
)
def test_keys_change_the_slider_the_date_and_the_page(page, live_server, pact, address, field):
    page.goto(live_server.url + address)
    slider = page.get_by_role("slider", name="Year")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.input_value(field) == "1981-02-28"
    assert slider.get_attribute("aria-valuetext") == "28 February 1981"
    page.wait_for_url(on("1981-02-28"))
    assert page.locator("main").get_by_text("As of 28 February 1981").is_visible()

    # The new page puts the focus back on the slider.
    page.wait_for_function("document.activeElement.id === 'as-of-year'")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(on("1971-02-28"))
    assert page.locator("main").get_by_text("Old pact").first.is_visible()
    page.keyboard.press("End")
    page.wait_for_url(lambda url: "on=1971" not in url)
    assert page.locator(".as-of-notice").count() == 0
    if "q=" in address:
        assert "q=fiji" in page.url
    assert page.problems == []


def test_slider_causes_no_layout_shift(page, live_server, pact):
    page.goto(live_server.url + COUNTRY)
    shift = page.evaluate(
        """() => new Promise((done) => {
            let total = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) total += entry.value;
            }).observe({ type: "layout-shift", buffered: true });
            requestAnimationFrame(() => requestAnimationFrame(() => done(total)));
        })"""
    )
    assert shift == 0


def test_typed_date_moves_the_slider(page, live_server, pact):
    page.goto(live_server.url + COUNTRY)
    page.fill("#as-of-day", "1985-12-31")
    page.locator("#as-of-day").dispatch_event("change")
    slider = page.get_by_role("slider", name="Year")
    assert slider.input_value() == "1985"
    assert slider.get_attribute("aria-valuetext") == "31 December 1985"
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(on("1985-12-31"))


@pytest.mark.parametrize(("address", "field"), [(COUNTRY, "#as-of-day"), (ALLIES, "#id_on")])
def test_date_field_works_without_javascript(chromium, live_server, pact, address, field):
    page = opened(chromium, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page.goto(live_server.url + address)
    assert page.get_by_role("slider").count() == 0  # it would have no effect
    page.fill(field, "1980-06-30")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(on("1980-06-30"))
    assert page.locator("main").get_by_text("As of 30 June 1980").is_visible()
    assert page.locator("main").get_by_text("Old pact").first.is_visible()
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_with_a_date_fit_and_pass_axe(chromium, live_server, pact, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    # axe is an inline script, which the site's content security policy refuses.
    page = opened(
        chromium,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,
    )
    for address in (
        f"{COUNTRY}?on=1980-06-30",
        f"{COUNTRY}?on=1980-02-31",
        f"{ALLIES}?on=1990-06-30",
        f"{ALLIES}map/?on=1980-06-30",
        CHANGES,
        f"{CHANGES}&region=nowhere",
        LIST,
    ):
        for language in ("en", "id"):
            page.goto(live_server.url + address.replace("/en/", f"/{language}/"))
            found = Axe().run(page).response["violations"]
            assert not found, (address, [(v["id"], v["nodes"][0]["html"]) for v in found])
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), address
    page.context.close()
