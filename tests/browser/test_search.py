"""Search suggestions by keyboard and by touch, and the search without JavaScript."""

import pytest

from tests.browser.driver import opened

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]

FIELD = ".site-search input"


def typed(page, site, text, path="/en/alliances/"):
    page.goto(f"{site}{path}")
    page.type(FIELD, text)
    page.wait_for_selector("[role=option]")


def test_suggestions_are_chosen_by_keyboard(chromium, live_server):
    page = opened(chromium)
    typed(page, live_server.url, "korut")
    assert page.get_attribute(FIELD, "aria-expanded") == "true"
    assert page.inner_text("[aria-live]") == "1 suggestion"
    page.keyboard.press("ArrowDown")
    active = page.get_attribute(FIELD, "aria-activedescendant")
    assert page.get_attribute(f"#{active}", "aria-selected") == "true"
    page.keyboard.press("Escape")
    assert page.get_attribute(FIELD, "aria-expanded") == "false"
    assert page.input_value(FIELD) == "korut"
    page.keyboard.press("Backspace")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")  # before the first suggestion comes the field itself
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/countries/north-korea/")
    assert page.problems == []
    page.context.close()


def test_enter_without_a_suggestion_opens_the_results(chromium, live_server):
    page = opened(chromium)
    typed(page, live_server.url, "russsia", "/id/alliances/")
    page.keyboard.press("Enter")
    page.wait_for_url("**/id/search/?q=russsia")
    assert page.inner_text(".notice strong") == "russia"
    assert page.inner_text(".hits .title") == "Rusia"
    assert page.problems == []
    page.context.close()


def test_suggestion_is_chosen_by_pointer_on_a_narrow_screen(chromium, live_server):
    page = opened(chromium, viewport={"width": 390, "height": 800})
    typed(page, live_server.url, "tiongkok")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("[role=option]")
    page.wait_for_url("**/en/countries/china/")
    assert page.problems == []
    page.context.close()


def test_search_works_without_javascript(chromium, live_server):
    page = opened(chromium, java_script_enabled=False)
    page.goto(f"{live_server.url}/en/sources/")
    page.fill(FIELD, "sao tome")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/search/?q=sao+tome")
    page.click(".hits .title")
    assert page.inner_text("h1") == "São Tomé and Príncipe"
    page.goto(f"{live_server.url}/en/events/")
    page.click(".facet a >> text=visit")
    page.wait_for_url("**/en/events/?kind=visit")
    page.click(".facet a[aria-current]")
    page.wait_for_url("**/en/events/")
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_two_countries_are_chosen_from_suggestions(width, chromium, live_server):
    page = opened(chromium, viewport={"width": width, "height": 800})
    page.goto(f"{live_server.url}/id/")
    for name, text, key in (("first", "tiongk", "ArrowDown"), ("second", "rusia", None)):
        page.type(f".pair-form [name={name}]", text)
        page.wait_for_selector(".pair-form [role=option]:visible")
        if key:
            page.keyboard.press(key)
            page.keyboard.press("Enter")
        else:
            page.click(".pair-form [role=option]:visible")
    assert page.input_value(".pair-form [name=first]") == "China"
    page.click(".pair-form button")
    page.wait_for_url("**/id/ties/china/russia/")
    assert page.problems == []
    page.context.close()
