"""The public pages a browser looks at: one of each kind, found by walking the addresses."""

import functools

from django.test import Client

from tests.views import page_urls
from tests.views.test_queries import address_of

#: Pages that a walk does not come by, or whose first record has less to show.
BESIDES = (
    "/en/no/such/page/",
    "/en/countries/?q=atlantis",
    "/en/countries/austria-hungary/",
    "/en/countries/russia/allies/?on=2024-13-01&colour=red",
    "/en/countries/russia/allies/?on=1950-06-30",
    "/en/lists/inews-4-negara-sahabat-rusia/",
    "/en/sources/bisnisupdate-2024/",
)

#: What is shown inside another site's page and is judged there.
_ELSEWHERE = "-embed"


#: A walk of all pages is a test in so many parts, for workers to share.
PARTS = 6


def public_pages(part, *languages):
    """Return the addresses of one page of each kind in each language: those of one part."""
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
