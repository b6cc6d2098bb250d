"""Every form of the admin carries a token of its own beside Django's against forgery."""

from django import template
from django.template import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from allies.form_submissions.tokens import FIELD, new_token

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: Context) -> SafeString:
    """Return Django's hidden field, and for those who are signed in the form's own token.

    It takes the place of Django's tag of this name (``builtins`` in the settings), so that also
    the forms of Django's templates, and those written later, have the token.
    """
    field = mark_safe(CsrfTokenNode().render(context))  # noqa: S308  # Django's own
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated:
        return field
    # Browsers that fill a reloaded page with what it held before must leave this field alone.
    own = '{}<input type="hidden" name="{}" value="{}" autocomplete="off">'
    return format_html(own, field, FIELD, new_token(user))
