"""Numbers of allies and ties in words: confirmed ones, and until when others are recorded."""

import datetime as dt
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from allies.ties.standing import StandingCounts


class Sentence(NamedTuple):
    """A count in words; ``more`` follows ``text`` after a dot and may be ""."""

    text: str
    more: str


def allies_in_words(counts: StandingCounts, country: str, day: dt.date | None = None) -> Sentence:
    """Say how many allies a country has on a day; ``day`` is None for today.

    ``text`` counts the confirmed allies by defence pact or, if there are none, the countries with
    other confirmed ties. ``more`` counts the others.
    """
    if not counts.confirmed:
        return Sentence(_nothing(day), _others(counts))
    if not counts.by_defence_pact:
        text = _tied(counts.confirmed, country, day)
        return Sentence(text, _others(counts, is_more=True))
    number, rest = counts.by_defence_pact, counts.confirmed - counts.by_defence_pact
    text = ngettext(
        "%(n)s confirmed ally of %(country)s", "%(n)s confirmed allies of %(country)s", number
    )
    if day:
        text = ngettext(
            "%(n)s confirmed ally of %(country)s on %(day)s",
            "%(n)s confirmed allies of %(country)s on %(day)s",
            number,
        )
    values = {"n": number, "country": country, "day": _in_words(day) if day else ""}
    other = ngettext("%(n)s more with other ties", "%(n)s more with other ties", rest)
    more = [other % {"n": rest}] if rest else []
    return Sentence(text % values, " · ".join(filter(None, [*more, _others(counts, is_more=True)])))


def _tied(number: int, country: str, day: dt.date | None) -> str:
    text = ngettext(
        "%(n)s country tied to %(country)s", "%(n)s countries tied to %(country)s", number
    )
    if day:
        text = ngettext(
            "%(n)s country tied to %(country)s on %(day)s",
            "%(n)s countries tied to %(country)s on %(day)s",
            number,
        )
    return text % {"n": number, "country": country, "day": _in_words(day) if day else ""}


def _in_words(day: dt.date) -> str:
    return date_format(day, "j F Y")


def _nothing(day: dt.date | None) -> str:
    if day:
        return gettext("No confirmed ties on %(day)s") % {"day": _in_words(day)}
    return gettext("No current ties recorded")


def _others(counts: StandingCounts, *, is_more: bool = False) -> str:
    """Count those that are not confirmed: "12 more last recorded 2012 · 3 more possible"."""
    parts = []
    years = format_years(counts)
    if counts.last_recorded and years:
        text = (
            ngettext(
                "%(n)s more last recorded %(years)s",
                "%(n)s more last recorded %(years)s",
                counts.last_recorded,
            )
            if is_more
            else ngettext(
                "%(n)s last recorded %(years)s",
                "%(n)s last recorded %(years)s",
                counts.last_recorded,
            )
        )
        parts.append(text % {"n": counts.last_recorded, "years": years})
    elif counts.last_recorded:
        text = ngettext("%(n)s last recorded", "%(n)s last recorded", counts.last_recorded)
        parts.append(text % {"n": counts.last_recorded})
    if counts.possible:
        text = ngettext("%(n)s possible", "%(n)s possible", counts.possible)
        parts.append(text % {"n": counts.possible})
    return " · ".join(parts)


def format_years(counts: StandingCounts) -> str:
    """Return the years in which records of ties end: "2012", "2003–2012"; "" if unknown."""
    if not counts.years:
        return ""
    first, last = counts.years
    return str(last) if first == last else f"{first}–{last}"


def others_in_words(counts: StandingCounts) -> str:
    """Return the counts of those that are not confirmed: "12 last recorded 2012 · 3 possible"."""
    return _others(counts)


def ties_in_words(counts: StandingCounts) -> Sentence:
    """Return the label (``text``) for the number of confirmed ties of two countries on a day."""
    text = ngettext("Tie in force", "Ties in force", counts.confirmed)
    return Sentence(text, _others(counts, is_more=bool(counts.confirmed)))
