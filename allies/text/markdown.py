"""Editors' Markdown as HTML that can do no harm, with marks where a source is cited.

A mark is ``[@key]`` or ``[@key, p. 4]``, several are ``[@a; @b, p. 2]``. Which number a mark has
depends on the page, so what is cached here has gaps where the marks stand; ``notes`` fills
them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import nh3
from django.core.cache import cache
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_TAGS = {
    *("p", "br", "hr", "h3", "h4", "em", "strong", "a", "code", "pre"),
    *("ul", "ol", "li", "blockquote", "sup"),
}
_DAY = 24 * 3600

#: What every text with a mark holds; texts without it need not be parsed to know that.
_MARK_CHARACTER = "[@"
_MARK = re.compile(r"\[(@[^\[\]]+)\]")
#: Where a mark stood. Markdown's own text cannot say this: its quotes and brackets are escaped.
_GAP = re.compile(r'<sup data-note="\d+"></sup>')


#: Tokens that part words.
_SPACES = {"softbreak": " ", "hardbreak": " "}


class CitationMark(NamedTuple):
    """A source cited in a text: its key, and where in it."""

    key: str
    locator: str


class RenderedMarkdown(NamedTuple):
    """A text as HTML with gaps: between each two parts stand marks."""

    parts: list[str]
    marks: list[list[CitationMark]]


def render_markdown(text: str) -> RenderedMarkdown:
    """Return the prose as HTML: paragraphs, emphasis, links, lists, quotations; nothing else.

    The result is cached by the text itself, so that a change shows at once.
    """
    if not text:
        return RenderedMarkdown([""], [])
    key = f"prose:3:{hashlib.sha256(text.encode()).hexdigest()}"
    cached = cache.get(key)
    if cached is not None:
        parts, marks = cached  # as JSON, which knows no tuples
        found = RenderedMarkdown(
            parts, [[CitationMark(*mark) for mark in group] for group in marks]
        )
    else:
        env: dict[str, Any] = {"marks": []}
        html = nh3.clean(
            _MARKDOWN.render(text, env),
            tags=_TAGS,
            attributes={"a": {"href", "title"}, "sup": {"data-note"}},
            url_schemes={"http", "https"},
            link_rel="noopener nofollow",
        )
        found = RenderedMarkdown(_GAP.split(html), env["marks"])
        cache.set(key, found, _DAY)
    return found


def cited_keys(text: str) -> set[str]:
    """Return the keys of all sources a text cites; what looks like a mark in code is none."""
    if _MARK_CHARACTER not in text:
        return set()
    return {mark.key for token in _tokens(text) for mark in token.meta.get("marks", ())}


def to_plain_text(text: str) -> str:
    """Return the words of a text alone, on one line: no marks of Markdown, none of sources."""
    parts = []
    for block in _MARKDOWN.parse(text):
        inline = block.children if block.children is not None else [block]
        words = ""
        for token in inline:
            words = words.rstrip() if token.type == "note" else words  # "said [@key]." is "said."
            words += _SPACES.get(token.type, token.content)
        parts.append(words)
    return " ".join(" ".join(parts).split())


def to_paragraphs(text: str) -> str:
    """Return the words of a text, a line a paragraph, without marks of Markdown.

    What it cites stays, in brackets: "[@key, p. 4]".
    """
    lines = []
    for block in _MARKDOWN.parse(text):
        inline = block.children if block.children is not None else [block]
        line = "".join(
            _format_marks(token.meta["marks"])
            if token.type == "note"
            else _SPACES.get(token.type, token.content)
            for token in inline
        )
        lines.append(line.strip())
    return "\n\n".join(line for line in lines if line)


def _format_marks(marks: list[CitationMark]) -> str:
    """Return marks as they are written."""
    inside = (", ".join(part for part in (f"@{m.key}", m.locator) if part) for m in marks)
    return f"[{'; '.join(inside)}]"


def with_current_keys(text: str, current: Mapping[str, str]) -> str:
    """Return a text whose marks name sources by their current keys.

    ``current`` maps a key to the current one. A mark of a key that is not in it is left out; what
    else its bracket cites stays.
    """
    changed = {key for key in cited_keys(text) if current.get(key) != key}
    if not changed:
        return text

    def kept(found: re.Match[str]) -> str:
        marks = _parse_marks(found[1])
        if not any(mark.key in changed for mark in marks):
            return found[0]
        left = [
            mark._replace(key=current[mark.key]) if mark.key in changed else mark
            for mark in marks
            if mark.key not in changed or mark.key in current
        ]
        return _format_marks(list(dict.fromkeys(left))) if left else ""

    return _MARK.sub(kept, text)


def _tokens(text: str) -> Iterator[Token]:
    for block in _MARKDOWN.parse(text):
        yield from block.children or ()


def _parse_marks(inside: str) -> list[CitationMark]:
    """Return the marks between two brackets; [] where it is some other text."""
    marks = []
    for part in inside.split(";"):
        key, _comma, locator = part.strip().partition(",")
        key = key.rstrip()
        if not key.startswith("@") or len(key) == 1 or re.search(r"[\s@]", key[1:]):
            return []
        marks.append(CitationMark(key[1:], " ".join(locator.split())))
    return marks


def _mark_rule(state: StateInline, silent: bool) -> bool:
    """Read a mark; before an opening parenthesis it is a link’s text instead."""
    found = _MARK.match(state.src, state.pos, state.posMax)
    if not found or state.src[found.end() : found.end() + 1] == "(":
        return False
    marks = _parse_marks(found[1])
    if not marks:
        return False
    if not silent:
        state.push("note", "sup", 0).meta["marks"] = marks
    state.pos = found.end()
    return True


def _gap(
    renderer: RendererProtocol, tokens: Sequence[Token], n: int, options: object, env: Any
) -> str:
    env["marks"].append(tokens[n].meta["marks"])
    return f'<sup data-note="{len(env["marks"])}"></sup>'


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(
    ["image", "html_block", "html_inline"]
)
_MARKDOWN.inline.ruler.before("link", "note", _mark_rule)
_MARKDOWN.add_render_rule("note", _gap)
