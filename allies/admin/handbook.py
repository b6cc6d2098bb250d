"""The handbook in the admin: the Markdown files in docs/ that are for users.

It works without internet access: texts and pictures come from the site itself.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import get_language, gettext_lazy
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

#: Page → title. The text is in docs/<page>.md, its translation in docs/<page>.<language>.md.
PAGES: dict[str, Any] = {
    "editors": gettext_lazy("For editors and reviewers"),
    "data": gettext_lazy("For data managers"),
    "mappings": gettext_lazy("Mappings in detail"),
    "glossary": gettext_lazy("Glossary"),
}

#: Path of pictures in the Markdown files, and below the static files (STATICFILES_DIRS).
_PICTURES, _STATIC = "screenshots/handbook/", "handbook/"

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


class Section(NamedTuple):
    """A heading of a page: its text and its anchor."""

    title: str
    anchor: str


class Page(NamedTuple):
    """A page as HTML, with its sections and the language of its text."""

    title: str
    html: SafeString
    sections: list[Section]
    language: str


@require_safe
def handbook_view(request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
    """Show a page of the handbook; 404 if there is no page of this name."""
    if page not in PAGES:
        raise Http404
    language = get_language() or settings.LANGUAGE_CODE
    content = read_page(page, language)
    return TemplateResponse(
        request,
        "admin/handbook.html",
        {
            **context,
            "title": content.title,
            "page": content,
            "pages": [(name, title, name == page) for name, title in PAGES.items()],
            "is_translated": content.language == language,
        },
    )


def read_page(page: str, language: str) -> Page:
    """Return a page in this language, or else in English; raise Http404 if there is none."""
    path, written_in = _path(page, language), language
    if not path.exists():
        path, written_in = _path(page, settings.LANGUAGE_CODE), settings.LANGUAGE_CODE
    try:
        changed_at = path.stat().st_mtime_ns
    except FileNotFoundError as error:  # this installation has no docs/
        raise Http404 from error
    # Links contain the language of the request, so it is part of the cache key.
    return _render(path, changed_at, written_in, language)


def _path(page: str, language: str) -> Path:
    suffix = "" if language == settings.LANGUAGE_CODE else f".{language}"
    return Path(settings.BASE_DIR / "docs" / f"{page}{suffix}.md")


@lru_cache(maxsize=32)
def _render(path: Path, changed_at: int, written_in: str, language: str) -> Page:
    """Render a file; cached until the file's modification time changes."""
    tokens = _MARKDOWN.parse(path.read_text(encoding="utf-8"))
    title, sections = "", []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            text = tokens[place + 1].content
            anchor = slugify(text)
            token.attrSet("id", anchor)
            if token.tag == "h1":
                title = text
            elif token.tag == "h2":
                sections.append(Section(text, anchor))
        elif token.type in ("fence", "code_block"):
            token.attrSet("tabindex", "0")  # so that it can be scrolled with the keyboard
        for child in token.children or ():
            _adapt(child)
    # The template shows the title.
    body = tokens[3:] if tokens and tokens[0].tag == "h1" else tokens
    html = mark_safe(_MARKDOWN.renderer.render(body, _MARKDOWN.options, {}))  # noqa: S308  # our own files
    return Page(title, html, sections, written_in)


def _adapt(token: Token) -> None:
    """Load pictures from the static files, and point links between pages to the handbook."""
    if token.type == "image":
        name = str(token.attrGet("src") or "").removeprefix(_PICTURES)
        token.attrSet("src", static(_STATIC + name))
        token.attrSet("loading", "lazy")
    elif token.type == "link_open":
        name, hash_sign, anchor = str(token.attrGet("href") or "").partition("#")
        page = name.removesuffix(".md").split(".")[0]
        if page in PAGES and "://" not in name:
            address = reverse("admin:handbook-page", args=[page])
            token.attrSet("href", f"{address}{hash_sign}{anchor}")
