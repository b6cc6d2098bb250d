"""The public pages a browser looks at: one of each kind, found by walking the addresses."""

from tests.views import addresses
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


def public_pages(visitor, *languages):
    """Return the addresses of one page of each kind in each language."""
    english = []
    for name in addresses.names():
        if name.endswith(_ELSEWHERE):
            continue
        address = address_of(name)
        if visitor.get(address)["Content-Type"].startswith("text/html"):
            english.append(address)
    assert len(english) > 20
    return [
        f"/{language}{address.removeprefix('/en')}"
        for language in languages
        for address in (*english, *BESIDES)
    ]
