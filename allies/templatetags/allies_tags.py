"""Tags and filters for dates, bilingual texts and numbers."""

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django import template
from django.conf import settings
from django.db import models
from django.http import QueryDict
from django.template import Context
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info, gettext

from allies import __version__
from allies.citations.footnotes import FootnoteNumbering
from allies.datapackage.describe import LICENCES
from allies.evidence.grouping import StanceGroup
from allies.evidence.grouping import group_by_stance as sides_of
from allies.models import Citation, Country, VoteIssue
from allies.models.ally_list import headline_count_text
from allies.models.m49 import NAMES
from allies.search.highlight import highlight
from allies.search.query import SearchQuery
from allies.text.bidi import has_rtl, isolate
from allies.text.edtf import format_edtf, format_end_date, format_period, format_start_date
from allies.text.edtf import last_recorded as last_recorded_of
from allies.text.numbers import ordinal_in_words
from allies.text.urls import wikidata_url
from allies.ties.ties_between import CountryPair

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()

#: The beginning of a block in rendered prose, which has a direction of its own.
_BLOCK = re.compile(r"<(p|li|blockquote|h[1-6]|td|th)(?=[\s>])")


@register.filter
def edtf(value: str) -> str:
    """Format an EDTF date as precisely as it is known: "May 2024"."""
    return format_edtf(value)


@register.filter
def edtf_start(value: str) -> str:
    """Format the EDTF date of a start: "May 2024", or "2022 or later" if the last day is open."""
    return format_start_date(value)


@register.filter
def edtf_period(start: str, end: str) -> str:
    """Format the EDTF dates of a start and an end: "1990 – 2001"."""
    return format_period(start, end)


@register.filter
def edtf_end(value: str) -> str:
    """Format the EDTF date of an end: "May 2024", or "(records end 2012)" if the end is open."""
    return format_end_date(value)


@register.filter
def last_recorded(value: str) -> str:
    """Return the last recorded date in words if the end is open ("2012/.."); otherwise ""."""
    return last_recorded_of(value)


register.filter(wikidata_url)


@register.simple_tag
def edtf_time_element(value: str, css_class: str = "", *, start: bool = False) -> SafeString:
    """Format an EDTF date as ``<time>`` or, if it is not one year, month or day, ``<span>``.

    ``start`` says that it is the start of a tie, see ``edtf_start``.
    """
    words = format_start_date(value) if start else format_edtf(value)
    named = format_html(' class="{}"', css_class) if css_class else ""
    if "/" in value or not value[-1:].isdigit():
        return format_html("<span{}>{}</span>", named, words)
    return format_html('<time{} datetime="{}">{}</time>', named, value, words)


class SliderDays(NamedTuple):
    """The range of the year slider, and the day that it shows."""

    first: int
    last: dt.date
    day: dt.date


@register.simple_tag
def slider_days(
    day: dt.date | None, first_year: int | None, last_day: dt.date | None
) -> SliderDays:
    """Return the range of the year slider; it always includes the selected day.

    By default, the last day is today, the selected day is the last day, and the first year is that
    of the selected day.
    """
    last = last_day or timezone.localdate()
    shown = day or last
    return SliderDays(min(first_year or shown.year, shown.year), max(last, shown), shown)


@register.filter
def localized(text: "StrOrPromise") -> SafeString | str:
    """Show a bilingual text, marked with its language if it is not the reader's."""
    return in_language(str(text), other_language(text)) if text else ""


@register.filter
def highlighted(text: "StrOrPromise", question: SearchQuery) -> SafeString | str:
    """Show a text as ``localized`` does, with ``<mark>`` around the search terms."""
    return in_language(highlight(str(text), question), other_language(text)) if text else ""


def other_language(text: Any) -> str:
    """Return the language of a bilingual text, or "" if it is the reader's."""
    return str(text.lang) if getattr(text, "is_fallback", False) else ""


@register.filter
def in_language(shown: str, language: str) -> Any:
    """Show a text, isolated as by ``bdi``; mark it with ``language``, unless that is ""."""
    if not language:
        return bdi(shown)
    return format_html(
        '<span lang="{}">{}</span> <small class="other-language">({})</small>',
        language,
        bdi(shown),
        language_name(language),
    )


@register.filter
def bdi(text: Any) -> Any:
    """Isolate a text in HTML if letters in it run from right to left; return others unchanged."""
    return format_html("<bdi>{}</bdi>", text) if text and has_rtl(str(text)) else text


@register.filter
def isolated(text: Any) -> Any:
    """Isolate a text like ``bdi``, but by control characters, for titles and attributes."""
    return isolate(str(text)) if text else text


def _language_name(code: str) -> str:
    return str(gettext(get_language_info(code)["name"]))


@register.simple_tag
def pair_url(one: Country, other: Country) -> str:
    """Return the URL of the page about two countries, given in any order."""
    return CountryPair.of(one, other).get_absolute_url()


@register.simple_tag
def cited_prose(text: Any, notes: FootnoteNumbering) -> SafeString:
    """Render a bilingual prose text as HTML, marked with its language if it is not the reader's.

    Its citations become footnotes of the page.
    """
    if not text:
        return SafeString("")
    html = notes.html(text)
    if has_rtl(text):
        html = SafeString(_BLOCK.sub(r'<\1 dir="auto"', html))  # the markup is ours
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
def group_by_stance(citations: Iterable[Citation]) -> list[StanceGroup]:
    """Group the citations of a record by stance, then by origin."""
    return sides_of(citations)


@register.filter
def format_integer(number: int) -> str:
    """Format a count in the active language: 870,109 or 870.109. Not for years."""
    return number_format(number, force_grouping=True)


@register.filter
def query_pairs_without(query: QueryDict, names: str) -> list[tuple[str, str]]:
    """Return the (name, value) pairs of a query, without these space-separated names.

    Templates cannot call ``query.lists``: they would look up a parameter named "lists" first.
    """
    left_out = names.split()
    return [
        (name, value) for name, values in query.lists() if name not in left_out for value in values
    ]


@register.filter
def region_name(code: str) -> Any:
    """Return the name of an M49 region; "" if the code is unknown."""
    return NAMES.get(code, "")


@register.filter
def licence_link(licence: str) -> SafeString | str:
    """Return a known licence as a link with its name, and other terms as they are."""
    url, name = LICENCES.get(licence, ("", licence))
    return format_html('<a href="{}" rel="external">{}</a>', url, name) if url else name


@register.filter
def choice_label(record: models.Model, field: str) -> str:
    """Return the label of a choice field's value, in the reader's language."""
    value = getattr(record, field)
    return str(_choice_labels(type(record), field).get(value, value))


@register.filter
def issue_label(code: str) -> str:
    """Return the name of an issue of UN votes, in the reader's language."""
    return str(dict(VoteIssue.choices).get(code, code))


@cache
def _choice_labels(model: type[models.Model], field: str) -> dict[str, object]:
    """Return the labels of a field's choices. ``get_…_display`` would build them on every call."""
    return dict(model._meta.get_field(field).flatchoices)  # type: ignore[union-attr]


@register.simple_tag
def language_name(code: str) -> str:
    """Return a language's name in the reader's language, or the code if it is unknown."""
    try:
        return _language_name(code)
    except KeyError:
        return code


@register.simple_tag(takes_context=True)
def other_languages(context: Context) -> list[dict[str, str]]:
    """Return this page in the other languages: code, native name and URL."""
    request = context.get("request")
    active = get_language() or settings.LANGUAGE_CODE
    parts = request.get_full_path().split("/", 2) if request else ["", "", ""]
    rest = parts[2] if len(parts) > 2 and parts[1] in dict(settings.LANGUAGES) else ""
    return [
        {"code": code, "name": get_language_info(code)["name_local"], "url": f"/{code}/{rest}"}
        for code, _name in settings.LANGUAGES
        if code != active
    ]


register.simple_tag(headline_count_text)
register.simple_tag(ordinal_in_words)


@register.simple_tag
def site_name() -> str:
    return str(settings.SITE_NAME)


@register.simple_tag
def app_version() -> str:
    """Return the version of the code, the same as ``/healthz``."""
    return __version__
