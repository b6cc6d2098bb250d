"""How pages say dates, texts and statuses."""

from typing import Any

from django import template
from django.conf import settings
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info, gettext

from allies.edtf import in_words
from allies.models.m49 import NAMES
from allies.views.notes import Notes

register = template.Library()


@register.filter
def edtf(value: str) -> str:
    """Say a date as precisely as it is known: "May 2024"."""
    return in_words(value)


@register.filter
def edtf_machine(value: str) -> str:
    """Return what a ``<time datetime>`` may hold: a plain year, month or day, else ""."""
    return value if value and "/" not in value and value[-1].isdigit() else ""


@register.filter
def marked(text: Any) -> SafeString | str:
    """Show a bilingual text; one that is there in the other language only says so."""
    if not getattr(text, "is_fallback", False):
        return str(text) if text else ""
    return format_html(
        '<span lang="{}">{}</span> <small class="other-language">({})</small>',
        text.lang,
        str(text),
        _language_name(text.lang),
    )


def _language_name(code: str) -> str:
    return str(gettext(get_language_info(code)["name"]))


@register.simple_tag
def cited_prose(text: Any, notes: Notes) -> SafeString:
    """Show a bilingual prose text as HTML, marked with its language where it is another.

    What it cites goes into the page's notes.
    """
    if not text:
        return SafeString("")
    html = notes.html(text)
    if not getattr(text, "is_fallback", False):
        return html
    return format_html(
        '<p class="other-language">{}</p><div lang="{}">{}</div>',
        gettext("This text is available in %(language)s only.")
        % {"language": _language_name(text.lang)},
        text.lang,
        html,
    )


@register.filter
def region_name(code: str) -> Any:
    """Return the name of an M49 region."""
    return NAMES.get(code, "")


@register.filter
def choice_label(record: models.Model, field: str) -> str:
    """Return what a choice field's word means, in the reader's language."""
    return str(getattr(record, f"get_{field}_display")())


@register.simple_tag
def language_name(code: str) -> str:
    """Return a language's name in the reader's language; the code itself where it has none."""
    try:
        return _language_name(code)
    except KeyError:
        return code


@register.simple_tag(takes_context=True)
def other_languages(context: dict[str, Any]) -> list[dict[str, str]]:
    """Return this very page in each other language: code, own name and address."""
    request = context.get("request")
    active = get_language() or settings.LANGUAGE_CODE
    parts = request.get_full_path().split("/", 2) if request else ["", "", ""]
    rest = parts[2] if len(parts) > 2 and parts[1] in dict(settings.LANGUAGES) else ""
    return [
        {"code": code, "name": get_language_info(code)["name_local"], "url": f"/{code}/{rest}"}
        for code, _name in settings.LANGUAGES
        if code != active
    ]


@register.simple_tag
def site_name() -> str:
    return str(settings.SITE_NAME)
