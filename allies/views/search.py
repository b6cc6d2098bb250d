"""Search as readers meet it: the results in every form, and suggestions while they type."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views import View

from allies.description import EDTF_NOTE
from allies.edtf import in_words
from allies.feeds.atom import Entry as FeedEntry
from allies.feeds.entries import Gone, Row, corrections_of, newest_of, rows_of
from allies.feeds.lists import ListedEntries
from allies.filters import SearchFilterSet
from allies.models import SEARCHED, AllyList, Entry, Record, SearchText
from allies.models.languages import Text
from allies.search.documents import DOCUMENTS
from allies.search.excerpt import begins, excerpt, has
from allies.search.find import corrected, named, ranked
from allies.search.words import LONGEST, Question, read
from allies.views.columns import Column
from allies.views.downloads import CHUNK
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.filters.base import ReadersFilterSet
    from allies.models.search_text import SearchTextQuerySet

#: Suggestions made at most.
SUGGESTED = 8

_WITH_THEM: dict[str, tuple[str, ...]] = {"entry": ("country", "ally_list")}
_DATES = {"event": "date", "source": "date_published", "alliance": "began"}


@dataclass(frozen=True)
class Hit:
    """A record that was found, with what the page shows of it; all of it is public today."""

    record: Any
    noun: str
    title: Text
    #: Another name by which it was found, and a passage; "" where there is none to show.
    also: Text
    passage: Text
    url: str
    #: When it was or began (EDTF); "" where it is about no day.
    date: str

    @property
    def noun_in_words(self) -> str:
        return str(self.record._meta.verbose_name)

    @property
    def code(self) -> str:
        """What the record goes by in files."""
        return str(
            getattr(self.record, "code", "") or getattr(self.record, "key", "") or self.record.slug
        )


def hits(rows: Iterable[SearchText], question: Question) -> Iterator[Hit]:
    """Yield what rows of the index stand for; a query a noun for each CHUNK, two for countries."""
    rows = iter(rows)
    while some := list(islice(rows, CHUNK)):
        records = {model._meta.model_name: _records(model, some) for model in SEARCHED}
        for row in some:
            # One that was withdrawn since the rows were read is left out.
            if record := records[row.noun].get(row.record_id):
                yield _hit(row.noun, record, question)


def _records(model: Any, rows: list[SearchText]) -> dict[int, Record]:
    noun = model._meta.model_name
    ids = [row.record_id for row in rows if row.noun == noun]
    if not ids:
        return {}
    public = model.objects.published().select_related(*_WITH_THEM.get(noun, ()))
    return dict(public.prefetch_related(*DOCUMENTS[noun].with_them).in_bulk(ids))


def _hit(noun: str, record: Any, question: Question) -> Hit:
    language = get_language() or "en"
    title = _title(noun, record)
    body = list(DOCUMENTS[noun].body(record))
    passage = excerpt(body, question, language)
    also = None
    if passage is None and not has(title, question):
        also = excerpt(DOCUMENTS[noun].names(record), question, language)
    listed = record.ally_list if noun == "entry" else record
    anchor = f"#{record.country.slug}" if noun == "entry" else ""
    return Hit(
        record,
        noun,
        title,
        also or Text("", ""),
        passage or begins(body, language) or Text("", ""),
        f"{listed.get_absolute_url()}{anchor}",
        getattr(record, _DATES[noun]) if noun in _DATES else "",
    )


def _title(noun: str, record: Any) -> Text:
    if noun == "entry":
        return Text(f"{record.country.name} – {record.ally_list.title}", "")
    if noun == "source":
        return Text(f"{record.publisher}: {record.title}", record.language)
    title: Text = record.name if noun == "country" else record.title
    return title


class SearchListing(Listing):
    filterset_class = SearchFilterSet
    template_name = "allies/search/list.html"
    per_page = 20
    columns = (
        Column("noun", lambda hit: hit.noun, _("record type"), _("The record type.")),
        Column("record", lambda hit: hit.code, _("record"), _("The identifier used in files.")),
        Column("title", lambda hit: str(hit.title), _("title"), _("In the requested language.")),
        Column("date", lambda hit: hit.date, _("date"), EDTF_NOTE),
        Column("address", lambda hit: hit.url, _("address"), _("The address of its page.")),
        Column(
            "passage",
            lambda hit: str(hit.passage),
            _("passage"),
            _("The text around the matching words."),
        ),
    )
    asked: SearchFilterSet

    def queryset(self) -> "SearchTextQuerySet":
        return SearchText.objects.published()

    def filterset(self) -> SearchFilterSet:
        self.asked = SearchFilterSet(self.request.GET, queryset=self.queryset())
        return self.asked

    def rows(self, queryset: Any) -> Iterator[Hit]:
        return hits(queryset.iterator(chunk_size=CHUNK), self.asked.question)

    def page_rows(self, queryset: Any) -> Iterable[Hit]:
        return hits(queryset, self.asked.question) if self.asked.is_valid() else []

    def _found(self, queryset: Any) -> Iterator[tuple[Any, Any]]:
        """Yield each model with the ids of its records that were found."""
        for model in SEARCHED:
            of_noun = queryset.order_by().filter(noun=model._meta.model_name)
            yield model, of_noun.values("record_id")

    def feed_rows(self, queryset: QuerySet[Model]) -> Iterator[Row]:
        for model, records in newest_of(self._found(queryset)):
            if model is Entry:
                lists = AllyList.objects.published().filter(entries__in=records).distinct()
                ever = ListedEntries(list(lists), several=True)
                yield from ever.rows(
                    Entry.objects.select_related("country").filter(pk__in=[r.pk for r in records])
                )
            else:
                yield from rows_of(records)

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterator[FeedEntry]:
        for model, ids in self._found(queryset):
            yield from corrections_of(str(model._meta.model_name), ids)

    def feed_gone(self, filterset: "ReadersFilterSet") -> Iterable[Gone]:
        return ()  # the index forgets what is not public

    def title(self) -> Any:
        return _("Search")

    def spans(self) -> dict[str, Any]:
        return {}

    def described(self) -> None:
        """Say nothing: what was found is no data set."""

    def context(self) -> dict[str, object]:
        if not self.asked.is_valid():
            return {}
        return {
            "typed": self.asked.typed,
            "question": self.asked.question,
            "corrected": self.asked.corrected,
            "longest": LONGEST,
        }


class Suggestions(View):
    """What one may mean, by its names, while one types."""

    def get(self, request: HttpRequest) -> JsonResponse:
        """Answer ``{"suggestions": [{"title", "also", "noun", "url"}], "message"}``.

        Of things of one noun with one title, the first stands for all.
        """
        question = read(request.GET.get("q", ""))
        question = corrected(question) or question
        rows = ranked(named(question), question)[: 4 * SUGGESTED]
        alike: dict[tuple[str, str], Hit] = {}
        for hit in hits(rows, question):
            alike.setdefault((hit.noun, str(hit.title)), hit)
        found = list(alike.values())[:SUGGESTED]
        number = len(found)
        said = ngettext("%(n)s suggestion", "%(n)s suggestions", number) % {"n": number}
        return JsonResponse(
            {
                "suggestions": [
                    {
                        "title": hit.title,
                        "lang": hit.title.lang,
                        "also": hit.also or in_words(hit.date),
                        "noun": hit.noun_in_words,
                        "url": hit.url,
                    }
                    for hit in found
                ],
                "message": said if found else gettext("No suggestions"),
            }
        )
