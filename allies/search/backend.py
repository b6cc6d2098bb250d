"""Finding and putting in order: the same things in the same order on either database.

The databases' own full-text indexes say which records have the words; the order is worked out
from the texts by one expression, for their own scores (bm25, ts_rank) differ.
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

from allies.models import SEARCHABLE_MODELS, SearchText
from allies.page_cache.memo import while_unchanged
from allies.search.query import SearchQuery, SearchTerm, parse_query

if TYPE_CHECKING:
    from allies.models.search_document import SearchTextQuerySet

#: Letters a country's name has at least that is looked for in place of another: codes are none.
MIN_NAME_LENGTH = 4

#: How well something fits, the best first.
EXACT, TITLE, TITLE_BEGINS, TEXT = range(4)


def match(question: SearchQuery, rows: "SearchTextQuerySet | None" = None) -> "SearchTextQuerySet":
    """Return the public rows of the index that have all words and phrases of a question.

    What may stand for a word, as ``question.alternatives`` says, stands for it.

    ``rows`` are those to look among; all public ones where none are given.
    """
    found = SearchText.objects.published() if rows is None else rows
    if not question:
        return found.none()
    found = found.filter(pk__in=_ids(question))
    for phrase in question.phrases:
        found = found.filter(Q(names__contains=f" {phrase} ") | Q(body__contains=f" {phrase} "))
    return found


def match_names(question: SearchQuery) -> "SearchTextQuerySet":
    """Return the public rows that have all words of a question in their names."""
    return match(question).filter(pk__in=_ids(question, in_names=True))


def order_by_relevance(rows: "SearchTextQuerySet", question: SearchQuery) -> "SearchTextQuerySet":
    """Put rows in order: what is called so, what is called so among else, what says so.

    Where two fit as well, countries come first, then what has a name that begins so, or the
    shorter name (of what is called so), what says it more often, and what is newer.
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
        Case(When(noun="country", then=Value(0)), default=Value(1)),
        Case(When(Q(names__contains=f"| {question.full_text}"), then=Value(0)), default=Value(1)),
        Case(When(fit__lt=TEXT, then=Length("names")), default=Value(0)),
        F("times").desc(),
        F("first").desc(nulls_last=True),
        "order",
        "record_id",
    )


def suggest_spelling(question: SearchQuery) -> SearchQuery | None:
    """Return the question with near words in place of those that nothing public has.

    None where it finds something as it is, or where no known word is near. One mistake is
    forgiven in a word of four letters, two in one of eight; letters that changed places are one.
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
    """Return the word nearest to this one that something public has, if one is near."""
    limit = 2 if len(word) >= 8 else 1
    lengths = range(len(word) - limit, len(word) + limit + 1)
    vocabulary = while_unchanged("vocabulary", _vocabulary)
    known = {other: n for other, n in vocabulary.items() if len(other) in lengths}
    near = process.extract(word, known.keys(), scorer=OSA.distance, score_cutoff=limit, limit=None)
    in_order = sorted(near, key=lambda found: (found[1], -known[found[0]], found[0]))
    return in_order[0][0] if in_order else None


def _vocabulary() -> dict[str, int]:
    """Return the words of what is public, and in how many records each is.

    Not the index's own list: that has the words of drafts too.
    """
    found: Counter[str] = Counter()
    for texts in SearchText.objects.published().values_list("names", "body").iterator():
        found.update({word for text in texts for word in text.split() if word.isalnum()})
    return found


def expand_aliases(question: SearchQuery) -> SearchQuery:
    """Return the question with other names for each word that is a country's name; one query."""
    if not question:
        return question
    words = {word.text for word in question.words}
    is_called = Q(pk__in=[])
    for word in words:
        is_called |= Q(names__contains=f"| {word} |")
    found: dict[str, list[str]] = {}
    countries = SearchText.objects.filter(is_called, noun="country").order_by("record_id")
    for names in countries.values_list("names", flat=True):
        ways = [way for part in names.split("|") if (way := part.strip())]
        others = [way for way in ways if len(way) >= MIN_NAME_LENGTH]
        for word in words.intersection(ways):
            found.setdefault(word, []).extend(way for way in others if way != word)
    return replace(question, alternatives=found)


def _ids(question: SearchQuery, *, in_names: bool = False) -> RawSQL:
    """Return the ids of what has all the words, as the database's own index finds them.

    Outside of names, what may stand for a word does. What is asked is letters and digits only:
    ``fold`` left nothing that either language reads.
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
    """Return how often the words stand in a body, each only once more where it begins others."""
    times: CombinedExpression | Value = Value(0)
    for word in question.words:
        sign = f" {word.text}" if word.is_prefix else f" {word.text} "
        without = Length(Replace("body", Value(sign), Value("")))
        times = times + (Length("body") - without) / Value(len(sign))
    return times


def _model_name(model: type[Model]) -> str:
    return str(model._meta.model_name)
