"""Flags of today's countries, as decoration next to their names."""

import re
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from allies.models import Country
from allies.templatetags.allies_tags import localized

register = template.Library()

#: One file with all flags, so that a page with any number of them makes one request.
_FILE = "img/flags.svg"


@cache
def _codes() -> frozenset[str]:
    """Return the alpha-2 codes of the countries that have a flag in the file, in small letters."""
    text = Path(settings.BASE_DIR, "static", _FILE).read_text(encoding="utf-8")
    return frozenset(re.findall(r'<symbol id="([a-z]{2})"', text))


@register.filter
def flag(country: Country) -> SafeString:
    """Show the flag of a country; "" for former states and others without one.

    Screen readers skip it. Its size is fixed, so that nothing moves when it arrives.
    """
    code = country.alpha2.lower()
    if country.existed_to or code not in _codes():
        return SafeString("")
    return format_html(
        '<svg class="flag" width="20" height="20" aria-hidden="true" focusable="false">'
        '<use href="{}#{}"/></svg>',
        static(_FILE),
        code,
    )


@register.filter
def flagged(country: Country) -> SafeString:
    """Show the flag of a country, if it has one, and its name, marked as by ``localized``."""
    return format_html("{}{}", flag(country), localized(country.name))
