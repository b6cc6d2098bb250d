"""Asking for the password again before actions that could make a stolen session permanent.

Wrong passwords count as failed sign-ins: they are logged, and too many lead to a lockout.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from allies.accounts import two_factor

#: For how many seconds an entered password counts.
PASSWORD_SECONDS = 10 * 60

#: Session keys: when the password was last entered, and when it was entered after signing in.
_GIVEN, _GIVEN_AGAIN = "allies_password_given", "allies_password_given_again"

View = Callable[..., HttpResponse]


class PasswordForm(forms.Form):
    """A form for the user's own password."""

    password_again = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self._request = request

    def clean_password_again(self) -> str:
        password = str(self.cleaned_data["password_again"])
        if not is_own_password(self._request, password):
            raise forms.ValidationError(_("Wrong password. Try again."))
        return password


def is_own_password(request: HttpRequest, password: str) -> bool:
    """Check a password as signing in does, so that wrong ones are counted and lead to a lockout."""
    name = request.user.get_username()
    return authenticate(request, username=name, password=password) == request.user


def require_password(view: View, *, again: bool = False, reads: bool = False) -> View:
    """Wrap a view so that it runs only if the password was entered recently in this session.

    Otherwise the response is a form that asks for it and resends the other data of the request, but
    no passwords. GET requests need no password, unless ``reads`` or ``again`` is set. ``reads`` is
    for pages with a password field of their own. With ``again``, the password at sign-in does not
    count.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        is_write = request.method == "POST"
        if not (is_write or again or reads) or _was_given_recently(request, again=again):
            return view(request, *args, **kwargs)
        return _ask_for_password(request, lambda: view(request, *args, **kwargs))

    return answer


@receiver(user_logged_in)
def _record_password_time(request: HttpRequest, **_signal: object) -> None:
    request.session[_GIVEN] = time.time()


def _was_given_recently(request: HttpRequest, *, again: bool) -> bool:
    given = request.session.get(_GIVEN_AGAIN if again else _GIVEN, 0)
    return bool(0 <= time.time() - given < PASSWORD_SECONDS)


@never_cache
@sensitive_post_parameters()
def _ask_for_password(request: HttpRequest, go_on: Callable[[], HttpResponse]) -> HttpResponse:
    """Ask for the password, and continue once it is correct."""
    form = PasswordForm(request, request.POST if "password_again" in request.POST else None)
    if not form.is_valid():
        return _page(request, form)
    request.session[_GIVEN] = request.session[_GIVEN_AGAIN] = time.time()
    request.session.cycle_key()  # so that a copied session cookie stops working
    two_factor.cancel_setup(request.user)  # somebody else may have seen the key
    if "only_read" in request.POST:
        return HttpResponseRedirect(request.get_full_path())
    return go_on()


def _page(request: HttpRequest, form: PasswordForm) -> HttpResponse:
    left_out = {*settings.SECRET_FIELDS} - {"code"}  # passwords are not sent back to the browser
    posted = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in left_out
        for value in values
    ]
    if request.method != "POST":
        posted = [("only_read", "1")]
    context = {
        **admin.site.each_context(request),
        "title": _("Confirm your password"),
        "form": form,
        "posted": posted,
        "is_required": two_factor.is_required_but_missing(request),
    }
    return TemplateResponse(request, "admin/accounts/password.html", context)
