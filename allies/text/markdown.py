"""Render editors' Markdown as safe HTML, and find the citations in it.

A citation mark is ``[@key]`` or ``[@key, p. 4]``; several are ``[@a; @b, p. 2]``. The number of a
citation depends on the page. So the HTML that is cached here has a gap for each mark, and
``allies.citations.footnotes`` fills the gaps.
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

#: Every text with a mark contains this. Texts without it need not be parsed for marks.
_MARK_CHARACTER = "[@"
_MARK = re.compile(r"\[(@[^\[\]]+)\]")
#: The placeholder of a mark. Text cannot contain it, because Markdown escapes its characters.
_GAP = re.compile(r'<sup data-note="\d+"></sup>')


#: Tokens that separate words.
_SPACES = {"softbreak": " ", "hardbreak": " "}


class CitationMark(NamedTuple):
    """A source cited in a text: its key, and the place in the source."""

    key: str
    locator: str


class RenderedMarkdown(NamedTuple):
    """A text as HTML in parts; the marks at index ``i`` belong after the part at ``i``."""

    parts: list[str]
    marks: list[list[CitationMark]]


def render_markdown(text: str) -> RenderedMarkdown:
    """Return the text as HTML with paragraphs, emphasis, links, lists and quotations only.

    The cache key is a hash of the text, so that a changed text is rendered at once.
    """
    if not text:
        return RenderedMarkdown([""], [])
    key = f"prose:3:{hashlib.sha256(text.encode()).hexdigest()}"
    cached = cache.get(key)
    if cached is not None:
        parts, marks = cached  # from JSON, which has no tuples
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
    """Return the keys of all sources that a text cites; marks inside code do not count."""
    if _MARK_CHARACTER not in text:
        return set()
    return {mark.key for token in _tokens(text) for mark in token.meta.get("marks", ())}


def to_plain_text(text: str) -> str:
    """Return only the words of a text, on one line, without Markdown and citation marks."""
    parts = []
    for block in _MARKDOWN.parse(text):
        inline = block.children if block.children is not None else [block]
        words = ""
        for token in inline:
            words = words.rstrip() if token.type == "note" else words  # "said [@key]." → "said."
            words += _SPACES.get(token.type, token.content)
        parts.append(words)
    return " ".join(" ".join(parts).split())


def to_paragraphs(text: str) -> str:
    """Return the words of a text without Markdown, paragraphs separated by an empty line.

    Citation marks stay as they are written: "[@key, p. 4]".
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
    """Return marks as editors write them."""
    inside = (", ".join(part for part in (f"@{m.key}", m.locator) if part) for m in marks)
    return f"[{'; '.join(inside)}]"


def with_current_keys(text: str, current: Mapping[str, str]) -> str:
    """Return a text whose marks use the current keys of their sources.

    ``current`` maps a key to the current one. A mark whose key is not in it is removed; other
    marks in the same brackets stay.
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
    """Return the marks between two brackets; [] if the brackets contain other text."""
    marks = []
    for part in inside.split(";"):
        key, _comma, locator = part.strip().partition(",")
        key = key.rstrip()
        if not key.startswith("@") or len(key) == 1 or re.search(r"[\s@]", key[1:]):
            return []
        marks.append(CitationMark(key[1:], " ".join(locator.split())))
    return marks


def _mark_rule(state: StateInline, silent: bool) -> bool:
    """Parse a mark. Brackets before an opening parenthesis are a link’s text instead."""
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
