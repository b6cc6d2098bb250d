"""Excerpts of a text, with the words of a search query marked, in the original spelling."""

import re
from collections.abc import Iterable, Iterator

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from allies.models.translation import LocalizedText
from allies.search.query import SearchQuery
from allies.text.normalize import normalize_text

#: Maximum characters of an excerpt, and of its part before the first match.
LENGTH, BEFORE = 220, 60

#: A word as written, including apostrophes and combining accents.
_WORD = re.compile(r"\w+(?:[\u0300-\u036f'’ʼ‘`´.]+\w+)*[\u0300-\u036f]*")


def highlight(text: str, question: SearchQuery) -> SafeString:
    """Return a text as HTML, with ``<mark>`` around the matching words."""
    html = SafeString("")
    end = 0
    for start, stop in _match_positions(text, question):
        html += conditional_escape(text[end:start])
        html += format_html("<mark>{}</mark>", text[start:stop])
        end = stop
    return html + conditional_escape(text[end:])


def excerpt(
    texts: Iterable[LocalizedText], question: SearchQuery, language: str
) -> LocalizedText | None:
    """Return the passage of these texts with the first match; None if there is no match.

    Texts in the reader's language, or without a language, come first.
    """
    for text in _in_order(texts, language):
        place = next(_match_positions(text, question), None)
        if place is not None:
            passage = _passage_around(str(text), place[0])
            return LocalizedText(passage, text.lang, is_fallback=text.lang not in ("", language))
    return None


def opening(texts: Iterable[LocalizedText], language: str) -> LocalizedText | None:
    """Return the beginning of one of these texts, in the reader's language if possible."""
    for text in _in_order(texts, language):
        return LocalizedText(
            _passage_around(str(text), 0), text.lang, is_fallback=text.lang not in ("", language)
        )
    return None


def contains_term(text: str, question: SearchQuery) -> bool:
    """Return whether a text contains a matching word."""
    return next(_match_positions(text, question), None) is not None


def _in_order(texts: Iterable[LocalizedText], language: str) -> list[LocalizedText]:
    return sorted(texts, key=lambda text: bool(text.lang) and text.lang != language)


def _passage_around(text: str, place: int) -> str:
    """Return a passage around a position, cut between words."""
    start = 0 if place <= BEFORE else text.find(" ", place - BEFORE, place) + 1 or place
    stop = start + LENGTH
    if stop < len(text):
        cut = text.rfind(" ", start, stop)
        stop = cut if cut > place else stop
    return f"{'… ' if start else ''}{text[start:stop]}{' …' if stop < len(text) else ''}"


def _match_positions(text: str, question: SearchQuery) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each matching word in a text."""
    for found in _WORD.finditer(text):
        if any(question.matches(word) for word in _spellings(found[0])):
            yield found.span()


def _spellings(word: str) -> list[str]:
    return [*normalize_text(word).split(), *normalize_text(re.sub(r"['’ʼ‘`´.]", " ", word)).split()]
