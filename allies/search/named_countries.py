"""Find the countries that a text names: "indonesia dan china", "USA vs Russia", "id cn"."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from allies.models import Country, SearchText
from allies.search.query import LONGEST, MOST_WORDS, STOPWORDS
from allies.text.normalize import normalize_text

#: Words between the names of countries, besides the stopwords, in both languages.
CONNECTIVES = STOPWORDS | {
    *("against", "antara", "between", "dengan", "hubungan", "lawan", "melawan", "relations"),
    *("serta", "v", "versus", "vs"),
}

#: A shorter word names a country only if it is written in capitals, or if the text has no words
#: but names and connectives.
MIN_NAME_LENGTH = 4

#: Maximum number of words of a name.
_LONGEST_NAME = 8


@dataclass(frozen=True)
class NamedCountries:
    """The countries that a text names, in its order, each once.

    ``is_whole_text`` says whether the text has no other words, apart from connectives.
    """

    countries: tuple[Country, ...] = ()
    is_whole_text: bool = False


@dataclass(frozen=True)
class _Word:
    text: str
    is_upper: bool


def find_named_countries(text: str) -> NamedCountries:
    """Return the countries that a text names by a name, an alias or a code.

    At most two queries; none for fewer than two words. Words after MOST_WORDS are ignored.
    """
    words = _words(text[:LONGEST])[:MOST_WORDS]
    if len(words) < 2:
        return NamedCountries()
    known = _countries_called({span for span, _first, _last in _spans(words)})
    found, others = _read(words, known, CONNECTIVES)
    if not others and len(found) < 2:
        # "in cn": both words are codes, although one of them is a stopword too.
        strict, left = _read(words, known, frozenset())
        found = found if left else strict
    if others:
        found = [name for name in found if _is_distinctive(name)]
    countries = dict.fromkeys(known[" ".join(word.text for word in name)] for name in found)
    return NamedCountries(tuple(countries), is_whole_text=not others)


def _words(text: str) -> list[_Word]:
    # If everything is in capitals, they say nothing about a single word.
    is_told = not text.isupper()
    return [
        _Word(word, is_told and chunk.isupper())
        for chunk in text.split()
        for word in normalize_text(chunk).split()
    ]


def _spans(words: Sequence[_Word]) -> Iterator[tuple[str, int, int]]:
    """Yield (text, start, end) of all sequences of words that may be a name."""
    for first in range(len(words)):
        for last in range(first + 1, min(first + _LONGEST_NAME, len(words)) + 1):
            yield " ".join(word.text for word in words[first:last]), first, last


def _countries_called(names: set[str]) -> dict[str, Country]:
    """Return name → country for the names that exactly one country has.

    A number counts only as a COW code: other codes use the same numbers.
    """
    is_called = Q(pk__in=[])
    for name in names:
        is_called |= Q(names__contains=f"| {name} |")
    rows = SearchText.objects.filter(is_called, noun="country")
    texts = dict(rows.values_list("record_id", "names"))
    called: dict[str, list[Country]] = {}
    for pk, country in Country.objects.published().in_bulk(texts).items():
        own = {way.strip() for way in texts[pk].split("|")}
        for name in names & own:
            if not name.isdecimal() or country.cow_code == int(name):
                called.setdefault(name, []).append(country)
    return {name: found[0] for name, found in called.items() if len(found) == 1}


def _read(
    words: Sequence[_Word], known: Mapping[str, Country], skipped: frozenset[str]
) -> tuple[list[tuple[_Word, ...]], list[_Word]]:
    """Return the words of each name, the longest names first at each place, and the other words.

    ``skipped`` are words that count as neither, unless they are part of a longer name or in
    capitals.
    """
    names: list[tuple[_Word, ...]] = []
    others: list[_Word] = []
    ends = {first: last for text, first, last in _spans(words) if text in known}  # the longest
    start = 0
    while start < len(words):
        word, end = words[start], ends.get(start, start)
        is_name = end > start + 1 or (end > start and (word.text not in skipped or word.is_upper))
        if is_name:
            names.append(tuple(words[start:end]))
        elif word.text not in skipped:
            others.append(word)
        start = end if is_name else start + 1
    return names, others


def _is_distinctive(name: tuple[_Word, ...]) -> bool:
    return len(name) > 1 or len(name[0].text) >= MIN_NAME_LENGTH or name[0].is_upper
