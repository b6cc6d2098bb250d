"""Embeds in a page of another site, on its own server: size, messages and framing rules."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from allies.models import Edition
from tests.browser.driver import opened

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite_only,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]


@pytest.fixture
def publisher():
    """Another site, which serves the HTML in its attribute ``html``."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>News</title>{server.html}".encode())

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.html = ""
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def on(chromium, **options):
    page = opened(chromium, **options)
    page.set_default_timeout(15_000)
    return page


def frame(site, path, script=True):
    end = f'<script src="{site}/static/js/embed.js" async></script>' if script else ""
    return f'<iframe src="{site}{path}" title="x" width="100%" height="111"></iframe>{end}'


WHOLE = """() => {
    const frame = document.querySelector("iframe");
    return frame.height !== "111" && Number(frame.height);
}"""


@pytest.mark.parametrize("width", [600, 340])
def test_frame_gets_the_height_of_its_content(chromium, live_server, publisher, width):
    page = on(chromium, viewport={"width": width, "height": 800})
    for path in ("lists/russia-allies-in-asia/", "countries/russia/allies/map/"):
        publisher.html = frame(live_server.url, f"/en/embed/{path}")
        page.goto(publisher.url)
        height = page.wait_for_function(WHOLE).json_value()
        inside = page.frames[1]
        inside.wait_for_load_state()
        size = "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
        needed, broad = inside.evaluate(size)
        assert abs(needed - height) <= 1
        assert broad <= width
        # Opening a collapsed part makes the frame higher.
        if inside.locator("details").count():
            inside.locator("summary").first.click()
            page.wait_for_function(
                "before => Number(document.querySelector('iframe').height) > before", arg=height
            )
    assert page.problems == []
    page.context.close()


def test_frame_without_the_script_is_complete_and_scrolls(chromium, live_server, publisher):
    page = on(chromium, java_script_enabled=False)
    publisher.html = frame(live_server.url, "/en/embed/lists/russia-allies-in-asia/", script=False)
    page.goto(publisher.url)
    inside = page.frame_locator("iframe")
    assert inside.locator("h2").count() == 3
    assert page.locator("iframe").get_attribute("height") == "111"
    page.context.close()


def test_script_accepts_only_valid_heights_from_our_own_frames(chromium, live_server, publisher):
    page = on(chromium)
    publisher.html = frame(live_server.url, "/en/embed/lists/russia-allies-in-asia/")
    page.goto(publisher.url)
    height = page.wait_for_function(WHOLE).json_value()
    page.evaluate('window.postMessage({alliesHeight: 7}, "*")')
    for wrong in (-5, 10**9, "7px", None, {"a": 1}):
        page.frames[1].evaluate(f'parent.postMessage({{alliesHeight: {json.dumps(wrong)}}}, "*")')
    page.frames[1].evaluate('parent.postMessage({alliesHeight: 222}, "*")')
    page.wait_for_function("() => document.querySelector('iframe').height === '222'")
    assert height != 7
    page.context.close()


def test_other_pages_refuse_to_be_framed(chromium, live_server, publisher):
    page = on(chromium)
    publisher.html = frame(live_server.url, "/en/lists/russia-allies-in-asia/")
    page.goto(publisher.url)
    page.frames[1].wait_for_load_state()
    assert page.frames[1].url.startswith("chrome-error:")
    assert any("frame" in problem for problem in page.problems)
    page.context.close()


def test_links_in_a_frame_open_in_the_whole_window(chromium, live_server, publisher):
    page = on(chromium)
    publisher.html = frame(live_server.url, "/en/embed/countries/russia/allies/")
    page.goto(publisher.url)
    page.frame_locator("iframe").get_by_role("link", name="China", exact=True).first.click()
    page.wait_for_url("**/en/ties/china/russia/")
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(600, "light"), (340, "dark")])
def test_embeds_pass_axe(chromium, live_server, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = on(chromium, viewport={"width": width, "height": 800}, color_scheme=scheme)
    key = Edition.objects.published().first().key
    for path in (
        "lists/russia-allies-in-asia/",
        "lists/russia-allies-in-asia/timeline/",
        f"editions/{key}/",
        "countries/russia/allies/",
        "countries/russia/allies/map/",
        "countries/russia/timeline/",
        "alliances/china-russia-no-limits-partnership/timeline/",
        "lists/nowhere/",
    ):
        page.goto(f"{live_server.url}/id/embed/{path}")
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.context.close()
