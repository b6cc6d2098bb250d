"""URLs of the site. Pages are below a language prefix, and `/` redirects to one."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from allies.api.api import urls as api_urls
from allies.monitoring.csp_reports import csp_report
from allies.monitoring.health import liveness, metrics, readiness
from allies.views.crawlers import llms, robots, sitemap, sitemap_index
from allies.views.home import choose_language
from allies.views.icons import favicon, manifest
from allies.views.oembed import oembed

urlpatterns = [
    path("", choose_language),
    path("healthz", liveness),
    path("readyz", readiness),
    path("metrics", metrics),
    path("policy-report", csp_report),
    path("api/v1/", api_urls),
    path("oembed", oembed, name="oembed"),
    path("robots.txt", robots, name="robots"),
    path("llms.txt", llms, name="llms"),
    path("sitemap.xml", sitemap_index, name="sitemap-index"),
    path("sitemaps/<str:section>.xml", sitemap, name="sitemap"),
    path("favicon.ico", favicon),
    path("site.webmanifest", manifest, name="manifest"),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("", include("allies.urls")),
        prefix_default_language=True,
    ),
]

handler400 = "allies.views.error_pages.bad_request"
handler403 = "allies.views.error_pages.forbidden"
handler404 = "allies.views.error_pages.not_found"
handler500 = "allies.views.error_pages.server_error"
