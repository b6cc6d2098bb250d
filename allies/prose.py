"""Editors' Markdown as HTML that can do no harm."""

import hashlib

import nh3
from django.core.cache import cache
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(
    ["image", "html_block", "html_inline"]
)
_TAGS = {
    *("p", "br", "hr", "h3", "h4", "em", "strong", "a", "code", "pre"),
    *("ul", "ol", "li", "blockquote"),
}
_DAY = 24 * 3600


def to_html(text: str) -> str:
    """Return the prose as HTML: paragraphs, emphasis, links, lists, quotations; nothing else.

    The result is cached by the text itself, so that a change shows at once.
    """
    if not text:
        return ""
    key = f"prose:1:{hashlib.sha256(text.encode()).hexdigest()}"
    html: str | None = cache.get(key)
    if html is None:
        html = nh3.clean(
            _MARKDOWN.render(text),
            tags=_TAGS,
            attributes={"a": {"href", "title"}},
            url_schemes={"http", "https"},
            link_rel="noopener nofollow",
        )
        cache.set(key, html, _DAY)
    return html
