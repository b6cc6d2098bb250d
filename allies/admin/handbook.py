"""The handbook in the admin: the Markdown files in docs/ that are written for its users.

An installation without internet access can open it: text and pictures come from the site itself.
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

#: Page → its title. docs/<page>.md is its text, docs/<page>.<language>.md its translation.
PAGES: dict[str, Any] = {
    "editors": gettext_lazy("For editors and reviewers"),
    "data": gettext_lazy("For data managers"),
    "mappings": gettext_lazy("Mappings in detail"),
    "glossary": gettext_lazy("Glossary"),
}

#: Where pictures are as the files name them, and below static files (STATICFILES_DIRS).
_PICTURES, _STATIC = "screenshots/handbook/", "handbook/"

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


class Section(NamedTuple):
    """A heading of a page: its text and the anchor that leads to it."""

    title: str
    anchor: str


class Page(NamedTuple):
    """A page as HTML, its sections, and the language it is written in."""

    title: str
    html: SafeString
    sections: list[Section]
    language: str


@require_safe
def handbook_view(request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
    """Show a page of the handbook; 404 if there is none of this name."""
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
    """Return a page in this language, or in English if it is not translated; Http404 if absent."""
    path, written_in = _path(page, language), language
    if not path.exists():
        path, written_in = _path(page, settings.LANGUAGE_CODE), settings.LANGUAGE_CODE
    try:
        changed_at = path.stat().st_mtime_ns
    except FileNotFoundError as error:  # docs/ is not part of this installation
        raise Http404 from error
    # The addresses of links have the language of the request in them.
    return _render(path, changed_at, written_in, language)


def _path(page: str, language: str) -> Path:
    suffix = "" if language == settings.LANGUAGE_CODE else f".{language}"
    return Path(settings.BASE_DIR / "docs" / f"{page}{suffix}.md")


@lru_cache(maxsize=32)
def _render(path: Path, changed_at: int, written_in: str, language: str) -> Page:
    """Render a file; it is read again when its time of change differs."""
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
            token.attrSet("tabindex", "0")  # so that one can scroll it by keyboard
        for child in token.children or ():
            _adapt(child)
    # The page shows the title itself.
    body = tokens[3:] if tokens and tokens[0].tag == "h1" else tokens
    html = mark_safe(_MARKDOWN.renderer.render(body, _MARKDOWN.options, {}))  # noqa: S308  # our own files
    return Page(title, html, sections, written_in)


def _adapt(token: Token) -> None:
    """Let pictures come from static files, and links between pages stay in the handbook."""
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
