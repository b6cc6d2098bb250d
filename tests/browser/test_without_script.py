"""Every public page without a script: it says and shows what it does with one."""

import pytest

from tests.browser.driver import opened
from tests.browser.public_pages import PARTS, public_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite_only,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]

#: What only works by a script, and is there only where there is one.
_SCRIPTED = ".as-of-slider, .suggestions"


def content(page, address):
    """Return what the page's reader sees: its words, its figures, its links, its fields."""
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
def test_pages_are_whole_without_a_script(part, chromium, live_server):
    with_script = opened(chromium)
    without = opened(chromium, java_script_enabled=False)
    for address in public_pages(part, "en", "id"):
        url = live_server.url + address
        assert content(without, url) == content(with_script, url), address
    with_script.context.close()
    without.context.close()
