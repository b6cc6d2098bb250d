"""schema.org descriptions of our pages (JSON-LD), for search engines and other programs.

Pure functions from records, with what their page has prefetched, to dictionaries. Dates are never
more precise than what is known. Of an interval, only the parts that are certain are given.
Approximate and uncertain dates are left out.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from django.utils.translation import get_language

from allies.datapackage.describe import LICENCES
from allies.file_formats import CONTENT_TYPES
from allies.models import Alliance, AllianceKind, AllyList, Country, Event, Source, SourceKind
from allies.models.alias import other_names
from allies.models.m49 import NAMES
from allies.models.translation import SUFFIXES, LocalizedText
from allies.text.urls import wikidata_url

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Turns a path into a URL with scheme and host.
Absolute = Callable[[str], str]
Data = dict[str, Any]

#: Kind of source → schema.org type; all others are CreativeWork.
CREATIVE_WORK_TYPES = {
    SourceKind.NEWS: "NewsArticle",
    SourceKind.DATASET: "Dataset",
    SourceKind.TREATY: "Legislation",
    SourceKind.BOOK: "Book",
    SourceKind.REPORT: "Report",
}

#: Formats that contain all rows of a view → media type; a feed does not.
_FILES = {"json": "application/json", **CONTENT_TYPES}


class Breadcrumb(NamedTuple):
    """A breadcrumb; ``lang`` is the label's language if it is not the reader's."""

    label: str
    url: str
    lang: str = ""


@dataclass(frozen=True)
class DatasetRows:
    """The rows of a view as a data set; they cover the days from ``first`` to ``last``.

    ``sources`` are the data sets of others that they rest on.
    """

    name: Any
    changed: dt.datetime | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    sources: tuple[Source, ...] = ()


def iso_date(value: str) -> str:
    """Return the certain part of an EDTF date as an ISO 8601 date; "" if there is none.

    >>> iso_date("2024-03/2024-06")
    '2024'
    >>> iso_date("2022/..")
    '2022'
    """
    if not value or value[-1] in "~?%X":
        return ""
    start, slash, end = value.partition("/")
    if not slash:
        return value
    if start == ".." or start[-1] in "~?%X":
        return ""
    if end == "..":
        return start
    pairs = zip(start.split("-"), end.split("-"), strict=False)
    return "-".join(one for one, _same in takewhile(lambda pair: pair[0] == pair[1], pairs))


def interval(start: str, end: str) -> str:
    """Return the time between two EDTF dates as an ISO 8601 interval; "" if it is not certain.

    An unknown or open end stays open.

    >>> interval("1949-04-04", "2012/..")
    '1949-04-04/..'
    """
    first = iso_date(start)
    last = ".." if not end or _is_open(end) else iso_date(end)
    return f"{first}/{last}" if first and last else ""


def _is_open(end: str) -> bool:
    """Return whether an EDTF date is the earliest possible end: "2012/.."."""
    return end.endswith("/..")


def licence_url() -> str:
    """Return the URL of the data licence, or its name if its URL is unknown."""
    return LICENCES.get(settings.DATA_LICENCE, (settings.DATA_LICENCE,))[0]


def describe_publisher(at: Absolute) -> Data:
    return {
        "@type": "Organization",
        "@id": at("/#publisher"),
        "name": settings.SITE_NAME,
        "url": at("/"),
    }


def describe_website(at: Absolute, *, url: str, search: str) -> Data:
    """Describe the site; ``search`` is the path of its search page."""
    return {
        "@type": "WebSite",
        "@id": at("/#site"),
        "name": settings.SITE_NAME,
        "url": at(url),
        "inLanguage": list(SUFFIXES),
        "publisher": describe_publisher(at),
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": at(search) + "?q={words}"},
            "query-input": "required name=words",
        },
    }


def breadcrumbs(trail: Sequence[Breadcrumb], at: Absolute) -> Data:
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": n, "name": crumb.label, "item": at(crumb.url)}
            for n, crumb in enumerate(trail, start=1)
        ],
    }


def describe_page(
    *,
    url: str,
    name: str,
    description: str,
    at: Absolute,
    trail: Sequence[Breadcrumb] = (),
    described: Any = None,
    downloads: Iterable[tuple[Any, str]] = (),
) -> Data:
    """Describe a page and its subject; ``downloads`` are (label, URL) of its rows."""
    whole: Data = {
        "@type": "WebPage",
        "@id": url,
        "url": url,
        "name": name,
        "description": description,
        "inLanguage": get_language(),
        "isPartOf": {"@id": at("/#site")},
        "publisher": describe_publisher(at),
        "license": licence_url(),
    }
    if trail:
        whole["breadcrumb"] = breadcrumbs(trail, at)
    if described is not None:
        about = describe_subject(described, at)
        about = {"@type": about["@type"], "@id": f"{url}#it", **about}
        if "Dataset" in about["@type"] and not isinstance(described, Source):
            about |= _dataset_properties(description, url, at, downloads)
            if getattr(described, "sources", ()):
                # Our licence covers only what is ours, and the page says which part that is.
                about["license"] = at(f"{reverse('allies:methodology')}#licence")
        whole["mainEntity"] = about
        whole["citation"] = [citation_of_source(source, at) for source in cited_sources(described)]
        own = _moment(getattr(described, "updated_at", None))
        whole["dateModified"] = about.get("dateModified") or own
    return {"@context": "https://schema.org", **_without_empty(whole)}


def to_json_script(data: Data) -> str:
    """Return JSON that is safe in a script element: it can neither close it nor begin a comment.

    >>> to_json_script({"name": "</script>"})
    '{"name":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


# Subjects of pages.


@singledispatch
def describe_subject(thing: object, at: Absolute) -> Data:
    """Return the schema.org description of a record or of DatasetRows."""
    raise NotImplementedError(f"Nobody has said what {type(thing).__name__} is to schema.org.")


@describe_subject.register
def _country(country: Country, at: Absolute) -> Data:
    codes = (
        ("ISO 3166-1 alpha-2", country.alpha2),
        ("ISO 3166-1 alpha-3", country.alpha3),
        ("UN M49", country.m49),
        ("COW", country.cow_code),
    )
    area = country.subregion or country.region
    return _without_empty(
        {
            **_named_thing(country, at),
            "alternateName": _all_other_names(country, "name"),
            "sameAs": wikidata_url(country.wikidata),
            "identifier": [
                {"@type": "PropertyValue", "propertyID": system, "value": str(code)}
                for system, code in codes
                if code not in ("", None)
            ],
            "containedInPlace": {"@type": "Place", "name": str(NAMES[area])} if area else None,
        }
    )


@describe_subject.register
def _event(event: Event, at: Absolute) -> Data:
    # A country with two roles is listed once.
    parts = {part.country_id: part.country for part in event.shown_participations}  # type: ignore[attr-defined]
    return _without_empty(
        {
            "@type": "Event",
            "name": str(event.title),
            "alternateName": _alternate_name(event, "title"),
            "url": at(event.get_absolute_url()),
            "identifier": event.identifier,
            "startDate": iso_date(event.date),
            "location": {"@type": "Place", "name": str(event.place)} if event.place else None,
            "about": [_named_thing(country, at) for country in parts.values()],
        }
    )


@describe_subject.register
def _alliance(alliance: Alliance, at: Absolute) -> Data:
    members = {part.country_id: part.country for part in alliance.shown_memberships}  # type: ignore[attr-defined]
    said: Data = {
        "@type": "Thing",
        "name": str(alliance.title),
        "alternateName": _all_other_names(alliance, "title"),
        "url": at(alliance.get_absolute_url()),
        "identifier": alliance.identifier,
        "sameAs": wikidata_url(alliance.wikidata),
    }
    if alliance.kind == AllianceKind.ORGANISATION:
        said |= {
            "@type": "Organization",
            "foundingDate": iso_date(alliance.began),
            "dissolutionDate": "" if _is_open(alliance.ended) else iso_date(alliance.ended),
        }
    elif alliance.is_treaty:
        said |= {
            "@type": "Legislation",
            "legislationType": str(alliance.get_kind_display()),
            "legislationDate": iso_date(alliance.signed),
            "temporalCoverage": interval(alliance.began, alliance.ended),
            "about": [_named_thing(country, at) for country in members.values()],
        }
    return _without_empty(said)


@describe_subject.register
def _source(source: Source, at: Absolute) -> Data:
    return _without_empty(
        {
            **citation_of_source(source, at),
            "mainEntityOfPage": at(source.get_absolute_url()),
            "identifier": [source.key, source.doi_url] if source.doi else source.key,
            "archivedAt": source.archive_url,
            "isBasedOn": [citation_of_source(original, at) for original in cited_sources(source)],
        }
    )


@describe_subject.register
def _ally_list(ally_list: AllyList, at: Absolute) -> Data:
    original = ally_list.recorded_from
    return _without_empty(
        {
            "@type": ["Article", "Dataset"],
            **_article(ally_list, at),
            "name": str(ally_list.title),
            "alternateName": _alternate_name(ally_list, "title"),
            "about": _named_thing(ally_list.focus, at),
            "spatialCoverage": str(ally_list.scope_name),
            "isBasedOn": citation_of_source(original, at)
            if original and original.is_published
            else None,
        }
    )


def _article(ally_list: Any, at: Absolute) -> Data:
    """Return the properties of a list as an article (``allies.web.articles``)."""
    article = ally_list.article
    return {
        "headline": str(ally_list.title),
        "abstract": article.verdict,
        "author": [{"@type": "Person", "name": name} for name in article.authors]
        or describe_publisher(at),
        "publisher": describe_publisher(at),
        "datePublished": _moment(article.published),
        "dateModified": _moment(article.updated),
    }


def _moment(moment: dt.datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


@describe_subject.register
def _rows(rows: DatasetRows, at: Absolute) -> Data:
    covered = f"{rows.first}/{rows.last or '..'}" if rows.first else ""
    return _without_empty(
        {
            "@type": "Dataset",
            "name": str(rows.name),
            "temporalCoverage": covered,
            "dateModified": _moment(rows.changed),
            "isBasedOn": [citation_of_source(source, at) for source in rows.sources],
        }
    )


def citation_of_source(source: Source, at: Absolute) -> Data:
    """Return the description of a source for ``citation`` and ``isBasedOn``."""
    kind = CREATIVE_WORK_TYPES.get(SourceKind(source.kind), "CreativeWork")
    return _without_empty(
        {
            "@type": kind,
            "headline" if kind == "NewsArticle" else "name": source.title,
            "url": source.url or at(source.get_absolute_url()),
            "creator" if kind == "Dataset" else "author": [
                {"@type": "Person", "name": name} for name in source.authors
            ],
            "publisher": {"@type": "Organization", "name": source.publisher},
            "datePublished": iso_date(source.date_published),
            "inLanguage": source.language,
            "creditText": source.credit,
            "sameAs": source.doi_url,
            "license": _licence_of(source),
            "temporalCoverage": interval(source.covers_from, source.covers_to),
        }
    )


def _licence_of(source: Source) -> object:
    """Return the licence of a source: its URL if it is known, otherwise its terms."""
    if known := LICENCES.get(source.licence):
        return known[0]
    return {"@type": "CreativeWork", "name": source.licence} if source.licence else None


def cited_sources(described: object) -> list[Source]:
    """Return the published sources of a page's subject, without duplicates and queries."""
    if isinstance(described, Source):
        found = [described.derived_from]
    else:
        parts = ("shown_entries", "shown_memberships")
        records = [described, *(part for name in parts for part in getattr(described, name, ()))]
        found = [c.source for record in records for c in getattr(record, "shown_citations", ())]
    return list({s.pk: s for s in found if s is not None and s.is_published}.values())


def _dataset_properties(
    description: str, url: str, at: Absolute, downloads: "Iterable[tuple[StrOrPromise, str]]"
) -> Data:
    """Return the properties that all our data sets have, with their downloads."""
    files = []
    for label, address in downloads:
        form = address.partition("?")[0].rpartition(".")[2]
        if form in _FILES:
            files.append(
                {
                    "@type": "DataDownload",
                    "name": str(label),
                    "encodingFormat": _FILES[form].partition(";")[0],
                    "contentUrl": at(address),
                }
            )
    return {
        "description": description,
        "url": url,
        "license": licence_url(),
        "creator": describe_publisher(at),
        "isAccessibleForFree": True,
        "distribution": files,
    }


def _named_thing(country: Country, at: Absolute) -> Data:
    return {
        "@type": "Country",
        "name": str(country.name),
        "url": at(country.get_absolute_url()),
    }


def _alternate_name(record: Model, field: str) -> list[object]:
    """Return a bilingual text in the language that the page does not show."""
    shown: LocalizedText = getattr(record, field)
    texts = ((getattr(record, f"{field}_{suffix}"), code) for code, suffix in SUFFIXES.items())
    return [_localized_text(text, code) for text, code in texts if text and code != shown.lang]


def _all_other_names(record: Country | Alliance, field: str) -> list[object]:
    """Return a record's name in the language that the page does not show, and its aliases."""
    aliases = other_names(record, getattr(record, field))
    names = (_localized_text(alias.name, alias.language) for alias in aliases)
    return [*_alternate_name(record, field), *names]


def _localized_text(text: str, language: str) -> Any:
    return {"@language": language, "@value": text} if language else text


def _without_empty(data: Data) -> Data:
    """Drop empty and unknown values."""
    return {key: value for key, value in data.items() if value not in ("", None, [], {})}
