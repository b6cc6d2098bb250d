"""Sitemaps: all public pages, in one section per kind of page and language.

They are Django’s sitemaps. Only the split into files is ours: a file has one section in one
language, and its name says which.
"""

import datetime as dt
import re
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.core.paginator import EmptyPage
from django.db.models import Count, Max
from django.urls import reverse

from allies.models import Alliance, AllyList, Country, Event, Membership, Source

#: Pages per file, so that a file takes about as long as a page. The protocol allows 50,000
#: (https://www.sitemaps.org/protocol.html).
MAX_URLS_PER_FILE = 1_000

#: URL names of pages that do not belong to a record.
_PAGES = (
    "home",
    "allylist-list",
    "country-list",
    "comparison",
    "blocs",
    "alliance-list",
    "event-list",
    "vote-list",
    "source-list",
    "disagreement-list",
    "import-history",
    "correction-list",
    "methodology",
    "api-reference",
)


class Section(NamedTuple):
    """Pages of one kind: model, URL name of the view, field in its path."""

    model: Any
    view: str
    field: str = "slug"

    def records(self) -> Any:
        if self.view == "country-allies":
            tied = Membership.objects.published().values("country")
            return Country.objects.published().filter(pk__in=tied)
        return self.model.objects.published()


SECTIONS = {
    "lists": Section(AllyList, "allylist-detail"),
    "countries": Section(Country, "country-detail"),
    "allies": Section(Country, "country-allies"),
    "alliances": Section(Alliance, "alliance-detail"),
    "events": Section(Event, "event-detail"),
    "sources": Section(Source, "source-detail", "key"),
}

#: Names of files: section, language and number, such as ``events-id-1``.
_NAME = re.compile(r"([a-z]+)-([a-z]+)-([1-9][0-9]{0,4})")

#: URL name or slug of a page, and the time of its last change, if known.
_Page = tuple[str, dt.datetime | None]
#: Sitemaps by name, as Django’s views take them.
_Files = dict[str, type[Sitemap[Any]] | Sitemap[Any]]


class SitemapFile(Sitemap[_Page]):
    """Pages of a section in one language, each with its alternates in all languages."""

    i18n = alternates = True

    def __init__(self, section: Section | None, language: str, number: int) -> None:
        self.section = section
        self.language = language
        self.number = number

    def items(self) -> list[_Page]:
        """Return the pages; one query if they have records. Raise EmptyPage if there are none."""
        place = slice((self.number - 1) * MAX_URLS_PER_FILE, self.number * MAX_URLS_PER_FILE)
        if self.section is None:
            pages: list[_Page] = [(name, None) for name in _PAGES[place]]
        else:
            records = self.section.records().order_by("pk")
            pages = list(records.values_list(self.section.field, "updated_at")[place])
        if not pages:
            raise EmptyPage
        return pages

    def _items(self) -> list[tuple[_Page, str]]:
        # Django would list each page in all languages.
        return [(page, self.language) for page in self.items()]

    def location(self, page: _Page) -> str:
        if self.section is None:
            return reverse(f"allies:{page[0]}")
        return reverse(f"allies:{self.section.view}", args=[page[0]])

    def lastmod(self, page: _Page) -> dt.datetime | None:
        return page[1]


class _IndexEntry(Sitemap[_Page]):
    """A file as the index lists it: its last change only, so that it needs no query."""

    def __init__(self, lastmod: dt.datetime | None) -> None:
        self.lastmod = lastmod


def index_entries() -> _Files:
    """Return the files by name, without their pages; one query per section of records."""
    found: list[tuple[str, int, dt.datetime | None]] = [("pages", len(_PAGES), None)]
    for name, section in SECTIONS.items():
        whole = section.records().aggregate(n=Count("pk"), changed=Max("updated_at"))
        found.append((name, whole["n"], whole["changed"]))
    return {
        f"{name}-{language}-{number}": _IndexEntry(changed)
        for name, pages, changed in found
        for language, _label in settings.LANGUAGES
        for number in range(1, -(-pages // MAX_URLS_PER_FILE) + 1)
    }


def files_named(name: str) -> _Files:
    """Return the file of this name, by its name, or nothing if it cannot exist."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        return {}
    section, language, number = parts.groups()
    if section not in {"pages", *SECTIONS} or language not in dict(settings.LANGUAGES):
        return {}
    return {name: SitemapFile(SECTIONS.get(section), language, int(number))}
