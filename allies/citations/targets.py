"""How each kind of page is cited: as which work, with which references and downloads."""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Max, Model
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from allies.citations.formats import STYLES, CitableWork, format_reference, to_bibtex, to_csl_json
from allies.datapackage.metadata import last_public_change_time
from allies.filters import AllyFilterSet
from allies.history.publication_dates import last_public_change
from allies.models import Alliance, AllyList, Country, Edition, Event, Source
from allies.models.translation import localize
from allies.ties.ties_between import CountryPair

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Extension of a download → label, media type, and the function that writes it.
FILE_FORMATS: dict[str, tuple[str, str, Callable[[CitableWork], str]]] = {
    "bib": ("BibTeX", "application/x-bibtex; charset=utf-8", to_bibtex),
    "csl.json": ("CSL-JSON", "application/vnd.citationstyles.csl+json; charset=utf-8", to_csl_json),
}

#: A source's kind → CSL type.
_SOURCE_TYPES = {
    "news": "article-newspaper",
    "dataset": "dataset",
    "treaty": "treaty",
    "reference": "entry-encyclopedia",
    "book": "book",
    "report": "report",
}


@dataclass(frozen=True)
class CitationTarget:
    """A kind of page: its URL name, its model, and the work it is cited as.

    ``understood`` are the query parameters that select a view of the page.
    """

    page: str
    model: Any
    work: Callable[[Any, str], CitableWork]
    understood: Collection[str] = ()

    def query(self, request: HttpRequest) -> str:
        """Return the part of the query string that selects the view of the page."""
        asked = QueryDict(mutable=True)
        asked.update({name: request.GET[name] for name in self.understood if request.GET.get(name)})
        return asked.urlencode()


@dataclass(frozen=True)
class PageCitation:
    """A page as a work to cite, for the template that shows the references."""

    work: CitableWork
    #: (label, URL) of the downloads.
    downloads: list[tuple[str, str]]

    @cached_property
    def references(self) -> "list[tuple[str, StrOrPromise]]":
        return [(name, format_reference(self.work, name)) for name in STYLES]

    @cached_property
    def bibtex(self) -> str:
        return to_bibtex(self.work)


def _page(key: str, title: "StrOrPromise", url: str, **given: Any) -> CitableWork:
    """Return a page of this site as a work."""
    return CitableWork(
        key=key,
        kind=given.pop("kind", "webpage"),
        title=str(title),
        author=given.pop("author", "") or str(settings.SITE_NAME),
        publisher=str(settings.SITE_NAME),
        url=url,
        accessed=timezone.localdate(),
        language=getattr(title, "lang", "") or get_language() or "",
        **given,
    )


def _titled_work(record: Any, url: str) -> CitableWork:
    day = _day(last_public_change(record))
    return _page(record.slug, record.title, url, issued=day)


def _ally_list(ally_list: Any, url: str) -> CitableWork:
    article = getattr(ally_list, "article", None)
    changed = article.updated if article else last_public_change(ally_list)
    return _page(
        ally_list.slug, ally_list.title, url, issued=_day(changed), author=ally_list.byline
    )


def _allies(country: Country, url: str) -> CitableWork:
    title = _("Allies of %(country)s") % {"country": country.name_in_text}
    day = _last_change(Alliance.objects.published().with_member(country))
    return _page(f"allies-{country.slug}", title, url, issued=day)


def _pair(pair: CountryPair, url: str) -> CitableWork:
    first, second = pair.countries
    day = _last_change(pair.alliances(), pair.events(), pair.entries())
    return _page(f"{first.slug}-{second.slug}", pair.name, url, issued=day)


def _last_change(*shown: Any) -> str:
    """Return the day of the last change of these records (ISO 8601).

    If there are none, return that of the last change on the whole site: the page says that nothing
    is recorded. One query per queryset, and those of ``last_public_change_time`` without records.
    """
    moments = [rows.order_by().aggregate(last=Max("updated_at"))["last"] for rows in shown]
    last = max((moment for moment in moments if moment), default=None)
    return _day(last or last_public_change_time())


def _day(moment: dt.datetime | None) -> str:
    return timezone.localdate(moment).isoformat() if moment else ""


def _source(source: Source, url: str) -> CitableWork:
    """Return the document itself, not our page about it."""
    return CitableWork(
        key=source.key,
        kind=_SOURCE_TYPES.get(source.kind, "webpage" if source.url else "document"),
        title=source.title,
        author=source.author or source.publisher,
        publisher=source.publisher,
        url=source.url or source.archive_url,
        accessed=timezone.localdate(),
        issued=source.date_published,
        doi=source.doi,
        language=source.language,
    )


def _edition(edition: Edition, url: str) -> CitableWork:
    return _page(
        edition.key,
        localize(lambda end: edition.data["list"][f"title_{end}"]),
        url,
        kind="document",
        author=edition.data["list"].get("byline", ""),
        issued=_day(edition.made_at),
        version=str(edition.number),
        note=f"SHA-256 {edition.sha256}",
    )


CITATION_TARGETS = {
    "allylist": CitationTarget("allylist-detail", AllyList, _ally_list, ("on",)),
    "country-allies": CitationTarget(
        "country-allies", Country, _allies, tuple(AllyFilterSet.base_filters)
    ),
    "pair": CitationTarget("pair-detail", CountryPair, _pair, ("on",)),
    "alliance": CitationTarget("alliance-detail", Alliance, _titled_work),
    "event": CitationTarget("event-detail", Event, _titled_work),
    "source": CitationTarget("source-detail", Source, _source),
    "edition": CitationTarget("edition-detail", Edition, _edition),
}


def get_page_citation(request: HttpRequest, name: str, record: Model) -> PageCitation:
    """Return the citation of a record's page, in the view that was requested.

    Its date is that of the last change of what the page shows; finding it costs queries.
    """
    citable = CITATION_TARGETS[name]
    key = _arguments(record)
    query = citable.query(request)
    asked = f"?{query}" if query else ""
    page = reverse(f"allies:{citable.page}", kwargs=key) + asked
    downloads = [
        (label, reverse(f"allies:{name}-cite-{form.split('.')[0]}", kwargs=key) + asked)
        for form, (label, _type, _write) in FILE_FORMATS.items()
    ]
    return PageCitation(citable.work(record, request.build_absolute_uri(page)), downloads)


def _arguments(record: Model) -> dict[str, str]:
    """Return the arguments of the URL of a record's page."""
    if isinstance(record, CountryPair):
        return {"first": record.first.slug, "second": record.second.slug}
    field = "key" if isinstance(record, Source | Edition) else "slug"
    return {field: getattr(record, field)}
