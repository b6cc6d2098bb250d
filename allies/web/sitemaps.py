"""Content of the sitemaps: all public pages, in one section per model and language."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Max
from django.urls import reverse
from django.utils.translation import override

from allies.models import Alliance, AllyList, Country, Event, Membership, Source

#: Pages per file; the protocol allows 50,000 (https://www.sitemaps.org/protocol.html).
MAX_URLS_PER_FILE = 10_000

#: Placeholder for the slug or key in a path; slugs have no capital letters.
_MARK = "SLUG"

#: URL names of pages that do not belong to a record.
_PAGES = (
    "home",
    "allylist-list",
    "country-list",
    "alliance-list",
    "event-list",
    "source-list",
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


class File(NamedTuple):
    """A sitemap file: section, language, number, and time of the last change, if known."""

    section: str
    language: str
    number: int
    changed: dt.datetime | None


class Page(NamedTuple):
    """A page: path per language, and time of the last change, if known."""

    paths: dict[str, str]
    changed: dt.datetime | None


def list_files() -> list[File]:
    """Return the sitemap files; one query per section of records."""
    found: list[tuple[str, int, dt.datetime | None]] = [("pages", len(_PAGES), None)]
    for name, section in SECTIONS.items():
        whole = section.records().aggregate(n=Count("pk"), changed=Max("updated_at"))
        found.append((name, whole["n"], whole["changed"]))
    return [
        File(name, language, number, changed)
        for name, pages, changed in found
        for language, _label in settings.LANGUAGES
        for number in range(1, -(-pages // MAX_URLS_PER_FILE) + 1)
    ]


def list_pages(section: str, number: int) -> Iterator[Page]:
    """Yield the pages of a file; one query. Raise KeyError for an unknown section."""
    if section == "pages":
        if number == 1:
            yield from (Page(_in_each_language(name), None) for name in _PAGES)
        return
    kind = SECTIONS[section]
    patterns = {
        language: path.split(_MARK)
        for language, path in _in_each_language(kind.view, _MARK).items()
    }
    first = (number - 1) * MAX_URLS_PER_FILE
    records = kind.records().order_by("pk").values_list(kind.field, "updated_at")
    for slug, changed in records[first : first + MAX_URLS_PER_FILE].iterator():
        yield Page({language: slug.join(parts) for language, parts in patterns.items()}, changed)


def _in_each_language(view: str, *args: str) -> dict[str, str]:
    """Return the path of a view per language."""
    paths = {}
    for language, _label in settings.LANGUAGES:
        with override(language):
            paths[language] = reverse(f"allies:{view}", args=args)
    return paths
