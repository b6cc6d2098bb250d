"""A token that every form of the admin has in addition to Django's CSRF token."""

from django import template
from django.template import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from allies.form_submissions.tokens import FIELD, new_token

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: Context) -> SafeString:
    """Return Django's hidden CSRF field and, for signed-in users, the form's own token.

    Replaces Django's tag of the same name (``builtins`` in the settings), so that all forms have
    the token, including those in Django's own templates.
    """
    field = mark_safe(CsrfTokenNode().render(context))  # noqa: S308  # Django's own
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated:
        return field
    # autocomplete="off": on reload, browsers would restore the token of the old page.
    own = '{}<input type="hidden" name="{}" value="{}" autocomplete="off">'
    return format_html(own, field, FIELD, new_token(user))
