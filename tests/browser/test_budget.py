"""What a page may cost who reads it: bytes, requests and text that jumps; never seconds."""

import gzip

import pytest

from tests.browser.driver import opened
from tests.browser.public_pages import public_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("starter"),
]

#: Bytes a page and all it asks for may weigh as they are sent; with a map of the world; requests.
BYTES, BYTES_WITH_MAP, REQUESTS = 100_000, 160_000, 8

#: What moved while the page arrived: by how much (a layout shift's value), and which elements.
_JUMPS = """() => new Promise(resolve => {
  let jumps = [];
  const named = ({node}) => node ? node.nodeName + '.' + node.className : '?';
  new PerformanceObserver(list => {
    for (const e of list.getEntries()) jumps.push(e.value.toFixed(4) + ' ' + e.sources.map(named));
  }).observe({type: 'layout-shift', buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(jumps), 0)));
})"""


def weight(response):
    """Return the bytes of an answer on the wire: texts are compressed, by us or by what is before.

    The server of the tests compresses nothing.
    """
    if response.status in (301, 302, 304):
        return 0
    body = response.body()
    kind = response.headers.get("content-type", "")
    is_text = kind.startswith(("text/", "application/j", "image/svg"))
    return len(gzip.compress(body, 6)) if is_text else len(body)


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_keep_to_their_budget(width, chromium, live_server, visitor):
    over = []
    for address in public_pages(visitor, "en", "id"):
        # A context of its own: nothing is cached.
        page = opened(chromium, viewport={"width": width, "height": 800})
        answers = []
        page.on("response", lambda response, seen=answers: seen.append(response))
        page.goto(live_server.url + address, wait_until="load")
        jumps = page.evaluate(_JUMPS)
        allowed = BYTES_WITH_MAP if page.locator("svg.map").count() else BYTES
        weighs = sum(weight(answer) for answer in answers)
        if weighs > allowed:
            over.append(f"{address} weighs {weighs:,} bytes of {allowed:,}")
        if len(answers) > REQUESTS:
            over.append(f"{address} asks for {[answer.url for answer in answers]}")
        over += [f"{address} jumps by {jump}" for jump in jumps]
        over += [f"{address}: {text}" for text in page.problems if "status of 40" not in text]
        page.context.close()
    assert over == []
