"""Search and ranking, with the same results in the same order on both databases.

The databases' own full-text indexes find the records that match. The order is computed from the
texts by one expression, because the databases' own scores (bm25, ts_rank) differ.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Case, F, IntegerField, Model, Q, Value, When
from django.db.models.expressions import CombinedExpression, RawSQL
from django.db.models.functions import Length, Replace
from rapidfuzz import process
from rapidfuzz.distance import OSA

from allies.models import NAMED, SEARCHABLE_MODELS, SearchText
from allies.page_cache.memo import while_unchanged
from allies.search.query import SearchQuery, SearchTerm, parse_query

if TYPE_CHECKING:
    from allies.models.search_document import SearchTextQuerySet

#: Shortest name that is used as an alternative to another; codes are shorter.
MIN_NAME_LENGTH = 4

#: Record types that readers usually look for → their rank among equally good matches.
_FIRST_TYPES = {"country": 0, "alliance": 1, "allylist": 1}

#: How well a record matches, best first.
EXACT, TITLE, TITLE_BEGINS, TEXT = range(4)


def match(question: SearchQuery, rows: "SearchTextQuerySet | None" = None) -> "SearchTextQuerySet":
    """Return the rows of the index that match all words and phrases of a query.

    A word also matches through its alternatives (``question.alternatives``). ``rows`` are the rows
    to search in, by default all public ones.
    """
    found = SearchText.objects.published() if rows is None else rows
    if not question:
        return found.none()
    found = found.filter(pk__in=_ids(question))
    for phrase in question.phrases:
        found = found.filter(Q(names__contains=f" {phrase} ") | Q(body__contains=f" {phrase} "))
    return found


def match_names(question: SearchQuery) -> "SearchTextQuerySet":
    """Return the public rows whose names match all words of a query."""
    return match(question).filter(pk__in=_ids(question, in_names=True))


def order_by_relevance(rows: "SearchTextQuerySet", question: SearchQuery) -> "SearchTextQuerySet":
    """Order rows: first those with exactly this name, then those with the words in a name or text.

    Among equal matches, countries come first, then alliances and lists. Then come names that begin
    with the query, shorter names (for matches in names), more occurrences in the text, and newer
    records.
    """
    fit = Case(
        When(
            _is_called(question.full_text) | _is_called(question.without_stopwords),
            then=Value(EXACT),
        ),
        When(pk__in=_ids(question.whole_words, in_names=True), then=Value(TITLE)),
        When(pk__in=_ids(question, in_names=True), then=Value(TITLE_BEGINS)),
        default=Value(TEXT),
        output_field=IntegerField(),
    )
    noun = Case(
        *(
            When(noun=_model_name(model), then=Value(n))
            for n, model in enumerate(SEARCHABLE_MODELS)
        ),
        output_field=IntegerField(),
    )
    return rows.annotate(fit=fit, times=_occurrences(question), order=noun).order_by(
        "fit",
        Case(
            *(When(noun=noun, then=Value(n)) for noun, n in _FIRST_TYPES.items()), default=Value(2)
        ),
        Case(When(Q(names__contains=f"| {question.full_text}"), then=Value(0)), default=Value(1)),
        Case(When(fit__lt=TEXT, then=Length("names")), default=Value(0)),
        F("times").desc(),
        F("first").desc(nulls_last=True),
        "order",
        "record_id",
    )


def suggest_spelling(question: SearchQuery) -> SearchQuery | None:
    """Return the query with similar words for those that no public record contains.

    Return None if the query has results as it is, or if no known word is similar. A word of four
    letters may have one mistake, a word of eight two. Letters that changed places count as one.
    """
    if not question or match(question).exists():
        return None
    others = {}
    for word in question.words:
        if len(word.text) >= 4 and not match(SearchQuery((word,))).exists():
            near = _nearest_word(word.text)
            if near is None:
                return None
            others[word.text] = near
    if not others:
        return None
    better = expand_aliases(parse_query(question.with_words(others)))
    return better if match(better).exists() else None


def _nearest_word(word: str) -> str | None:
    """Return the most similar word that a public record contains; None if none is similar."""
    limit = 2 if len(word) >= 8 else 1
    lengths = range(len(word) - limit, len(word) + limit + 1)
    vocabulary = while_unchanged("vocabulary", _vocabulary)
    known = {other: n for other, n in vocabulary.items() if len(other) in lengths}
    near = process.extract(word, known.keys(), scorer=OSA.distance, score_cutoff=limit, limit=None)
    in_order = sorted(near, key=lambda found: (found[1], -known[found[0]], found[0]))
    return in_order[0][0] if in_order else None


def _vocabulary() -> dict[str, int]:
    """Return the words of public records, each with the number of records that contain it.

    The index's own list of words cannot be used, because it includes the words of drafts.
    """
    found: Counter[str] = Counter()
    for texts in SearchText.objects.published().values_list("names", "body").iterator():
        found.update({word for text in texts for word in text.split() if word.isalnum()})
    return found


def expand_aliases(question: SearchQuery) -> SearchQuery:
    """Return the query with other names for each word that names a country or an alliance.

    One query. Only the names of public records count.
    """
    if not question:
        return question
    words = {word.text for word in question.words}
    is_called = Q(pk__in=[])
    for word in words:
        is_called |= Q(names__contains=f"| {word} |")
    found: dict[str, list[str]] = {}
    named = SearchText.objects.published().filter(is_called, noun__in=NAMED)
    for names in named.order_by("record_id").values_list("names", flat=True):
        ways = [way for part in names.split("|") if (way := part.strip())]
        others = [way for way in ways if len(way) >= MIN_NAME_LENGTH]
        for word in words.intersection(ways):
            found.setdefault(word, []).extend(way for way in others if way != word)
    return replace(question, alternatives=found)


def _ids(question: SearchQuery, *, in_names: bool = False) -> RawSQL:
    """Return the ids of the rows with all words, as the database's full-text index finds them.

    Alternatives count unless ``in_names``. The words are safe to insert: ``normalize_text`` leaves
    only letters and digits, which have no meaning in either query language.
    """
    others = {} if in_names else question.alternatives

    def asked(
        word: Callable[[SearchTerm], str], phrase: Callable[[str], str], either: str, every: str
    ) -> str:
        ways = ([word(one), *map(phrase, others.get(one.text, ()))] for one in question.words)
        return every.join(f"({either.join(f'({way})' for way in some)})" for some in ways)

    if connection.vendor == "postgresql":
        marks = "A" if in_names else ""
        words = asked(
            lambda word: f"'{word.text}':{'*' if word.is_prefix else ''}{marks}".removesuffix(":"),
            lambda way: " <-> ".join(f"'{part}'" for part in way.split()),
            *(" | ", " & "),
        )
        return RawSQL("SELECT id FROM allies_searchtext WHERE words @@ %s::tsquery", [words])
    words = asked(
        lambda word: f'"{word.text}"{"*" if word.is_prefix else ""}',
        lambda way: f'"{way}"',
        *(" OR ", " AND "),
    )
    return RawSQL(
        "SELECT rowid FROM allies_searchtext_fts WHERE allies_searchtext_fts MATCH %s",
        [f"{{names}} : ({words})" if in_names else words],
    )


def _is_called(name: str) -> Q:
    return Q(names__contains=f"| {name} |") if name else Q(pk__in=[])


def _occurrences(question: SearchQuery) -> CombinedExpression | Value:
    """Return how often the words occur in a body; a prefix counts in every word it begins."""
    times: CombinedExpression | Value = Value(0)
    for word in question.words:
        sign = f" {word.text}" if word.is_prefix else f" {word.text} "
        without = Length(Replace("body", Value(sign), Value("")))
        times = times + (Length("body") - without) / Value(len(sign))
    return times


def _model_name(model: type[Model]) -> str:
    return str(model._meta.model_name)
