"""Parse search queries: words, phrases, prefixes. Every text is a valid query."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import dropwhile

from allies.text.normalize import normalize_text

#: Characters and words of a query that are read; the rest is ignored.
LONGEST, MOST_WORDS = 200, 12

#: Words without meaning of their own, in both languages; inside a phrase they count.
STOPWORDS = frozenset(
    (
        *("a", "an", "and", "are", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the"),
        *("to", "who", "with", "dan", "dari", "di", "ke", "oleh", "pada", "yang"),
    )
)

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_PHRASE = re.compile(r'"([^"]*)"')


@dataclass(frozen=True)
class SearchTerm:
    """A normalised word or prefix."""

    text: str
    is_prefix: bool = False

    def matches(self, folded: str) -> bool:
        return folded.startswith(self.text) if self.is_prefix else folded == self.text


@dataclass(frozen=True)
class SearchQuery:
    """A parsed search query: all words must match, and all phrases word for word."""

    words: tuple[SearchTerm, ...]
    phrases: tuple[str, ...] = ()
    #: The whole query, normalised, and without stopwords at its beginning. It may be a name.
    full_text: str = ""
    without_stopwords: str = ""
    #: Whether the query was longer than the part that is read.
    is_truncated: bool = False
    #: Alternatives for a word: other names of the same record (``backend.expand_aliases``).
    alternatives: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)

    def __bool__(self) -> bool:
        return bool(self.words)

    @cached_property
    def whole_words(self) -> "SearchQuery":
        """The words and phrases of this query, with whole words instead of prefixes."""
        return SearchQuery(tuple(SearchTerm(word.text) for word in self.words), self.phrases)

    def matches(self, folded: str) -> bool:
        """Return whether a normalised word matches one of the query's words."""
        return any(word.matches(folded) for word in self.words)

    def with_words(self, others: dict[str, str]) -> str:
        """Return the query as text, with words replaced; ``others`` is word → replacement.

        Phrases come first. The text has no ``*`` after prefixes.
        """
        phrases = [
            f'"{" ".join(others.get(word, word) for word in phrase.split())}"'
            for phrase in self.phrases
        ]
        inside = {word for phrase in self.phrases for word in phrase.split()}
        loose = [w.text for w in self.words if w.text not in inside or w.is_prefix]
        return " ".join([*phrases, *(others.get(word, word) for word in loose)])


def parse_query(text: str) -> SearchQuery:
    """Parse a query: words, "phrases", ``prefix*``. All words must match, in any order.

    The last word is a prefix too, unless it is part of a phrase. Stopwords outside phrases are
    ignored if there are other words. Characters after LONGEST are ignored, and so are distinct
    words after MOST_WORDS, except in phrases. An unpaired quotation mark is ignored.
    """
    typed = text.translate(_QUOTES).strip()
    cut = typed[:LONGEST]
    phrases: list[str] = []
    words: list[SearchTerm] = []
    pieces = _PHRASE.split(cut)
    for number, piece in enumerate(pieces):
        if number % 2:
            if folded := normalize_text(piece):
                phrases.append(folded)
                words += [SearchTerm(word) for word in folded.split()]
        else:
            words += _words(piece)
    if loose := _words(pieces[-1]):
        words[-1] = SearchTerm(loose[-1].text, is_prefix=True)
    inside = {word for phrase in phrases for word in phrase.split()}
    telling = [w for w in words if w.text not in STOPWORDS or w.text in inside]
    distinct = tuple(dict.fromkeys(telling or words))
    return SearchQuery(
        distinct[:MOST_WORDS],
        tuple(dict.fromkeys(phrases)),
        normalize_text(cut),
        _without_stopwords(normalize_text(cut).split()),
        is_truncated=len(typed) > LONGEST or len(distinct) > MOST_WORDS,
    )


def _without_stopwords(words: list[str]) -> str:
    return " ".join(dropwhile(STOPWORDS.__contains__, words))


def _words(piece: str) -> list[SearchTerm]:
    found: list[SearchTerm] = []
    for chunk in piece.split():
        folded = [SearchTerm(word) for word in normalize_text(chunk).split()]
        if folded and chunk.endswith("*"):
            folded[-1] = SearchTerm(folded[-1].text, is_prefix=True)
        found += folded
    return found
