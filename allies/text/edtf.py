"""Imprecise dates: parse them, find their first and last day, and format them.

They are stored as EDTF (ISO 8601-2, levels 0 and 1): ``2024-06-19``, ``2024-05``, ``2023``,
``2024-03/2024-06`` (some time between), ``../2022-02-24`` (not later than), ``2022/..`` (from
then on), ``198X`` (in the eighties), with ``~`` for "about" and ``?`` for "uncertain". The empty
text means "not known". Seasons are not supported, because their months depend on the hemisphere.
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable, Set
from functools import lru_cache
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _

EXAMPLES = "2024-06-19, 2024-05, 2023, 2024-03/2024-06, ../2022-02-24, 2022/.."

#: Marks after a date: about, uncertain, both.
QUALIFIERS = frozenset("~?%")

#: What people type before a date in either language, by meaning.
_BEFORE = r"(?:before|until|by|not later than|sebelum|hingga|sampai|paling lambat)"
_SINCE = r"(?:since|from|after|sejak|dari|mulai|setelah)"
_ABOUT = r"(?:about|around|circa|ca?\.?|sekitar|kira-kira)"

_POINT = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?([?~%]?)", re.ASCII)
_MONTH_OF_YEAR = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_DECADE = re.compile(r"(\d{3})X", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})\.? ([^\W\d]+)\.?,? (\d{4})", re.ASCII)
_MONTH_FIRST = re.compile(r"([^\W\d]+)\.? (\d{1,2}),? (\d{4})", re.ASCII)
_MONTH = re.compile(r"([^\W\d]+)\.?,? (\d{4})", re.ASCII)
_MONTHS_OF_YEAR = re.compile(
    r"([^\W\d]+)(?: - | ?– ?| (?:to|and|dan|sampai) )([^\W\d]+) (\d{4})", re.ASCII
)

_MONTH_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "january januari jan",
            "february februari feb pebruari",
            "march maret mar",
            "april apr",
            "may mei",
            "june juni jun",
            "july juli jul",
            "august agustus aug agu agt",
            "september sept sep",
            "october oktober oct okt",
            "november nopember nov nop",
            "december desember dec des",
        ),
        start=1,
    )
    for name in names.split()
}


class Bounds(NamedTuple):
    """First and last day that a date may mean, both inclusive; None on an open side."""

    earliest: dt.date | None
    latest: dt.date | None


class UnreadableDate(ValueError):
    """A text that is not a date, or that can be read in two ways."""


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
    if match := _DECADE.fullmatch(value):
        years = (_point_bounds(value, f"{match[1]}{n}", None, None) for n in "09")
        return Bounds(next(years).earliest, next(years).latest)
    raise UnreadableDate(value)


def is_qualified(value: str) -> bool:
    """Return whether a date is "about" (~), "uncertain" (?) or both (%), and so never certain."""
    return not QUALIFIERS.isdisjoint(value)


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
        return alike[0] if alike else _qualify(same[0], marks)
    if last == dt.date.max:
        return ""  # no last possible day is known
    start = ".." if first == dt.date.min else first.isoformat()
    return _qualify(first.isoformat() if first == last else f"{start}/{last.isoformat()}", marks)


def _qualify(value: str, marks: Set[str]) -> str:
    """Return the date with these marks instead of its own."""
    mark = "%" if len(marks) > 1 else "".join(marks)
    points = [point.rstrip("~?%") for point in value.split("/")]
    return "/".join(point if point in ("", "..") else point + mark for point in points)


def parse_date(text: str) -> str:
    """Return the EDTF form of a date that a person typed in English or Indonesian.

    In addition to EDTF, it accepts ``19 June 2024``, ``19 Juni 2024``, ``June 19, 2024``,
    ``Mei 2024``, ``March to June 2024``, ``from 2020 to 2022``, ``before 24 February 2022``,
    ``sejak 2022`` and ``about 1990``. ``03/04/2020`` is refused, because it is 3 April to some
    readers and 4 March to others. Raises UnreadableDate.
    """
    # Unknown days and months may be written as XX, which means the same as leaving them out.
    text = re.sub(r"^([0-9]{4}(?:-[0-9]{2})?)(?:-XX){1,2}$", r"\1", " ".join(text.split()))
    try:
        bounds(text)
        return text
    except UnreadableDate:
        return _parse_words(text.casefold(), text)


def _parse_words(words: str, original: str) -> str:
    if match := re.fullmatch(rf"{_BEFORE} (.+)", words):
        return f"../{_parse_point(match[1], original)}"
    if span := _parse_span(re.sub(r"^(?:between|antara|from|dari) ", "", words), original):
        return span
    if match := re.fullmatch(rf"{_SINCE} (.+)", words):
        return f"{_parse_point(match[1], original)}/.."
    if match := re.fullmatch(rf"{_ABOUT} (.+)", words):
        return f"{_parse_point(match[1], original)}~"
    return _parse_point(words, original)


def _parse_span(words: str, original: str) -> str:
    """Return the interval that these words mean; "" if they are not an interval."""
    if match := _MONTHS_OF_YEAR.fullmatch(words):
        first, last, year = match.groups()
        return _validated(f"{year}-{_month(first, original)}/{year}-{_month(last, original)}")
    for separator in (" – ", " - ", "–", " to ", " and ", " dan ", " sampai ", " hingga "):
        start, found, end = words.partition(separator)
        if found:
            return _validated(f"{_parse_point(start, original)}/{_parse_point(end, original)}")
    return ""


def _parse_point(words: str, original: str) -> str:
    if _POINT.fullmatch(words):
        return _validated(words)
    if match := _DAY_FIRST.fullmatch(words):
        day, month, year = match.groups()
    elif match := _MONTH_FIRST.fullmatch(words):
        month, day, year = match.groups()
    elif match := _MONTH.fullmatch(words):
        return _validated(f"{match[2]}-{_month(match[1], original)}")
    else:
        raise UnreadableDate(original)
    return _validated(f"{year}-{_month(month, original)}-{int(day):02}")


def _month(name: str, original: str) -> str:
    try:
        return f"{_MONTH_NAMES[name]:02}"
    except KeyError as error:
        raise UnreadableDate(original) from error


def _validated(value: str) -> str:
    bounds(value)
    return value


def format_edtf(value: str) -> str:
    """Return a stored date in the active language, no more precise than it is known.

    >>> format_edtf("2024-05")
    'May 2024'
    """
    if not value:
        return ""
    start, slash, end = value.partition("/")
    if not slash:
        return _format_point(value)
    if start == "..":
        return _("by %(date)s") % {"date": _format_point(end)}
    if end == "..":
        return _("since %(date)s") % {"date": _format_point(start)}
    if months := _months_of_one_year(start, end):
        return _("between %(first_month)s and %(month_and_year)s") % months
    return _("between %(start)s and %(end)s") % {
        "start": _format_point(start),
        "end": _format_point(end),
    }


def _months_of_one_year(start: str, end: str) -> dict[str, str]:
    """Return the values for an interval of two months of one year; {} for other dates."""
    first, last = _MONTH_OF_YEAR.fullmatch(start), _MONTH_OF_YEAR.fullmatch(end)
    if not first or not last or first[1] != last[1]:
        return {}
    month = date_format(dt.date(int(first[1]), int(first[2]), 1), "F")
    return {"first_month": month, "month_and_year": _format_point(end)}


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


def last_recorded(value: str) -> str:
    """Return the date of the last record in words if the end is open; otherwise "".

    >>> last_recorded("2012/..")
    '2012'
    """
    start, _slash, end = value.partition("/")
    return _format_point(start) if end == ".." else ""


def _format_point(value: str) -> str:
    match = _POINT.fullmatch(value)
    if not match:
        return _("the %(years)ss") % {"years": value.replace("X", "0")}
    year, month, day, doubt = match.groups()
    if not month:
        words = str(int(year))
    else:
        date = dt.date(int(year), int(month), int(day or 1))
        words = date_format(date, "j F Y" if day else "F Y")
    if doubt == "~":
        return _("about %(date)s") % {"date": words}
    if doubt:
        return _("%(date)s (uncertain)") % {"date": words}
    return words
