"""Imprecise dates: their first and last day, and how pages show them.

They are stored as EDTF (ISO 8601-2, levels 0 and 1): ``2024-06-19``, ``2024-05``, ``2023``,
``2024-03/2024-06`` (some time between), ``../2022-02-24`` (not later than), ``2022/..`` (from
then on), ``198X`` and ``20XX`` (some time in these years), with ``~`` for "about", ``?`` for
"uncertain" and ``%`` for both. The empty text means "not known". Seasons are not supported,
because their months depend on the hemisphere. ``date_parser`` reads dates in words.
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable, Set
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _

#: Marks after a date: about, uncertain, both.
QUALIFIERS = frozenset("~?%")

_POINT = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?([?~%]?)", re.ASCII)
_YEARS = re.compile(r"(\d{2})(\dX|XX)([?~%]?)", re.ASCII)


class Bounds(NamedTuple):
    """First and last day that a date may mean, both inclusive; None on an open side."""

    earliest: dt.date | None
    latest: dt.date | None


class UnreadableDate(ValueError):
    """A text that is not a date."""


@lru_cache(maxsize=4096)
def bounds(value: str) -> Bounds:
    """Return the first and last day of an EDTF text; the empty text is open on both sides.

    Raises UnreadableDate if the text is not EDTF of level 0 or 1, or is not a real day.
    """
    if not value:
        return Bounds(None, None)
    if "/" in value:
        return _interval_bounds(value)
    if match := _POINT.fullmatch(value):
        return _point_bounds(value, *match.groups()[:3])
    if _YEARS.fullmatch(value):
        first, last = (_point_bounds(value, year, None, None) for year in _first_and_last(value))
        return Bounds(first.earliest, last.latest)
    raise UnreadableDate(value)


def _point_bounds(value: str, year: str, month: str | None, day: str | None) -> Bounds:
    try:
        first = dt.date(int(year), int(month or 1), int(day or 1))
    except ValueError as error:
        raise UnreadableDate(value) from error
    if day:
        return Bounds(first, first)
    last_month = int(month or 12)
    last_day = calendar.monthrange(first.year, last_month)[1]
    return Bounds(first, dt.date(first.year, last_month, last_day))


def _first_and_last(value: str) -> tuple[str, str]:
    """Return the first and last year of a decade or century, "198X" or "19XX"."""
    digits = value[:4]
    return digits.replace("X", "0"), digits.replace("X", "9")


def _interval_bounds(value: str) -> Bounds:
    start, end = value.split("/", 1)
    if "/" in end or not start or not end or (start, end) == ("..", ".."):
        raise UnreadableDate(value)
    earliest = None if start == ".." else bounds(start).earliest
    latest = None if end == ".." else bounds(end).latest
    if earliest and latest and earliest > latest:
        raise UnreadableDate(value)
    return Bounds(earliest, latest)


def have_common_day(first: str, second: str) -> bool:
    """Return whether two EDTF texts may mean the same day; the empty text may mean any day."""
    one, other = bounds(first), bounds(second)
    return not (one.latest and other.earliest and one.latest < other.earliest) and not (
        other.latest and one.earliest and other.latest < one.earliest
    )


def is_within(inner: str, outer: str) -> bool:
    """Return whether each day that one EDTF text may mean is a day that the other may mean."""
    one, other = bounds(inner), bounds(outer)
    begins = other.earliest is None or (one.earliest is not None and one.earliest >= other.earliest)
    ends = other.latest is None or (one.latest is not None and one.latest <= other.latest)
    return begins and ends


def is_qualified(value: str) -> bool:
    """Return whether a date is "about" (~), "uncertain" (?) or both (%), and so never certain."""
    return not QUALIFIERS.isdisjoint(value)


def qualify(value: str, marks: Set[str]) -> str:
    """Return the date with these marks instead of its own, at both ends of an interval."""
    mark = "%" if len(marks) > 1 else "".join(marks)
    points = [point.rstrip("~?%") for point in value.split("/")]
    return "/".join(point if point in ("", "..") else point + mark for point in points)


def adjacent_date(point: str, step: int) -> str:
    """Return the year, month or day before (-1) or after (1) this one, unqualified.

    Of a decade or century, return the year before or after. Raises UnreadableDate if that is not
    one of the years 1 to 9999.
    """
    earliest, latest = bounds(point)
    edge = latest if step > 0 else earliest
    try:
        day = edge + dt.timedelta(days=step) if edge else None
    except OverflowError as error:
        raise UnreadableDate(point) from error
    if day is None:
        raise UnreadableDate(point)
    match = _POINT.fullmatch(point)
    precision = 4 if match is None or not match[2] else 10 if match[3] else 7
    return day.isoformat()[:precision]


def combine_dates(pick: Callable[[list[dt.date]], dt.date], dates: list[str]) -> str:
    """Return the earliest (``min``) or latest (``max``) of imprecise dates, as an EDTF text.

    ``pick`` is applied to the first possible days and to the last possible days separately. The
    result is qualified if one of the dates that may be the earliest or latest is qualified.
    """
    known = [(b.earliest or dt.date.min, b.latest or dt.date.max) for b in map(bounds, dates)]
    first, last = pick([start for start, _end in known]), pick([end for _start, end in known])
    pairs = list(zip(dates, known, strict=True))
    candidates = "".join(date for date, (a, b) in pairs if a <= last and first <= b)
    marks = QUALIFIERS.intersection(candidates)
    same = [date for date, days in pairs if days == (first, last)]
    if same:
        alike = [date for date in same if QUALIFIERS.intersection(date) == marks]
        return alike[0] if alike else qualify(same[0], marks)
    if last == dt.date.max:
        return ""  # no last possible day is known
    start = ".." if first == dt.date.min else first.isoformat()
    return qualify(first.isoformat() if first == last else f"{start}/{last.isoformat()}", marks)


def format_edtf(value: str) -> str:
    """Return a stored date in the active language, no more precise than it is known.

    ``date_parser.parse_date`` reads each of these texts as a date with the same bounds.

    >>> format_edtf("2024-05")
    'May 2024'
    """
    if not value:
        return ""
    start, slash, end = value.partition("/")
    if not slash or start == end:
        return _format_point(start)
    if start == "..":
        return _format_last_possible(end)
    if end == "..":
        return _("since %(date)s") % {"date": _format_point(start)}
    first, last = _edge(start, 0), _edge(end, 1)
    if short := _without_common_parts(first, last):
        return _("between %(first)s and %(last)s") % {"first": short, "last": _format_point(last)}
    return _("between %(start)s and %(end)s") % {
        "start": _format_point(first),
        "end": _format_point(last),
    }


def _edge(point: str, side: int) -> str:
    """Return the first (0) or last (1) year of a decade or century; other dates unchanged."""
    return _first_and_last(point)[side] + point[4:] if "X" in point else point


def _format_last_possible(end: str) -> str:
    """Return words for "not later than": "before 2022" for 2021, "by 24 February 2022" for a day.

    "By 2021" would be short, but many read it as "before 2021 begins".
    """
    is_day = (match := _POINT.fullmatch(end)) and match[3]
    if not is_day and not is_qualified(end):
        with suppress(UnreadableDate):  # there is no year 10000
            return _("before %(date)s") % {"date": _format_point(adjacent_date(end, 1))}
    return _("by %(date)s") % {"date": _format_point(_edge(end, 1))}


def _without_common_parts(first: str, last: str) -> str:
    """Return the first of two months or days in words, without the year or month of the last.

    Return "" if they have no year in common, or are years or qualified.
    """
    if len(first) != len(last) or first[:4] != last[:4] or is_qualified(first + last):
        return ""
    if len(first) == 7:
        return date_format(dt.date.fromisoformat(f"{first}-01"), "F")
    if len(first) == 10:
        same_month = first[:7] == last[:7]
        return date_format(dt.date.fromisoformat(first), "j" if same_month else "j F")
    return ""


def format_start_date(value: str) -> str:
    """Return a start date in words; if the last possible day is open, say "or later".

    "Since 2022" would say that it began in 2022.

    >>> format_start_date("2022/..")
    '2022 or later'
    """
    start, _slash, end = value.partition("/")
    if end == "..":
        return _("%(date)s or later") % {"date": _format_point(start)}
    return format_edtf(value)


def format_since(value: str) -> str:
    """Return "since" and a start date; without "since" if the start is imprecise.

    >>> format_since("2022"), format_since("../2021")
    ('since 2022', 'before 2022')
    """
    if "/" in value:
        return format_start_date(value)
    return _("since %(date)s") % {"date": format_edtf(value)}


def format_end_date(value: str) -> str:
    """Return an end date in words; for an open end, only the year of the last record.

    >>> format_end_date("2012-12-31/..")
    '(records end 2012)'
    """
    start, _slash, end = value.partition("/")
    if end == "..":
        point = _POINT.fullmatch(start)
        year = _format_point(point[1] + point[4] if point else start)
        return _("(records end %(year)s)") % {"year": year}
    return format_edtf(value)


def format_period(start: str, end: str) -> str:
    """Return a start and an end date in words; an empty date is left out.

    >>> format_period("1990", "2001"), format_period("2000-01/2000-04", "2001")
    ('1990 – 2001', 'between January and April 2000, ended 2001')
    """
    begun, ended = format_start_date(start), format_end_date(end)
    # "Between January and April 2000 – 2001" would have two readings.
    if begun and ended and not last_recorded(end) and "/" in start + end:
        return _("%(start)s, ended %(end)s") % {"start": begun, "end": ended}
    return " – ".join(filter(None, [begun, ended]))


def last_recorded(value: str) -> str:
    """Return the date of the last record in words if the end is open; otherwise "".

    >>> last_recorded("2012/..")
    '2012'
    """
    start, _slash, end = value.partition("/")
    return _format_point(start) if end == ".." else ""


def _format_point(value: str) -> str:
    words = _format_years(value) if "X" in value else _format_day(value)
    if value.endswith(("?", "%")):
        words = _("%(date)s (uncertain)") % {"date": words}
    if value.endswith(("~", "%")):
        words = _("about %(date)s") % {"date": words}
    return words


def _format_years(value: str) -> str:
    """Return a decade or century in words; of "the 2000s", nobody knows which it is."""
    first, last = _first_and_last(value)
    if first.endswith("00"):
        return _("some time in %(first)s–%(last)s") % {"first": first, "last": last}
    return _("the %(years)ss") % {"years": first}


def _format_day(value: str) -> str:
    year, _dash, month_and_day = value.rstrip("~?%").partition("-")
    if not month_and_day:
        return year
    month, _dash, day = month_and_day.partition("-")
    date = dt.date(int(year), int(month), int(day or 1))
    return date_format(date, "j F Y" if day else "F Y")
