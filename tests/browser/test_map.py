"""The map by keyboard: Tab moves to an ally's shape, and Enter follows its link."""

import pytest

from allies.models import Alliance
from tests import factories
from tests.browser.driver import opened

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite_only,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]


@pytest.fixture
def page(chromium):
    page = opened(chromium, viewport={"width": 1280, "height": 900})
    page.set_default_timeout(15_000)
    yield page
    page.context.close()


def test_tab_focuses_an_ally_and_enter_follows_its_link(page, live_server):
    Alliance.objects.update(status="withdrawn")
    factories.alliance("RUS", "CHN", "MLT", in_force="2010")
    page.goto(f"{live_server.url}/en/countries/russia/allies/")
    page.get_by_role("link", name="Skip the map").focus()

    page.keyboard.press("Tab")
    shape = page.get_by_role("link", name="China: defence pact · since 2010")
    assert shape.evaluate("link => link === document.activeElement")
    # The focused shape is highlighted, and its name and tie are shown.
    lit = shape.locator("use").evaluate("shape => getComputedStyle(shape).strokeWidth")
    assert lit == "2.5px"
    assert shape.locator("tspan").is_visible()

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/ties/malta/russia/")
    assert page.problems == []
