"""Search results in every format, and suggestions while the reader types."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views import View

from allies.datapackage.metadata import EDTF_NOTE
from allies.feeds.atom import FeedEntry
from allies.feeds.entries import (
    FeedRow,
    RemovedRow,
    build_rows,
    correction_entries,
    newest_by_model,
)
from allies.feeds.list_entries import ListEntriesFeed
from allies.filters import SearchFilterSet
from allies.models import SEARCHABLE_MODELS, AllyList, Entry, Record, SearchText
from allies.models.translation import LocalizedText
from allies.search.backend import match_names, order_by_relevance, suggest_spelling
from allies.search.documents import DOCUMENT_SOURCES
from allies.search.highlight import contains_term, excerpt, opening
from allies.search.named_countries import find_named_countries
from allies.search.query import LONGEST, SearchQuery, parse_query
from allies.text.bidi import isolate, strip_isolates
from allies.text.edtf import format_start_date
from allies.views.download_columns import DownloadColumn
from allies.views.download_mixin import CHUNK_ROWS
from allies.views.listing import Listing
from allies.views.named_countries_page import find_page

if TYPE_CHECKING:
    from allies.filters.base import PublicFilterSet
    from allies.models.search_document import SearchTextQuerySet

#: Maximum number of suggestions.
MAX_SUGGESTIONS = 8

_RELATED: dict[str, tuple[str, ...]] = {"entry": ("country", "ally_list")}
_DATES = {"event": "date", "source": "date_published", "alliance": "began"}


@dataclass(frozen=True)
class SearchResult:
    """A record that was found, with what the page shows of it; all of it is public now."""

    record: Any
    noun: str
    title: LocalizedText
    #: Another name that matched, and the text around a match; "" if there is none.
    alternative_names: LocalizedText
    passage: LocalizedText
    url: str
    #: Its date or start (EDTF); "" if it has none.
    date: str

    @property
    def noun_in_words(self) -> str:
        return str(self.record._meta.verbose_name)

    @property
    def code(self) -> str:
        """The identifier of the record in files: code, citation key or slug."""
        return str(
            getattr(self.record, "code", "") or getattr(self.record, "key", "") or self.record.slug
        )


def build_results(rows: Iterable[SearchText], question: SearchQuery) -> Iterator[SearchResult]:
    """Yield the results of index rows; one query per model per chunk, two for countries."""
    rows = iter(rows)
    while some := list(islice(rows, CHUNK_ROWS)):
        records = {model._meta.model_name: _records(model, some) for model in SEARCHABLE_MODELS}
        for row in some:
            # Skip records withdrawn since the rows were read.
            if record := records[row.noun].get(row.record_id):
                yield _build_result(row.noun, record, question)


def _records(model: Any, rows: list[SearchText]) -> dict[int, Record]:
    noun = model._meta.model_name
    ids = [row.record_id for row in rows if row.noun == noun]
    if not ids:
        return {}
    public = model.objects.published().select_related(*_RELATED.get(noun, ()))
    return dict(public.prefetch_related(*DOCUMENT_SOURCES[noun].related).in_bulk(ids))


def _build_result(noun: str, record: Any, question: SearchQuery) -> SearchResult:
    language = get_language() or "en"
    title = _title(noun, record)
    body = list(DOCUMENT_SOURCES[noun].body(record))
    passage = excerpt(body, question, language)
    also = None
    if passage is None and not contains_term(title, question):
        also = excerpt(DOCUMENT_SOURCES[noun].names(record), question, language)
    listed = record.ally_list if noun == "entry" else record
    anchor = f"#{record.country.slug}" if noun == "entry" else ""
    return SearchResult(
        record,
        noun,
        title,
        also or LocalizedText("", ""),
        passage or opening(body, language) or LocalizedText("", ""),
        f"{listed.get_absolute_url()}{anchor}",
        getattr(record, _DATES[noun]) if noun in _DATES else "",
    )


def _title(noun: str, record: Any) -> LocalizedText:
    if noun == "entry":
        return LocalizedText(f"{record.country.name} – {isolate(record.ally_list.title)}", "")
    if noun == "source":
        return LocalizedText(
            f"{isolate(record.publisher)}: {isolate(record.title)}", record.language
        )
    named: LocalizedText = record.name if noun == "country" else record.title
    return named


class SearchListing(Listing):
    filterset_class = SearchFilterSet
    template_name = "allies/search/list.html"
    per_page = 20
    columns = (
        DownloadColumn("noun", lambda hit: hit.noun, _("record type"), _("The record type.")),
        DownloadColumn(
            "record", lambda hit: hit.code, _("record"), _("The identifier used in files.")
        ),
        DownloadColumn(
            "title",
            lambda hit: strip_isolates(str(hit.title)),
            _("title"),
            _("In the requested language."),
        ),
        DownloadColumn("date", lambda hit: hit.date, _("date"), EDTF_NOTE),
        DownloadColumn("address", lambda hit: hit.url, _("address"), _("The address of its page.")),
        DownloadColumn(
            "passage",
            lambda hit: str(hit.passage),
            _("excerpt"),
            _("The text around the matching words."),
        ),
    )
    asked: SearchFilterSet

    def queryset(self) -> "SearchTextQuerySet":
        return SearchText.objects.published()

    def filterset(self) -> SearchFilterSet:
        self.asked = SearchFilterSet(self.request.GET, queryset=self.queryset())
        return self.asked

    def rows(self, queryset: Any) -> Iterator[SearchResult]:
        return build_results(queryset.iterator(chunk_size=CHUNK_ROWS), self.asked.search_query)

    def page_rows(self, queryset: Any) -> Iterable[SearchResult]:
        return build_results(queryset, self.asked.search_query) if self.asked.is_valid() else []

    def _found(self, queryset: Any) -> Iterator[tuple[Any, Any]]:
        """Yield (model, ids of its matching records as a queryset)."""
        for model in SEARCHABLE_MODELS:
            of_noun = queryset.order_by().filter(noun=model._meta.model_name)
            yield model, of_noun.values("record_id")

    def feed_rows(self, queryset: QuerySet[Model]) -> Iterator[FeedRow]:
        for model, records in newest_by_model(self._found(queryset)):
            if model is Entry:
                lists = AllyList.objects.published().filter(entries__in=records).distinct()
                ever = ListEntriesFeed(list(lists), several=True)
                yield from ever.rows(
                    Entry.objects.select_related("country").filter(pk__in=[r.pk for r in records])
                )
            else:
                yield from build_rows(records)

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterator[FeedEntry]:
        for model, ids in self._found(queryset):
            yield from correction_entries(str(model._meta.model_name), ids)

    def feed_removed(self, filterset: "PublicFilterSet") -> Iterable[RemovedRow]:
        return ()  # the index holds public records only

    def title(self) -> Any:
        return _("Search")

    def aggregate_ranges(self) -> dict[str, Any]:
        return {}

    def schema_org_subject(self) -> None:
        """Return None: search results are not a data set."""

    def context(self) -> dict[str, object]:
        if not self.asked.is_valid():
            return {}
        return {
            "typed": self.asked.raw_query,
            "question": self.asked.search_query,
            "corrected": self.asked.suggested_query,
            "longest": LONGEST,
            "named": find_page(find_named_countries(self.asked.raw_query)),
        }


class SuggestionsView(View):
    """Suggestions by name while the reader types."""

    def get(self, request: HttpRequest) -> JsonResponse:
        """Return JSON: ``{"suggestions": [{"title", "lang", "also", "noun", "url"}], "message"}``.

        ``noun`` limits them to one type of record. If records of one type share a title, only the
        first is suggested. If the text names several countries, the page about these comes first.
        """
        text, noun = request.GET.get("q", ""), request.GET.get("noun", "")
        question = parse_query(text)
        question = suggest_spelling(question) or question
        rows = match_names(question)
        if noun:
            rows = rows.filter(noun=noun)
        alike: dict[tuple[str, str], SearchResult] = {}
        ranked = order_by_relevance(rows, question)[: 4 * MAX_SUGGESTIONS]
        for hit in build_results(ranked, question):
            alike.setdefault((hit.noun, str(hit.title)), hit)
        found = [_suggestion(hit) for hit in alike.values()]
        named = find_named_countries(text)
        if not noun and named.is_whole_text and (page := find_page(named)):
            found.insert(0, page.as_suggestion())
        found = found[:MAX_SUGGESTIONS]
        number = len(found)
        said = ngettext("%(n)s suggestion", "%(n)s suggestions", number) % {"n": number}
        return JsonResponse(
            {
                "suggestions": found,
                "message": said if found else gettext("No suggestions"),
            }
        )


def _suggestion(hit: SearchResult) -> dict[str, str]:
    return {
        "title": hit.title,
        "lang": hit.title.lang,
        "also": hit.alternative_names or format_start_date(hit.date),
        "noun": hit.noun_in_words,
        "url": hit.url,
    }
