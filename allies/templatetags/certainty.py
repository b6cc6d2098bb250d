"""Tags that say how many ties are confirmed on a day, and until when others are recorded."""

import datetime as dt
from typing import NamedTuple

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from allies.ties.allies_on_day import CertaintyCounts

register = template.Library()


class Sentence(NamedTuple):
    """A count in words; ``more`` follows ``text`` after a dot and may be ""."""

    text: str
    more: str


@register.simple_tag
def allies_in_words(
    certainty: CertaintyCounts, country: str, day: dt.date | None = None
) -> Sentence:
    """Say how many allies a country has on a day; ``day`` is None for today."""
    if not certainty.total:
        return Sentence(_nothing(day), "")
    values = {"country": country, "years": _years(certainty)}
    if day:
        values["day"] = date_format(day, "j F Y")
    if certainty.certain:
        values["n"] = str(certainty.certain)
        return Sentence(_confirmed(certainty, day) % values, _more(certainty))
    values["n"] = str(certainty.possible)
    return Sentence(_unconfirmed(certainty, day) % values, "")


def _nothing(day: dt.date | None) -> str:
    if day:
        return gettext("No ties recorded on %(day)s") % {"day": date_format(day, "j F Y")}
    return gettext("No current ties recorded")


def _confirmed(certainty: CertaintyCounts, day: dt.date | None) -> str:
    if day:
        return ngettext(
            "%(n)s confirmed ally of %(country)s on %(day)s",
            "%(n)s confirmed allies of %(country)s on %(day)s",
            certainty.certain,
        )
    return ngettext(
        "%(n)s confirmed ally of %(country)s",
        "%(n)s confirmed allies of %(country)s",
        certainty.certain,
    )


def _unconfirmed(certainty: CertaintyCounts, day: dt.date | None) -> str:
    if certainty.years:
        return ngettext(
            "%(n)s ally of %(country)s, recorded until %(years)s",
            "%(n)s allies of %(country)s, recorded until %(years)s",
            certainty.possible,
        )
    if day:
        return ngettext(
            "%(n)s possible ally of %(country)s on %(day)s",
            "%(n)s possible allies of %(country)s on %(day)s",
            certainty.possible,
        )
    return ngettext(
        "%(n)s possible ally of %(country)s",
        "%(n)s possible allies of %(country)s",
        certainty.possible,
    )


def _more(certainty: CertaintyCounts) -> str:
    if not certainty.possible:
        return ""
    if certainty.years:
        text = ngettext(
            "%(n)s more recorded until %(years)s",
            "%(n)s more recorded until %(years)s",
            certainty.possible,
        )
    else:
        text = ngettext("%(n)s more possible", "%(n)s more possible", certainty.possible)
    return text % {"n": certainty.possible, "years": _years(certainty)}


def _years(certainty: CertaintyCounts) -> str:
    """Return the years in which records of ties end: "2012", "2003–2012"; "" if unknown."""
    if not certainty.years:
        return ""
    first, last = certainty.years
    return str(last) if first == last else f"{first}–{last}"


@register.simple_tag
def ties_in_words(certainty: CertaintyCounts) -> Sentence:
    """Return the label (``text``) for the number of ties of two countries on a day.

    The label counts confirmed ties or, if there are none, all others.
    """
    if certainty.certain or not certainty.possible:
        text = ngettext("Tie in force", "Ties in force", certainty.certain)
        return Sentence(text, _more(certainty))
    if certainty.years:
        text = ngettext(
            "Tie last recorded in %(years)s", "Ties last recorded in %(years)s", certainty.possible
        )
        return Sentence(text % {"years": _years(certainty)}, "")
    return Sentence(ngettext("Possible tie", "Possible ties", certainty.possible), "")
