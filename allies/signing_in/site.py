"""The desk as a whole: who may come in, and what they have to do first."""

import logging
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from allies.signing_in import second_step
from allies.views.errors import bad_request

log = logging.getLogger(__name__)


class Desk(AdminSite):
    """Django's admin, entered in two steps by who set up a second, or by all where it is asked."""

    site_header = gettext_lazy("Allies: the desk")
    site_title = gettext_lazy("Allies")
    index_title = gettext_lazy("Contents")

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not second_step.is_missing(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap a view: what no database can hold, as a number too large, is refused."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                return inner(request, *args, **kwargs)
            except (ValueError, OverflowError, DataError):
                if request.method == "POST" or not request.GET:
                    raise
                log.warning("What was asked for cannot be answered.", exc_info=True)
                return bad_request(request)

        return answer

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        is_half_in = super().has_permission(request) and second_step.is_missing(request)
        if request.method == "GET" and is_half_in:
            return _to_second_step(request)
        return super().login(request, extra_context)

    def get_urls(self) -> list[Any]:
        from allies.signing_in import views  # after the site: its forms are Django's own

        return [
            path("second-step/", views.second_step_page, name="second-step"),
            path("set-up/", views.set_up_page, name="set-up"),
            path("sign-in/", self.admin_view(views.sign_in_page), name="sign-in"),
            *super().get_urls(),
        ]


def _to_second_step(request: HttpRequest) -> HttpResponse:
    name = "set-up" if second_step.app_of(request.user) is None else "second-step"
    query = urlencode({"next": request.GET["next"]}) if "next" in request.GET else ""
    return redirect(f"{reverse(f'admin:{name}')}{'?' if query else ''}{query}")
