"""Pages for signing in: two-factor authentication, its setup, and open sessions."""

import base64
from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import PasswordChangeView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as take_second_step

from allies.accounts import two_factor
from allies.accounts.reauthentication import is_own_password, require_password
from allies.accounts.redirects import get_next_url
from allies.accounts.sessions import end_all_sessions, end_session, list_sessions


class CodeForm(forms.Form):
    """A code from the app, or a recovery code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=forms.TextInput(
            {
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split()).lower()

    def refuse(self) -> None:
        """Add an error that does not say what is wrong with the code."""
        self.add_error(
            "code",
            _(
                "Wrong or used code. Codes change every 30 seconds: wait for "
                "the next one, and check the clock of your device. After "
                "several wrong codes you have to wait a while."
            ),
        )


def _passed_password(request: HttpRequest) -> bool:
    """Return whether the user has entered the password and may enter the admin."""
    user: User | AnonymousUser = request.user
    return bool(user.is_active and user.is_staff)


@never_cache
@csrf_protect
@sensitive_post_parameters()
def two_factor_page(request: HttpRequest) -> HttpResponse:
    """Ask for a code, then redirect to the page that was requested."""
    if not _passed_password(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not two_factor.is_required_but_missing(request):
        return _redirect_next(request)
    if two_factor.get_totp_device(request.user) is None:
        return redirect("admin:set-up")
    if "leave" in request.POST:
        logout(request)
        return redirect("admin:login")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        if device := two_factor.verify_code(request.user, form.cleaned_data["code"]):
            request.session.cycle_key()
            take_second_step(request, device)
            return _redirect_next(request)
        form.refuse()
    return _page(request, "two_factor", _("Sign in: two-factor authentication"), form=form)


@never_cache
@csrf_protect
@sensitive_post_parameters()
def two_factor_setup_page(request: HttpRequest) -> HttpResponse:
    """Set up two-factor authentication: scan a QR code, enter a code, save the recovery codes."""
    if not _passed_password(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if two_factor.get_totp_device(request.user) is not None:
        return redirect("admin:sign-in")
    if "leave" in request.POST:
        logout(request)
        return redirect("admin:login")
    response: HttpResponse = require_password(_confirm_setup, again=True)(request)
    return response


def _confirm_setup(request: HttpRequest) -> HttpResponse:
    user: User | AnonymousUser = request.user
    form = CodeForm(request.POST or None)
    if form.is_valid():
        if app := two_factor.confirm_setup(user, form.cleaned_data["code"]):
            request.session.cycle_key()
            take_second_step(request, app)
            return _codes(request)
        form.refuse()
    app = two_factor.start_setup(user)
    return _page(
        *(request, "two_factor_setup", _("Set up two-factor authentication")),
        form=form,
        picture=_qr_code_svg(app.config_url),
        secret=_group_characters(_secret(app)),
        is_required=two_factor.is_required_but_missing(request),
    )


@sensitive_post_parameters()
def account_page(request: HttpRequest) -> HttpResponse:
    """The user's own account: two-factor authentication and open sessions."""
    user: User | AnonymousUser = request.user
    app = two_factor.get_totp_device(user)
    if request.method == "POST":
        if handle := request.POST.get("end"):
            end_session(user, handle)
            messages.success(request, _("Session ended."))
        elif "end_others" in request.POST:
            number = end_all_sessions(user, but=request.session.session_key)
            said = ngettext("%d other session ended.", "%d other sessions ended.", number)
            messages.success(request, said % number)
        elif app and ("codes" in request.POST or "remove" in request.POST):
            response: HttpResponse = require_password(_change_two_factor, again=True)(request)
            return response
        return redirect("admin:sign-in")
    return _sign_in(request, CodeForm())


def _change_two_factor(request: HttpRequest) -> HttpResponse:
    """Create new recovery codes or turn off two-factor authentication; both need a code."""
    form = CodeForm(request.POST)
    if form.is_valid():
        if two_factor.verify_code(request.user, form.cleaned_data["code"]):
            if "codes" in request.POST:
                return _codes(request)
            two_factor.disable(request.user)
            messages.success(request, _("Two-factor authentication is off."))
            return redirect("admin:sign-in")
        form.refuse()
    return _sign_in(request, form)


def _sign_in(request: HttpRequest, form: CodeForm) -> HttpResponse:
    user: User | AnonymousUser = request.user
    app = two_factor.get_totp_device(user)
    form.fields["code"].widget.attrs.pop("autofocus")
    return _page(
        *(request, "account", _("Account security")),
        app=app,
        form=form,
        codes_left=two_factor.count_recovery_codes(user) if app else 0,
        sessions=list_sessions(user, request.session.session_key),
    )


def _codes(request: HttpRequest) -> HttpResponse:
    codes = two_factor.new_recovery_codes(request.user)
    return _page(request, "recovery_codes", _("Recovery codes"), codes=codes)


def _page(request: HttpRequest, name: str, title: str, **context: object) -> HttpResponse:
    context |= {
        **admin.site.each_context(request),
        "title": title,
        "next": request.GET.get("next", ""),
    }
    return TemplateResponse(request, f"admin/accounts/{name}.html", context)


def _redirect_next(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that was requested, if it is on this site."""
    return HttpResponseRedirect(get_next_url(request) or reverse("admin:index"))


class OwnPasswordForm(AdminPasswordChangeForm):
    """Django's form, but wrong old passwords count as failed sign-ins."""

    request: HttpRequest

    def clean_old_password(self) -> str:
        password = str(self.cleaned_data["old_password"])
        if not is_own_password(self.request, password):
            message = self.error_messages["password_incorrect"]
            raise forms.ValidationError(message, code="password_incorrect")
        return password


class PasswordChangePage(PasswordChangeView):
    """Change the user's own password.

    All other sessions end, and an unconfirmed setup of two-factor authentication is deleted.
    """

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.request = self.request
        return form

    def form_valid(self, form: forms.Form) -> HttpResponse:
        two_factor.cancel_setup(self.request.user)
        return super().form_valid(form)


def _secret(app: Any) -> str:
    return base64.b32encode(app.bin_key).decode().rstrip("=")


def _group_characters(secret: str) -> str:
    return " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))


def _qr_code_svg(text: str) -> SafeString:
    """Return a QR code as SVG, without a text alternative of its content."""
    drawn = segno.make(text, error="m").svg_inline(scale=5, light="#fff", dark="#000")
    return mark_safe(drawn)  # noqa: S308  # segno's own drawing
