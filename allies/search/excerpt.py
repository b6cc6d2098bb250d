"""Showing where the words of a question stand, in the text as it was written."""

import re
from collections.abc import Iterable, Iterator

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from allies.folding import fold
from allies.models.languages import Text
from allies.search.words import Question

#: Characters of an excerpt, and how many of them may stand before the first word looked for.
LENGTH, BEFORE = 220, 60

#: A word as written, accents set apart and apostrophes included.
_WORD = re.compile(r"\w+(?:[\u0300-\u036f'’ʼ‘`´.]+\w+)*[\u0300-\u036f]*")


def mark(text: str, question: Question) -> SafeString:
    """Return a text as HTML, with ``<mark>`` around the words looked for."""
    html = SafeString("")
    end = 0
    for start, stop in _places(text, question):
        html += conditional_escape(text[end:start])
        html += format_html("<mark>{}</mark>", text[start:stop])
        end = stop
    return html + conditional_escape(text[end:])


def excerpt(texts: Iterable[Text], question: Question, language: str) -> Text | None:
    """Return the passage of these texts that has a word looked for; None where none has.

    One in the reader's language, or in none, is preferred.
    """
    for text in _in_order(texts, language):
        place = next(_places(text, question), None)
        if place is not None:
            passage = _around(str(text), place[0])
            return Text(passage, text.lang, is_fallback=text.lang not in ("", language))
    return None


def begins(texts: Iterable[Text], language: str) -> Text | None:
    """Return how the first of these texts begins, in the reader's language or else another."""
    for text in _in_order(texts, language):
        return Text(_around(str(text), 0), text.lang, is_fallback=text.lang not in ("", language))
    return None


def has(text: str, question: Question) -> bool:
    """Say whether a word looked for stands in a text."""
    return next(_places(text, question), None) is not None


def _in_order(texts: Iterable[Text], language: str) -> list[Text]:
    return sorted(texts, key=lambda text: bool(text.lang) and text.lang != language)


def _around(text: str, place: int) -> str:
    """Return a passage around a place, cut between words."""
    start = 0 if place <= BEFORE else text.find(" ", place - BEFORE, place) + 1 or place
    stop = start + LENGTH
    if stop < len(text):
        cut = text.rfind(" ", start, stop)
        stop = cut if cut > place else stop
    return f"{'… ' if start else ''}{text[start:stop]}{' …' if stop < len(text) else ''}"


def _places(text: str, question: Question) -> Iterator[tuple[int, int]]:
    """Yield from where to where a text has a word looked for."""
    for found in _WORD.finditer(text):
        if any(question.fits(word) for word in _spellings(found[0])):
            yield found.span()


def _spellings(word: str) -> list[str]:
    return [*fold(word).split(), *fold(re.sub(r"['’ʼ‘`´.]", " ", word)).split()]
