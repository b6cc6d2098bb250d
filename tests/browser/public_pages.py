"""The public pages for browser tests: one of each kind, found in the URL configuration."""

import functools

from django.test import Client

from tests.views import page_urls
from tests.views.test_queries import address_of

#: Further pages: of no URL pattern, or with more to show than the first record.
BESIDES = (
    "/en/no/such/page/",
    "/en/countries/?q=atlantis",
    "/en/countries/austria-hungary/",
    "/en/countries/russia/allies/?on=2024-13-01&colour=red",
    "/en/countries/russia/allies/?on=1950-06-30",
    "/en/lists/inews-4-negara-sahabat-rusia/",
    "/en/sources/bisnisupdate-2024/",
)

#: Names of pages that are shown inside other sites and have tests of their own.
_ELSEWHERE = "-embed"


#: A test of all pages is split into this many parts, so that workers can share it.
PARTS = 6


def public_pages(part, *languages):
    """Return the URLs of one page of each kind per language, limited to one part."""
    english = _english_pages()
    return [
        f"/{language}{address.removeprefix('/en')}"
        for language in languages
        for address in english[part::PARTS]
    ]


@functools.cache
def _english_pages():
    visitor = Client()
    found = map(address_of, (name for name in page_urls.names() if not name.endswith(_ELSEWHERE)))
    english = [
        address for address in found if visitor.get(address)["Content-Type"].startswith("text/html")
    ]
    assert len(english) > 20
    return (*english, *BESIDES)
