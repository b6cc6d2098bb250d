"""Suggested origins of a source, found by its title, quotes and credit, each with reasons."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Length
from django.utils.translation import gettext as _

from allies.models.citation import TARGETS, Citation
from allies.models.source import Source, SourceQuerySet
from allies.text.normalize import normalize_text

#: Minimum length of a common passage of two quotes, in normalized characters.
MIN_PASSAGE_LENGTH = 60
#: Number of other quotes compared, latest first. It limits how long an editor has to wait.
MAX_QUOTES = 10_000
#: Number of sources suggested for a credit.
MAX_PER_CREDIT = 5

#: Words of a credit around the outlet's name, normalized.
_CREDIT_WORDS = {
    *("melansir", "dilansir", "melaporkan", "dikutip", "mengutip", "disadur", "diterjemahkan"),
    *("menurut", "seperti", "sumber", "laporan", "dari", "oleh", "via", "source", "sources"),
    *("reported", "reporting", "report", "by", "from", "of", "according", "to", "citing"),
    *("courtesy", "the"),
}

#: Length of the pieces into which quotes are cut. Any passage twice as long contains a whole piece.
_PIECE_LENGTH = MIN_PASSAGE_LENGTH // 2


@dataclass
class OriginSuggestion:
    """A source from which another may be derived, with the reasons for this."""

    source: Source
    reasons: list[str]


def suggest_origins(source: Source) -> list[OriginSuggestion]:
    """Return sources that this one may be derived from, those with most reasons first.

    Sources of the same origin and sources published later are left out. At most six queries.
    """
    reasons: dict[int, list[str]] = defaultdict(list)
    cited = list(Citation.objects.filter(source=source).values(*TARGETS, "quote"))
    for guess in (
        _match_titles(source),
        _match_quotes(source, cited),
        _match_credit(source, cited),
    ):
        for pk, reason in guess:
            reasons[pk].append(reason)
    found = (
        _candidates(source)
        .filter(pk__in=reasons)
        .order_by(F("date_published_earliest").asc(nulls_last=True), "key")
    )
    return sorted(
        (OriginSuggestion(original, reasons[original.pk]) for original in found),
        key=lambda suggestion: -len(suggestion.reasons),
    )


def _candidates(source: Source) -> SourceQuerySet:
    """Return all sources that it may be derived from: of another origin, not published later."""
    origin = source.origin_id or source.pk
    family = Q(pk=origin) | Q(origin=origin)
    possible = Source.objects.exclude(family)
    if source.date_published_latest:
        possible = possible.exclude(date_published_earliest__gt=source.date_published_latest)
    return possible


def _match_titles(source: Source) -> Iterable[tuple[int, str]]:
    if not source.title_key:
        return
    for pk in Source.objects.filter(title_key=source.title_key).values_list("pk", flat=True):
        yield pk, _("Same title.")


# Quotes: a passage that two documents have in common.


def _match_quotes(source: Source, cited: list[dict[str, Any]]) -> Iterable[tuple[int, str]]:
    own = [text for row in cited if len(text := normalize_text(row["quote"])) >= MIN_PASSAGE_LENGTH]
    if not own:
        return
    pieces = defaultdict(list)
    for n, text in enumerate(own):
        for start in range(len(text) - _PIECE_LENGTH + 1):
            pieces[text[start : start + _PIECE_LENGTH]].append((n, start))
    others = (
        Citation.objects.exclude(source=source)
        .annotate(length=Length("quote"))
        .filter(length__gte=MIN_PASSAGE_LENGTH)
        .order_by("-pk")
        .values_list("source_id", "quote")
    )
    longest: dict[int, str] = {}
    for pk, quote in others[:MAX_QUOTES].iterator():
        other = normalize_text(quote)
        for at in range(0, len(other) - _PIECE_LENGTH + 1, _PIECE_LENGTH):
            for n, start in pieces.get(other[at : at + _PIECE_LENGTH], ()):
                passage = _common_passage(own[n], start, other, at)
                if len(passage) >= max(MIN_PASSAGE_LENGTH, len(longest.get(pk, "")) + 1):
                    longest[pk] = passage
    for pk, passage in longest.items():
        yield pk, _("Quotes from both contain “%(words)s”.") % {"words": passage}


def _common_passage(one: str, i: int, other: str, j: int) -> str:
    """Return the text that two texts share around position ``i`` and ``j`` respectively."""
    before = 0
    while before < min(i, j) and one[i - before - 1] == other[j - before - 1]:
        before += 1
    after = 0
    while after < min(len(one) - i, len(other) - j) and one[i + after] == other[j + after]:
        after += 1
    return one[i - before : i + after].strip()


# Credit: the name of another outlet.


def _match_credit(source: Source, cited: list[dict[str, object]]) -> Iterable[tuple[int, str]]:
    credited = _strip_credit_words(source.credit)
    if not credited:
        return
    publishers = Source.objects.order_by().values_list("publisher", flat=True).distinct()
    named = find_named_outlets(credited, publishers, besides=source.publisher)
    about = Q()
    for target in TARGETS:
        about |= Q(**{f"{target}__in": [row[target] for row in cited if row[target]]})
    same = Citation.objects.filter(about, source=OuterRef("pk"))
    ranked = (
        _candidates(source)
        .filter(publisher__in=named)
        .annotate(says_the_same=Exists(same))
        .order_by("-says_the_same", F("date_published_earliest").desc(nulls_last=True), "key")
    )
    for original in ranked[:MAX_PER_CREDIT]:
        yield (
            original.pk,
            _("The credit “%(credit)s” names %(publisher)s.")
            % {"credit": source.credit, "publisher": original.publisher},
        )


def _strip_credit_words(credit: str) -> str:
    """Return a normalized credit without words like "source" or "according to"."""
    return " ".join(word for word in normalize_text(credit).split() if word not in _CREDIT_WORDS)


def find_named_outlets(credited: str, publishers: Iterable[str], *, besides: str) -> list[str]:
    """Return the publishers that a normalized credit names, longest name first.

    "CNN Indonesia" does not also name "CNN". ``besides`` is a publisher to leave out.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for publisher in publishers:
        if (name := _strip_credit_words(publisher)) and name != _strip_credit_words(besides):
            names[name].append(publisher)
    rest, found = credited, []
    for name in sorted(names, key=len, reverse=True):
        shorter = re.sub(rf"(?<!\S){re.escape(name)}(?!\S)", "|", rest)
        if shorter != rest:
            rest = shorter
            found += names[name]
    return found
