"""Differences between two editions, computed from their contents alone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from allies.models.translation import SUFFIXES, localize
from allies.text.edtf import format_edtf, format_end_date, format_period
from allies.text.markdown import to_paragraphs

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Limit of (words in one text × words in the other). Above it, texts are not compared by word.
_MAX_DIFF_WORDS = 4_000_000

#: Fields of a source, a tie and an event that are compared.
_SOURCE = ("publisher", "title", "author", "credit", "url", "archive_url", "date_published")
_TIE = ("kind", "title_en", "title_ind", "signed", "in_force", "ended", "members")
_EVENT = ("kind", "certainty", "title_en", "title_ind", "date")


class DiffSegment(NamedTuple):
    """Words that are in both texts (``same``) or only in one (``removed``, ``added``)."""

    kind: str
    text: str


@dataclass
class TextDiff:
    """The word-by-word differences of a text in one language."""

    name: str
    language: str
    pieces: list[DiffSegment]


@dataclass
class SectionDiff:
    """The differences of one entry, or of the list itself, between two editions.

    ``field_changes`` are (name, old value, new value). ``added``, ``removed`` and ``changed`` are
    (type, description) of ties, events, citations or sources.
    """

    name: "StrOrPromise"
    field_changes: list[tuple[Any, str, str]] = field(default_factory=list)
    texts: list[TextDiff] = field(default_factory=list)
    added: list[tuple[Any, str]] = field(default_factory=list)
    removed: list[tuple[Any, str]] = field(default_factory=list)
    changed: list[tuple[Any, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any((self.field_changes, self.texts, self.added, self.removed, self.changed))


@dataclass
class EditionDiff:
    """The differences between two editions, in the active language.

    ``head`` is about the list itself. ``added`` and ``removed`` are names of countries; ``moved``
    are (name, old position, new position).
    """

    head: SectionDiff
    added: list[Any]
    removed: list[Any]
    moved: list[tuple[Any, int, int]]
    entries: list[SectionDiff]
    sources: SectionDiff

    def __bool__(self) -> bool:
        return any((self.head, self.added, self.removed, self.moved, self.entries, self.sources))

    def summary(self) -> list[str]:
        """Return short descriptions of the changes; empty if there are none."""
        said = [
            _("added: %(names)s") % {"names": ", ".join(self.added)} if self.added else "",
            _("removed: %(names)s") % {"names": ", ".join(self.removed)} if self.removed else "",
        ]
        numbers = (
            (len(self.moved), ngettext("%d entry moved", "%d entries moved", len(self.moved))),
            (
                len(self.entries),
                ngettext("%d entry changed", "%d entries changed", len(self.entries)),
            ),
            (
                n := len(self.sources.added),
                ngettext("%d source added", "%d sources added", n),
            ),
            (
                n := len(self.sources.removed),
                ngettext("%d source removed", "%d sources removed", n),
            ),
            (
                n := len(self.sources.changed),
                ngettext("%d source changed", "%d sources changed", n),
            ),
        )
        said += [text % number for number, text in numbers if number]
        if self.head:
            said.append(_("title, introduction or scope changed"))
        return [text for text in said if text]


def diff_editions(old: dict[str, Any], new: dict[str, Any]) -> EditionDiff:
    """Compare the contents of two editions, the earlier one first."""
    before, after = _by_country(old), _by_country(new)
    both = [code for code in after if code in before]
    return EditionDiff(
        head=_head(old["list"], new["list"]),
        added=[_name(after[code]["country"]) for code in after if code not in before],
        removed=[_name(before[code]["country"]) for code in before if code not in after],
        moved=[
            (_name(after[code]["country"]), before[code]["position"], after[code]["position"])
            for code in both
            if before[code]["position"] != after[code]["position"]
        ],
        entries=[part for code in both if (part := _entry(before[code], after[code]))],
        sources=_sources(old["sources"], new["sources"]),
    )


def _by_country(content: dict[str, Any]) -> dict[str, Any]:
    return {entry["country"]["code"]: entry for entry in content["list"]["entries"]}


def _name(thing: Any, name: str = "name") -> Any:
    """Return the name in the active language."""
    return localize(lambda end: thing[f"{name}_{end}"])


def _title(thing: object) -> Any:
    return _name(thing, "title")


def _head(old: dict[str, Any], new: dict[str, Any]) -> SectionDiff:
    part = SectionDiff(_title(new))
    part.texts = [*_texts(old, new, "title", _("Title")), *_texts(old, new, "intro", _("Text"))]
    facts = (
        (_("Focus country"), _name(old["focus"]), _name(new["focus"])),
        (_("Region"), _scope(old["scope"]), _scope(new["scope"])),
        (_("Byline"), old.get("byline", ""), new.get("byline", "")),
        (_("Published by"), old["recorded_from"], new["recorded_from"]),
        (
            _("Number in the headline"),
            _display_value(old["promised"]),
            _display_value(new["promised"]),
        ),
    )
    part.field_changes = [fact for fact in facts if fact[1] != fact[2]]
    see_also = _("see also")
    part.added = [(see_also, key) for key in new["see_also"] if key not in old["see_also"]]
    part.removed = [(see_also, key) for key in old["see_also"] if key not in new["see_also"]]
    return part


def _scope(scope: object) -> str:
    return str(_name(scope)) if scope else ""


def _display_value(value: object) -> str:
    return "" if value is None else str(value)


def _entry(old: dict[str, Any], new: dict[str, Any]) -> SectionDiff:
    part = SectionDiff(_name(new["country"]), texts=_texts(old, new, "prose", _("Text")))
    counts = (
        (_("Independent sources"), old["independent_sources"], new["independent_sources"]),
        (_("Disputes"), old["disputes"], new["disputes"]),
    )
    part.field_changes = [(name, str(a), str(b)) for name, a, b in counts if a != b]
    _collect_changes(part, _("tie"), old["ties"], new["ties"], "slug", _TIE, _tie)
    _collect_changes(part, _("event"), old["events"], new["events"], "slug", _EVENT, _event)
    _collect_citations(part, old["citations"], new["citations"])
    return part


def _collect_changes(
    part: SectionDiff, what: object, old: Any, new: Any, key: str, fields: Iterable[str], say: Any
) -> None:
    """Add to ``part`` the ties, events or sources that were added, removed or changed.

    ``key`` is the field that identifies them, and ``say`` returns their description.
    """
    before = {thing[key]: thing for thing in old}
    after = {thing[key]: thing for thing in new}
    part.added += [(what, say(after[k])) for k in after if k not in before]
    part.removed += [(what, say(before[k])) for k in before if k not in after]
    for k in after:
        if k in before and any(before[k].get(f) != after[k].get(f) for f in fields):
            old_words, new_words = say(before[k]), say(after[k])
            words = new_words if old_words == new_words else f"{old_words} → {new_words}"
            part.changed.append((what, words))


def _collect_citations(part: SectionDiff, old: Any, new: Any) -> None:
    def place(citation: Any) -> tuple[str, str, str]:
        return (citation["source"], citation["stance"], citation["locator"])

    before, after = {place(c): c for c in old}, {place(c): c for c in new}
    part.added += [(_("citation"), _citation(p)) for p in after if p not in before]
    part.removed += [(_("citation"), _citation(p)) for p in before if p not in after]
    part.changed += [
        (_("citation"), _citation(p)) for p in after if p in before and before[p] != after[p]
    ]


def _citation(place: tuple[str, str, str]) -> str:
    source, stance, locator = place
    said = source if stance == "supports" else _("%(source)s, disputing") % {"source": source}
    return f"{said}, {locator}" if locator else said


def _tie(tie: Any) -> str:
    words = f"{_title(tie)} ({_name(tie['kind'])}"
    if began := tie["in_force"] or tie["signed"]:
        words += f"; {format_period(began, tie['ended'])}"
    elif tie["ended"]:
        words += f" – {format_end_date(tie['ended'])}"
    return f"{words})"


def _event(event: Any) -> str:
    date = format_edtf(event["date"])
    return f"{_title(event)} ({date}, {_name(event['kind'])}, {_name(event['certainty'])})"


def _sources(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> SectionDiff:
    part = SectionDiff("")
    _collect_changes(part, _("source"), old, new, "key", _SOURCE, _source)
    return part


def _source(source: Any) -> str:
    date = format_edtf(source["date_published"])
    return f"{source['publisher']}: {source['title']}" + (f" ({date})" if date else "")


def _texts(old: Any, new: Any, name: str, label: str) -> list[TextDiff]:
    """Return the differences of a text, for each language in which it changed."""
    return [
        TextDiff(
            label,
            code,
            list(diff_words(*_without_markdown(old[f"{name}_{end}"], new[f"{name}_{end}"]))),
        )
        for code, end in SUFFIXES.items()
        if old[f"{name}_{end}"] != new[f"{name}_{end}"]
    ]


def _without_markdown(old: str, new: str) -> tuple[str, str]:
    """Return two texts without Markdown markup, unless they differ only in their markup."""
    words = to_paragraphs(old), to_paragraphs(new)
    return words if words[0] != words[1] else (old, new)


def diff_words(old: str, new: str) -> Iterator[DiffSegment]:
    """Yield the word-by-word differences of two texts, in order.

    Texts above ``_MAX_DIFF_WORDS`` are not compared: one is removed, the other added.
    """
    before, after = _words(old), _words(new)
    if len(before) * len(after) > _MAX_DIFF_WORDS:
        yield from (DiffSegment("removed", old), DiffSegment("added", new))
        return
    for what, i1, i2, j1, j2 in SequenceMatcher(None, before, after, False).get_opcodes():
        if what == "equal":
            yield DiffSegment("same", "".join(before[i1:i2]))
            continue
        if i2 > i1:
            yield DiffSegment("removed", "".join(before[i1:i2]))
        if j2 > j1:
            yield DiffSegment("added", "".join(after[j1:j2]))


def _words(text: str) -> list[str]:
    """Split a text into words and punctuation marks, each with the whitespace after it."""
    return re.findall(r"\s+|\w+\s*|[^\w\s]\s*", text)
