"""Saved forms: typed text is not lost if the session ended, or the record was deleted, meanwhile.

A form is saved for the account it was rendered for, which its signed token names. After signing in,
the form is shown with its content, and nothing is written until it is sent again.
"""

import re
from collections.abc import Mapping
from html import escape, unescape

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from allies.form_submissions.tokens import FIELD, get_owner_id
from allies.models import KeptForm

#: The query parameter with the id of a saved form.
FORM_PARAMETER = "_kept"

#: Submit buttons. The pressed one is not saved, so nothing happens until the next click.
SUBMIT_NAMES = {
    *("_save", "_continue", "_addanother", "_saveasnew", "_propose", "_step", "_later"),
    *("_call_off", "_derive"),
}
#: Never stored: passwords and codes, and tokens, which a new page has anyway.
_EXCLUDED_FIELDS = {FIELD, "csrfmiddlewaretoken", "code", *SUBMIT_NAMES}


def keep_and_sign_in(request: HttpRequest) -> HttpResponseBase | None:
    """Save a form sent without a valid session, and redirect to sign-in.

    Returns None if the form is not ours, or if nothing was typed; then a message says that nothing
    was done.
    """
    owner = _owner(request)
    if owner is None:
        return None
    address = _kept_address(request, owner)
    if address is None:
        announce_signed_out(request)
        return None
    return _to_sign_in(request, address)


def announce_signed_out(request: HttpRequest) -> None:
    """Add a message that the session had ended and nothing was done."""
    messages.warning(request, _("Your session had ended, so nothing was done. Sign in again."))


def _to_sign_in(request: HttpRequest, address: str) -> HttpResponseBase:
    messages.warning(
        request,
        _("Your session ended before this was saved. Your text is kept: sign in to continue."),
    )
    return redirect_to_login(address, reverse("admin:login"))


def keep_and_reload(request: HttpRequest) -> HttpResponseBase | None:
    """Save a form with an outdated CSRF token, and redirect to it, filled in.

    The token is outdated if the user has signed in again in another window. None if the form is not
    ours.
    """
    owner = _owner(request)
    address = _kept_address(request, owner) if owner is not None else None
    if address is None:
        return None
    user: User | AnonymousUser = request.user
    if not user.is_authenticated:
        return _to_sign_in(request, address)
    if user.pk != owner:
        messages.warning(
            request,
            _(
                "This form was opened by another account, so nothing was "
                "saved. The text is kept for that account: sign in with it to "
                "continue."
            ),
        )
    return HttpResponseRedirect(address)


def get_kept_form(request: HttpRequest) -> KeptForm | None:
    """Return the user's saved form that the URL refers to, if its path matches."""
    number = request.GET.get(FORM_PARAMETER, "")
    if request.method != "GET" or not number.isdecimal() or len(number) > 18:
        return None
    mine = KeptForm.objects.current().filter(user=request.user.pk, path=request.path)
    return mine.filter(pk=number).first()


def to_post_data(kept: KeptForm) -> QueryDict:
    """Return the content of a saved form as POST data."""
    data = QueryDict(mutable=True)
    for name, values in kept.fields.items():
        data.setlist(name, values)
    return data


def explain_kept_form(kept: KeptForm) -> str:
    """Return a message about what happened and what to do."""
    if kept.is_of_gone_record:
        said = _("The record you were editing no longer exists. Saving creates a new record.")
    else:
        said = _("Your session had ended, so this is not saved yet. Check it and send it again.")
    files = _("Choose the files again.")
    return f"{said} {files}" if kept.had_files else said


def _owner(request: HttpRequest) -> int | None:
    """Return the id of the account that the form was rendered for, if it is still active staff."""
    owner = get_owner_id(request.POST.get(FIELD, ""))
    if owner is None:
        return None
    is_there = get_user_model().objects.filter(pk=owner, is_active=True, is_staff=True).exists()
    return owner if is_there else None


def keep_for_new_record(
    request: HttpRequest, *, path: str, changed: Mapping[str, str]
) -> str | None:
    """Save a form of a deleted record; return the URL of the add form that shows it, or None.

    ``path`` is the path of the add form. ``changed`` replaces the fields that referred to the old
    record. None if nothing was typed.
    """
    sent = {name: [changed[name]] if name in changed else v for name, v in request.POST.lists()}
    return _keep(request, int(request.user.pk or 0), path, sent, is_of_gone_record=True)


def _kept_address(request: HttpRequest, owner: int) -> str | None:
    """Save a form, and return the URL that shows it; None if nothing was typed."""
    return _keep(request, owner, request.path, dict(request.POST.lists()))


def _keep(
    request: HttpRequest, owner: int, path: str, sent: dict[str, list[str]], **about: bool
) -> str | None:
    fields = {
        name: values
        for name, values in sent.items()
        if name not in _EXCLUDED_FIELDS and "password" not in name
    }
    is_typed = any(value.strip() for values in fields.values() for value in values)
    is_list = str(getattr(request.resolver_match, "url_name", "")).endswith("_changelist")
    if is_list or not is_typed or any("\0" in v for values in fields.values() for v in values):
        return None
    kept = KeptForm.objects.create(
        user_id=owner, path=path, fields=fields, had_files=bool(request.FILES), **about
    )
    KeptForm.objects.delete_old(owner)
    query = request.GET.copy()
    query[FORM_PARAMETER] = str(kept.pk)
    return f"{path}?{query.urlencode()}"


# Filling in the forms of a page.

_FORM = re.compile(r'(<form\b[^>]*method="post"[^>]*>)(.*?)(</form>)', re.S)
_CONTROL = re.compile(
    r"<input\b(?P<input>[^>]*)>"
    r"|<textarea\b(?P<area>[^>]*)>.*?</textarea>"
    r"|<select\b(?P<select>[^>]*)>(?P<options>.*?)</select>",
    re.S,
)
_OPTION = re.compile(r"<option\b([^>]*)>([^<]*)")
_UNFILLED_TYPES = {"submit", "button", "image", "reset", "file", "password"}


def fill_forms(page: str, fields: dict[str, list[str]]) -> str:
    """Return a page whose forms contain these values; other fields stay as they are."""
    return _FORM.sub(lambda form: f"{form[1]}{_fill_form(form[2], fields)}{form[3]}", page)


def _fill_form(form: str, fields: dict[str, list[str]]) -> str:
    left = {name: list(values) for name, values in fields.items()}

    def control(found: re.Match[str]) -> str:
        attributes = found["input"] or found["area"] or found["select"] or ""
        name, kind = _attribute(attributes, "name"), _attribute(attributes, "type")
        if name not in fields and kind not in ("checkbox", "radio"):
            return found[0]
        if found["input"] is not None:
            return _input(found, attributes, name, kind, fields, left)
        if found["area"] is not None:
            text = escape(_next(left, name), quote=False)
            return f"<textarea{attributes}>\n{text}</textarea>"
        options = _OPTION.sub(lambda one: _option(one, fields[name]), found["options"])
        return f"<select{attributes}>{options}</select>"

    return _CONTROL.sub(control, form)


def _input(
    found: re.Match[str],
    attributes: str,
    name: str,
    kind: str,
    fields: dict[str, list[str]],
    left: dict[str, list[str]],
) -> str:
    if kind in _UNFILLED_TYPES or name in _EXCLUDED_FIELDS:
        return found[0]
    if kind in ("checkbox", "radio"):
        is_on = (_attribute(attributes, "value") or "on") in fields.get(name, [])
        return f"<input{_without(attributes, 'checked')}{' checked' if is_on else ''}>"
    value = escape(_next(left, name))
    return f'<input{_without(attributes, "value")} value="{value}">'


def _option(found: re.Match[str], values: list[str]) -> str:
    attributes, text = found[1], found[2]
    has_value = re.search(r'\svalue="', attributes)
    value = _attribute(attributes, "value") if has_value else unescape(text).strip()
    chosen = " selected" if value in values else ""
    return f"<option{_without(attributes, 'selected')}{chosen}>{text}"


def _next(left: dict[str, list[str]], name: str) -> str:
    """Return the next value of a name; fields with the same name are filled in order."""
    return left[name].pop(0) if left[name] else ""


def _attribute(attributes: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', attributes)
    return unescape(found[1]) if found else ""


def _without(attributes: str, name: str) -> str:
    return re.sub(rf'\s{name}(="[^"]*")?(?=[\s/]|$)', "", attributes).rstrip(" /")
