"""The AdminSite: access to the admin, and handling of invalid or lost requests."""

import logging
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.forms import UsernameField
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import urlencode
from django.utils.log import log_response
from django.utils.translation import gettext, gettext_lazy

from allies.accounts import two_factor
from allies.accounts.redirects import drop_unsafe_next
from allies.admin_site.bounded_lists import bounded
from allies.form_submissions.idempotency import process_once
from allies.form_submissions.kept_forms import (
    explain_kept_form,
    fill_forms,
    get_kept_form,
    keep_and_sign_in,
)
from allies.views.error_pages import bad_request

log = logging.getLogger(__name__)


class SignInForm(AdminAuthenticationForm):
    """Django's form, with a limit on the length of the user name; longer ones cause no query."""

    username = UsernameField(max_length=150, widget=forms.TextInput({"autofocus": True}))


class AlliesAdminSite(AdminSite):
    """Django's admin, with two-factor authentication for users who set it up, or for all users."""

    login_form = SignInForm
    site_title = settings.SITE_NAME
    index_title = gettext_lazy("Dashboard")

    @property
    def site_header(self) -> str:  # type: ignore[override]
        """The name of the site and of the newsroom, in the user's language."""
        return gettext("%(site)s newsroom") % {"site": settings.SITE_NAME}

    def register(
        self,
        model_or_iterable: Any,
        admin_class: "type[ModelAdmin[Model]] | None" = None,
        **options: object,
    ) -> None:
        """Register models with bounded lists: they refuse lookups that they do not offer."""
        super().register(model_or_iterable, bounded(admin_class or ModelAdmin), **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not two_factor.is_required_but_missing(request)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:
        """Wrap a view: save forms sent after the session ended, and refuse invalid values.

        Invalid are NUL characters, and values that the database cannot store, such as too large
        numbers.
        """
        inner = super().admin_view(process_once(view), cacheable)

        @wraps(inner)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if _has_nul(request.GET) or _has_nul(request.POST):
                return bad_request(request)
            is_lost = request.method == "POST" and not self.has_permission(request)
            if is_lost and (to_sign_in := keep_and_sign_in(request)):
                return to_sign_in
            kept = get_kept_form(request)
            request.kept = kept  # type: ignore[attr-defined]
            if kept is not None:
                messages.warning(request, explain_kept_form(kept))
            try:
                response = inner(request, *args, **kwargs)
                # Errors in a query may show only when the response is rendered.
                if isinstance(response, TemplateResponse):
                    response.render()
                    # A view that restores the saved form itself sets it to None.
                    if kept is not None and request.kept is not None:  # type: ignore[attr-defined]
                        response.content = fill_forms(
                            response.content.decode(), kept.fields
                        ).encode()
                return response
            except (ValueError, OverflowError, DataError, ValidationError) as error:
                is_list = ACTION_CHECKBOX_NAME in request.POST
                is_too_large = isinstance(error, (OverflowError, DataError))
                if not (is_list or is_too_large) and (request.method == "POST" or not request.GET):
                    raise
                return _refuse_values(request, error)

        return answer

    def view_on_site(
        self, request: HttpRequest, content_type_id: int, object_id: int
    ) -> HttpResponse:
        """Redirect to a record's page, if the user may view the record in the admin."""
        kind = get_object_or_404(ContentType, pk=content_type_id)
        of_noun = self._registry.get(kind.model_class())  # type: ignore[arg-type]
        record = of_noun.get_object(request, str(object_id)) if of_noun else None
        if record is None or not of_noun.has_view_permission(request, record):  # type: ignore[union-attr]
            raise Http404
        if not hasattr(record, "get_absolute_url"):
            raise Http404
        return redirect(record.get_absolute_url())

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        is_half_in = super().has_permission(request) and two_factor.is_required_but_missing(request)
        if request.method == "GET" and is_half_in:
            return _redirect_to_two_factor(request)
        drop_unsafe_next(request)
        return super().login(request, extra_context)

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        is_refused = drop_unsafe_next(request)
        response = super().logout(request, extra_context)
        # Django redirects a URL with a query to itself, which then accepts only POST requests.
        if is_refused or getattr(response, "url", "") == request.path:
            return redirect("allies:home")
        return response

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        from allies.accounts.views import PasswordChangePage

        request.current_app = self.name
        context = {**self.each_context(request), **(extra_context or {})}
        view = PasswordChangePage.as_view(
            extra_context=context,
            template_name=self.password_change_template or "registration/password_change_form.html",
        )
        return cast(HttpResponse, view(request))

    def handbook(self, request: HttpRequest, page: str = "editors") -> HttpResponse:
        """Show a page of the handbook to all users who may enter the admin."""
        from allies.admin.handbook import handbook_view

        return handbook_view(request, page, self.each_context(request))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # imported late: its forms are Django's, which need the site
        from allies.accounts import views

        return [
            path("second-step/", views.two_factor_page, name="second-step"),
            path("set-up/", views.two_factor_setup_page, name="set-up"),
            path("sign-in/", self.admin_view(views.account_page), name="sign-in"),
            path("handbook/", self.admin_view(self.handbook), name="handbook"),
            path("handbook/<slug:page>/", self.admin_view(self.handbook), name="handbook-page"),
            path(
                "r/<int:content_type_id>/<int:object_id>/",
                self.admin_view(self.view_on_site),
                name="view_on_site",
            ),
            *(one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"),
        ]


def _has_nul(data: QueryDict) -> bool:
    return any("\0" in text for name, values in data.lists() for text in (name, *values))


def _refuse_values(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 400, and log where the error was raised, but not its text, which has the values."""
    raised = traceback.extract_tb(error.__traceback__)[-1]
    response = bad_request(request)
    log_response(
        "Invalid values: %s (%s in %s, line %s)",
        request.path,
        type(error).__name__,
        raised.name,
        raised.lineno,
        response=response,
        request=request,
        logger=log,
    )
    return response


def _redirect_to_two_factor(request: HttpRequest) -> HttpResponse:
    name = "set-up" if two_factor.get_totp_device(request.user) is None else "second-step"
    query = urlencode({"next": request.GET["next"]}) if "next" in request.GET else ""
    return redirect(f"{reverse(f'admin:{name}')}{'?' if query else ''}{query}")
