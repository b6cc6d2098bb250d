"""Every public page without JavaScript shows the same content as with it."""

import pytest

from tests.browser.driver import opened
from tests.browser.public_pages import PARTS, public_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite_only,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]

#: Elements that need JavaScript and are shown only with it.
_SCRIPTED = ".as-of-slider, .suggestions"


def content(page, address):
    """Return what a reader sees on the page: text, and the numbers of figures, links and fields."""
    page.goto(address, wait_until="load")
    words = page.locator("main").evaluate(
        """(main, scripted) => {
          const left = [...main.querySelectorAll(scripted)];
          left.forEach(one => one.style.display = 'none');
          return main.innerText.replace(/\\s+/g, ' ');
        }""",
        _SCRIPTED,
    )
    count = page.locator
    return {
        "words": words,
        "figures": count("main svg:visible").count(),
        "links": count("main a:visible").count(),
        "fields": count("main form :is(input:not([type=range]), select, textarea):visible").count(),
    }


@pytest.mark.parametrize("part", range(PARTS))
def test_pages_have_the_same_content_without_javascript(part, chromium, live_server):
    with_script = opened(chromium)
    without = opened(chromium, java_script_enabled=False)
    for address in public_pages(part, "en", "id"):
        url = live_server.url + address
        assert content(without, url) == content(with_script, url), address
    with_script.context.close()
    without.context.close()
