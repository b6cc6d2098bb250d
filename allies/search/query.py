"""What somebody typed, read: words, phrases, beginnings of words. Nothing typed is an error."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import dropwhile

from allies.text.normalize import normalize_text

#: Characters and words that are read of a question; what comes after is left out.
LONGEST, MOST_WORDS = 200, 12

#: Words that say nothing by themselves, in both languages; inside a phrase they count.
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
    """A folded word, or the beginning of one."""

    text: str
    is_prefix: bool = False

    def matches(self, folded: str) -> bool:
        return folded.startswith(self.text) if self.is_prefix else folded == self.text


@dataclass(frozen=True)
class SearchQuery:
    """What is looked for: all of these words, and these phrases word by word."""

    words: tuple[SearchTerm, ...]
    phrases: tuple[str, ...] = ()
    #: All that was typed, folded, and it without small words before it: a name may be just that.
    full_text: str = ""
    without_stopwords: str = ""
    #: Whether more was typed than is read.
    is_truncated: bool = False
    #: What may stand for a word: other names of the country called so (``find.expand_aliases``).
    alternatives: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)

    def __bool__(self) -> bool:
        return bool(self.words)

    @cached_property
    def whole_words(self) -> "SearchQuery":
        """The same, its beginnings taken for words."""
        return SearchQuery(tuple(SearchTerm(word.text) for word in self.words), self.phrases)

    def matches(self, folded: str) -> bool:
        """Say whether a folded word is one of those looked for."""
        return any(word.matches(folded) for word in self.words)

    def with_words(self, others: dict[str, str]) -> str:
        """Return what one would type to ask for other words in place of some."""
        phrases = [
            f'"{" ".join(others.get(word, word) for word in phrase.split())}"'
            for phrase in self.phrases
        ]
        inside = {word for phrase in self.phrases for word in phrase.split()}
        loose = [w.text for w in self.words if w.text not in inside or w.is_prefix]
        return " ".join([*phrases, *(others.get(word, word) for word in loose)])


def parse_query(text: str) -> SearchQuery:
    """Read a question: words, "phrases", ``beginn*``; the last word is a beginning by itself.

    All words have to be there, in whatever order. An unpaired quote is no quote.
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
