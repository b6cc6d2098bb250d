"""Addresses: everything lives under a language; `/` chooses one."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from allies.views.front import alive, choose_language

urlpatterns = [
    path("", choose_language),
    path("healthz", alive),
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("img/icon.svg"))),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("", include("allies.urls")),
        prefix_default_language=True,
    ),
]

handler400 = "allies.views.errors.bad_request"
handler403 = "allies.views.errors.forbidden"
handler404 = "allies.views.errors.not_found"
handler500 = "allies.views.errors.server_error"
