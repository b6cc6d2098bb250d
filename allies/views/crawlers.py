"""Files for crawlers: sitemaps, robots.txt and llms.txt.

They contain no configured host name: URLs use the host of the request.
"""

from django.conf import settings
from django.contrib.sitemaps import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import override
from django.views.decorators.http import require_safe

from allies.evidence.data_sets import used_data_sets
from allies.views.download_mixin import FORMATS
from allies.web import sitemaps


@require_safe
def sitemap_index(request: HttpRequest) -> HttpResponse:
    """List the sitemap files; one query per section of records."""
    return _without_date(views.index(request, sitemaps.index_entries(), sitemap_url_name="sitemap"))


@require_safe
def sitemap(request: HttpRequest, section: str) -> HttpResponse:
    """List the pages of one section in one language, each with its alternates in all languages."""
    files = sitemaps.files_named(section)
    return _without_date(views.sitemap(request, files, section, "allies/sitemap.xml"))


def _without_date(response: HttpResponse) -> HttpResponse:
    # Withdrawing a record changes a sitemap, but not the date of the latest change in it.
    response.headers.pop("Last-Modified", None)
    return response


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
    """Describe the data and how to get it, for language models (llms.txt); a few queries."""
    with override("en"):
        context = {
            "data_sets": used_data_sets(),
            "site": request.build_absolute_uri("/").rstrip("/"),
            "licence": settings.DATA_LICENCE,
        }
        return render(
            request, "allies/llms.txt", context, content_type="text/markdown; charset=utf-8"
        )
