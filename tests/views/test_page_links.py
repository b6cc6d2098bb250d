"""Every link of the public site works; found by crawling from the front pages."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

pytestmark = [pytest.mark.usefixtures("demo_data"), pytest.mark.sqlite_only]

SITE = "http://testserver"
#: Attributes that hold a URL.
LINKS = {"href", "src", "action", "poster", "data"}
#: URLs in text and JSON responses, where any field may hold one.
IN_TEXT = re.compile(rf"{SITE}[^\s\"'<>\\]*")
#: Static files, which the web server serves, and pages of the admin.
LEFT_OUT = re.compile(r"/static/|/\w+/admin/")


class Page(HTMLParser):
    """Collect the links of a page (``links``) and its JSON data (``texts``)."""

    def __init__(self):
        super().__init__()
        self.links, self.texts = [], []
        self._is_data = False

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        is_sent = tag == "form" and attributes.get("method", "get").lower() != "get"
        if not is_sent:
            self.links += [value for name, value in attrs if name in LINKS and value]
        for part in (attributes.get("srcset") or "").split(","):
            self.links += part.split()[:1]
        if tag == "meta" and str(attributes.get("content")).startswith(SITE):
            self.links.append(attributes["content"])
        self._is_data = tag == "script" and "json" in str(attributes.get("type"))

    def handle_data(self, data):
        if self._is_data:
            self.texts.append(data)

    def handle_endtag(self, tag):
        self._is_data = False


def links_in(response, body):
    """Yield the links in a response, as they are written there."""
    kind = response.get("Content-Type", "").partition(";")[0]
    if response.status_code in (301, 302):
        yield response["Location"]
    if kind == "text/html":
        page = Page()
        page.feed(body)
        yield from page.links
        for text in page.texts:
            yield from strings_of(json.loads(text))
    elif kind in ("application/atom+xml", "application/xml"):
        for element in ElementTree.fromstring(body.encode()).iter():
            if "href" in element.attrib:
                yield element.get("href")
            if element.get("type") == "html":
                yield from links_in_html(element.text or "")
            elif element.tag.endswith("}loc"):
                yield element.text
    elif kind in ("application/json", "text/plain"):
        yield from IN_TEXT.findall(body)


def links_in_html(text):
    page = Page()
    page.feed(text)
    return page.links


def strings_of(value):
    """Yield the URLs of this site in a JSON value."""
    if isinstance(value, str):
        if value.startswith((SITE, "/en/", "/id/")):
            yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings_of(one)


def inside(link, address):
    """Return a URL of this site as path and query; None if it is not to be crawled."""
    url = urldefrag(urljoin(f"{SITE}{address}", link.strip()))[0]
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" != SITE or LEFT_OUT.match(parts.path):
        return None
    return url.removeprefix(SITE) or "/"


class Walk:
    """A crawler that requests each URL once.

    With a query, one URL represents all of its view with the same parameters. If a view has one
    URL per record, the first ``MOST`` are requested. Links are followed from the first
    ``FOLLOWED`` pages of each view, counted separately with and without a query.
    """

    MOST, FOLLOWED = 6, 2

    def __init__(self):
        self.client = Client()
        self.dead = {}
        self.asked = Counter()
        self._seen = set()

    def walk(self, *starts):
        waiting = [(start, "") for start in starts]
        while waiting:
            address, found_on = waiting.pop(0)
            for link in self._ask(address, found_on):
                target = inside(link, address)
                if target is not None and (key := self._key(target)) not in self._seen:
                    self._seen.add(key)
                    waiting.append((target, address))

    def _key(self, address):
        path, _question, query = address.partition("?")
        if not query:
            return path
        return path[:4], self._view(path), tuple(sorted(parse_qs(query, keep_blank_values=True)))

    def _view(self, path):
        try:
            return resolve(path).view_name
        except Resolver404:
            return path

    def _ask(self, address, found_on):
        view = self._view(address.partition("?")[0])
        kind = (address[:4], view, "?" in address)
        self.asked[kind] += 1
        if "?" not in address and self.asked[kind] > self.MOST:
            return []
        response = self.client.get(address)
        if response.status_code >= 400:
            self.dead[address] = f"{response.status_code}, linked on {found_on}"
            return []
        if self.asked[kind] > self.FOLLOWED:
            return []
        content = b"".join(response) if response.streaming else response.content
        is_text = not content.startswith((b"PK", b"\x89PNG", b"\x00\x00\x01\x00"))
        return links_in(response, content.decode() if is_text else "")


@pytest.mark.slow
def test_every_link_works():
    walk = Walk()
    walk.walk("/", "/en/", "/id/", "/robots.txt", "/api/v1/openapi.json")
    assert walk.dead == {}
    assert len(walk.asked) > 100
