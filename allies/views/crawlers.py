"""Files for crawlers: sitemaps, robots.txt and llms.txt.

They contain no configured host name: URLs use the host of the request.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import override
from django.views.decorators.http import require_safe

from allies.views.download_mixin import FORMATS
from allies.web import sitemaps

_XML = "application/xml; charset=utf-8"
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


@require_safe
def sitemap_index(request: HttpRequest) -> HttpResponse:
    """List the sitemap files; one query per section of records."""
    lines = []
    for file in sitemaps.list_files():
        name = f"{file.section}-{file.language}-{file.number}"
        where = escape(request.build_absolute_uri(reverse("sitemap", args=[name])))
        lines.append(f"<sitemap><loc>{where}</loc>{_changed(file.changed)}</sitemap>\n")
    body = f'<sitemapindex xmlns="{_NAMESPACE}">\n{"".join(lines)}</sitemapindex>\n'
    return HttpResponse(_HEAD + body, content_type=_XML, headers={"X-Robots-Tag": "noindex"})


@require_safe
def sitemap(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """List the pages of one section in one language, each with its alternates in all languages."""
    section, _dash, rest = name.partition("-")
    language, _dash, number = rest.partition("-")
    if section not in {"pages", *sitemaps.SECTIONS} or language not in dict(settings.LANGUAGES):
        raise Http404
    if not (number.isascii() and number.isdecimal() and len(number) < 6 and int(number)):
        raise Http404
    pages = sitemaps.list_pages(section, int(number))
    first = next(pages, None)
    if first is None:
        raise Http404
    host = request.build_absolute_uri("/").rstrip("/")
    lines = _urls(chain([first], pages), language, host)
    return StreamingHttpResponse(
        (text.encode() for text in lines),
        content_type=_XML,
        headers={"X-Robots-Tag": "noindex"},
    )


_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def _urls(pages: Iterator[sitemaps.Page], language: str, host: str) -> Iterator[str]:
    yield f'{_HEAD}<urlset xmlns="{_NAMESPACE}" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
    for page in pages:
        others = [*page.paths.items(), ("x-default", page.paths[settings.LANGUAGE_CODE])]
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang="{code}" href="{escape(host + path)}"/>'
            for code, path in others
        )
        where = escape(host + page.paths[language])
        yield f"<url><loc>{where}</loc>{_changed(page.changed)}{links}</url>\n"
    yield "</urlset>\n"


def _changed(moment: Any) -> str:
    return f"<lastmod>{moment.isoformat(timespec='seconds')}</lastmod>" if moment else ""


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Exclude the admin, forms, drafts, searches and filtered downloads from crawling."""
    closed = []
    for language, _label in settings.LANGUAGES:
        with override(language):
            closed += [
                reverse("admin:index"),
                reverse("allies:search-list"),
                reverse("allies:preview", args=["-"]).removesuffix("-/"),
                reverse("allies:event-correct", args=["-"]).replace("/events/-/", "/*/*/"),
            ]
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in closed),
        *(f"Disallow: /*.{form}?" for form in FORMATS),
        "",
        f"Sitemap: {request.build_absolute_uri(reverse('sitemap-index'))}",
    ]
    text = "".join(f"{line}\n" for line in lines)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def llms(request: HttpRequest) -> HttpResponse:
    """Describe the data and how to get it, for language models (llms.txt)."""
    context = {
        "site": request.build_absolute_uri("/").rstrip("/"),
        "licence": settings.DATA_LICENCE,
    }
    with override("en"):
        return render(
            request, "allies/llms.txt", context, content_type="text/markdown; charset=utf-8"
        )
