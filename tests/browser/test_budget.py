"""Limits per page for bytes, requests and layout shifts; time is not measured."""

import gzip
import re

import pytest

from tests.browser.driver import opened
from tests.browser.public_pages import PARTS, public_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite_only,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]

#: Maximum bytes of a page with all its resources, compressed; the same with a world map; requests.
BYTES, BYTES_WITH_MAP, REQUESTS = 100_000, 160_000, 8

#: Where a page may be split in transfer: after each block.
_BLOCK_ENDS = re.compile(
    r"(.*?</(?:p|h1|h2|h3|dl|ul|ol|nav|div|form|thead|table|aside|header|figure|section|details)>)",
    re.DOTALL,
)

#: Blocks sent one by one; the rest is below the first screen.
_ONE_BY_ONE = 80

#: Writes a page as over a slow connection, where each block is painted before the next arrives.
#: Returns the layout shifts: their values and elements.
_ARRIVES = """async ([head, parts]) => {
  const jumps = [];
  const named = ({node}) => node ? node.nodeName + '.' + node.className : '?';
  new PerformanceObserver(list => {
    for (const e of list.getEntries()) jumps.push(e.value.toFixed(4) + ' ' + e.sources.map(named));
  }).observe({type: 'layout-shift'});
  const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const styles = () => [...document.querySelectorAll('link[rel=stylesheet]')];
  document.open();
  document.write(head);
  while (!styles().every(link => link.sheet)) await painted();
  for (const part of parts) { document.write(part); await painted(); }
  document.close();
  await painted(); await painted();
  return jumps;
}"""


def weight(response):
    """Return the bytes of a response as transferred; texts are compressed, as in production.

    The test server itself does not compress.
    """
    if response.status in (301, 302, 304):
        return 0
    body = response.body()
    kind = response.headers.get("content-type", "")
    is_text = kind.startswith(("text/", "application/j", "image/svg"))
    return len(gzip.compress(body, 6)) if is_text else len(body)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_stay_within_their_limits(width, part, chromium, live_server):
    over = []
    for address in public_pages(part, "en", "id"):
        # A new context has an empty cache.
        page = opened(chromium, viewport={"width": width, "height": 800})
        answers = []
        page.on("response", lambda response, seen=answers: seen.append(response))
        page.goto(live_server.url + address, wait_until="load")
        allowed = BYTES_WITH_MAP if page.locator("svg.map").count() else BYTES
        weighs = sum(weight(answer) for answer in answers)
        if weighs > allowed:
            over.append(f"{address} weighs {weighs:,} bytes of {allowed:,}")
        if len(answers) > REQUESTS:
            over.append(f"{address} asks for {[answer.url for answer in answers]}")
        over += [f"{address}: {text}" for text in page.problems if "status of 40" not in text]
        page.context.close()
    assert over == []


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (390, "id")])
def test_pages_load_without_layout_shifts(width, language, part, chromium, live_server, client):
    jumps = []
    page = opened(chromium, viewport={"width": width, "height": 800})
    for address in public_pages(part, language):
        page.goto(live_server.url + address)
        head, body = client.get(address).content.decode().split("<body", 1)
        parts = _BLOCK_ENDS.findall(body)
        assert len(parts) > 5
        arriving = [f"<body{parts[0]}", *parts[1:_ONE_BY_ONE], "".join(parts[_ONE_BY_ONE:])]
        jumps += [f"{address}: {jump}" for jump in page.evaluate(_ARRIVES, [head, arriving])]
    page.context.close()
    assert jumps == []
