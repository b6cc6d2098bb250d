"""Read dates that people type, in English or Indonesian, as EDTF.

A text with two readings is refused: ``03/04/2020`` is 3 April to some readers and 4 March to
others. Words that name a period, such as "early 2024", become an interval that contains it:
"early", "mid" and "late" are the thirds of a year, a month (days 1–10, 11–20, 21–end), a decade
or a century, rounded up to whole years.
"""

import calendar
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from allies.text import date_patterns as patterns
from allies.text.edtf import (
    QUALIFIERS,
    UnreadableDate,
    adjacent_date,
    bounds,
    is_qualified,
    qualify,
)

#: Longer texts are not dates, in characters.
MAX_LENGTH = 120


class AmbiguousDate(UnreadableDate):
    """A text that can be read as two dates; ``readings`` are these dates as EDTF texts."""

    def __init__(self, text: str, readings: list[str]) -> None:
        super().__init__(text)
        self.readings = readings


class _Reading(NamedTuple):
    """A date as an EDTF text; ``is_vague`` if its edges are not exact, like "early 2024"."""

    value: str
    is_vague: bool = False

    @property
    def first(self) -> str:
        return self.value.split("/")[0]

    @property
    def last(self) -> str:
        return self.value.split("/")[-1]


def parse_date(text: str) -> str:
    """Return the EDTF form of a date that a person typed in English or Indonesian.

    EDTF is returned unchanged. docs/editors.md lists what else is read. Raises AmbiguousDate if
    the text has two readings, otherwise UnreadableDate.
    """
    with suppress(UnreadableDate):
        bounds(text)
        return text
    if len(text) > MAX_LENGTH:
        raise UnreadableDate(text)
    words = normalize_typed_date(text)
    try:
        return _parse_level_1(words.upper()) or _parse_words(words.casefold())
    except AmbiguousDate as error:
        raise AmbiguousDate(text, error.readings) from error
    except UnreadableDate as error:
        raise UnreadableDate(text) from error


def normalize_typed_date(text: str) -> str:
    """Return a text with ordinary hyphens, spaces and en dashes, without invisible characters."""
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join(visible.translate(patterns.DASHES).split())


def _parse_level_1(text: str) -> str:
    """Return EDTF of level 1 in the form that is stored; "" for another text.

    Unknown days and months may be written as XX, which means the same as leaving them out.
    """
    points = []
    for point in text.split("/"):
        if match := patterns.LEVEL_1.fullmatch(point):
            year, month, day, mark = match.groups()
            if month == "XX" and day not in (None, "XX"):
                return ""
            point = "-".join(p for p in (year, month, day) if p and p != "XX") + mark
        points.append(point)
    value = "/".join(points)
    with suppress(UnreadableDate):
        bounds(value)
        return value
    return ""


def _parse_words(words: str) -> str:
    """Return the EDTF form of normalized words; raises UnreadableDate."""
    if reading := _parse_time(words):
        return reading.value
    found = _parse_limit(words) or _parse_range(words)
    if not found:
        raise UnreadableDate(words)
    bounds(found)
    return found


def _parse_limit(words: str) -> str:
    """Return "before", "by", "after" or "since" a date as an open interval; "" for other words.

    "Before" and "after" exclude the date, and the others include it. If the edges of the date
    are not exact ("early 2024", "about 1990"), all of them include it.
    """
    for pattern, build in _LIMITS:
        match = pattern.fullmatch(words)
        if match and (date := _parse_time(next(filter(None, match.groups())))):
            return build(date)
    return ""


def _before(date: _Reading) -> str:
    return _until(date) if date.is_vague else f"../{adjacent_date(date.first, -1)}"


def _until(date: _Reading) -> str:
    return f"../{date.last}"


def _after(date: _Reading) -> str:
    return _since(date) if date.is_vague else f"{adjacent_date(date.last, 1)}/.."


def _since(date: _Reading) -> str:
    return f"{date.first}/.."


_LIMITS: tuple[tuple[re.Pattern[str], Callable[[_Reading], str]], ...] = (
    (patterns.BEFORE, _before),
    (patterns.UNTIL, _until),
    (patterns.AFTER, _after),
    (patterns.SINCE, _since),
)


def _parse_range(words: str) -> str:
    """Return two dates as an interval, "" for other words.

    The first may leave out what it has in common with the last: "3–5 May 2024".
    """
    separators = [patterns.SEPARATOR]
    if match := patterns.RANGE.fullmatch(words):
        words = match["dates"]
        separators += [patterns.AND] if match["both"] else []
    words = patterns.FILLER.sub("", words)
    if match := patterns.MONTH_WITH_DAYS.fullmatch(words):  # "May 3–5, 2024"
        month, first_day, separator, last_day, year = match.groups()
        words = f"{first_day} {month} {year}{separator}{last_day} {month} {year}"
    found = set()
    for match in (match for pattern in separators for match in pattern.finditer(words)):
        start, end = words[: match.start()], words[match.end() :]
        if (last := _parse_time(end)) and (first := _parse_start(start, end, last)):
            found.add(f"{first.first}/{last.last}")
    if len(found) > 1:
        raise AmbiguousDate(words, sorted(found))
    return found.pop() if found else ""


def _parse_start(start: str, end: str, last: _Reading) -> _Reading | None:
    """Return the first date of a range; it takes its year or month from the last if needed."""
    if first := _parse_time(start):
        return first
    year, *rest = last.last.split("-")
    if re.fullmatch(rf"\d{{1,2}}{patterns.NTH}\.?", start):
        in_words = re.search("[a-z]{3}", end)  # "03-04-2020" is not 3 to 4 April
        return _point(year, rest[0], re.sub(r"\D", "", start)) if in_words and rest[1:] else None
    return _parse_time(f"{start} {year}") if patterns.WITHOUT_YEAR.fullmatch(start) else None


def _parse_time(words: str) -> _Reading | None:
    """Return the reading of words for one date or named period, or None."""
    if match := patterns.ABOUT.fullmatch(words):
        return _qualified(match[1], "~")
    if match := patterns.UNCERTAIN.fullmatch(words) or patterns.UNCERTAIN_AFTER.fullmatch(words):
        return _qualified(match[1], "?")
    words = patterns.FILLER.sub("", words)
    if value := _parse_level_1(words.upper()):
        return None if "/" in value else _Reading(value, is_qualified(value))
    for pattern in (patterns.DAY_FIRST, patterns.MONTH_FIRST, patterns.MONTH_AND_YEAR):
        if match := pattern.fullmatch(words):
            month = str(patterns.MONTH_NAMES[match["month"]])
            day = match.groupdict().get("day")
            return _point(match["year"], month, *([day] if day else []))
    return _parse_numeric(words) or _parse_period(words)


def _qualified(words: str, mark: str) -> _Reading | None:
    if not (date := _parse_time(words)):
        return None
    marks = {mark, *QUALIFIERS.intersection(date.value)}
    return _Reading(qualify(date.value, marks), is_vague=True)


def _point(*parts: str) -> _Reading:
    """Return the reading of year, month and day; raises UnreadableDate if there is no such day."""
    value = "-".join(part.zfill(width) for part, width in zip(parts, (4, 2, 2), strict=False))
    bounds(value)
    return _Reading(value)


def _parse_numeric(words: str) -> _Reading | None:
    """Return a date of digits, if it is a real date in only one order of day and month."""
    if match := patterns.NUMERIC_MONTH.fullmatch(words):
        return _point(match[2], match[1])
    if not (match := patterns.NUMERIC.fullmatch(words)):
        return None
    first, _separator, second, third = match.groups()
    if len(first) == 4 and len(third) < 3:
        return _point(first, second, third)
    if len(third) < 4 or len(first) > 2:
        return None
    readings = set()
    for month, day in ((second, first), (first, second)):
        with suppress(UnreadableDate):
            readings.add(_point(third, month, day).value)
    if len(readings) > 1:
        raise AmbiguousDate(words, sorted(readings))
    return _Reading(readings.pop()) if readings else None


def _parse_period(words: str) -> _Reading | None:
    """Return a decade, a century, or a part of a year, month, decade or century; or None."""
    if (match := patterns.DECADE.fullmatch(words)) and (match["word"] or match["ending"]):
        digits = match["digits"]
        if digits.endswith("0") and not match["word"]:
            raise AmbiguousDate(words, [f"{digits}X", f"{digits[:2]}XX"])
        return _checked(f"{digits}X")
    if match := patterns.CENTURY.fullmatch(words):
        number = int(match[1]) if match[1] else _number(match[2])
        return _checked(f"{number * 100 - 99:04}/{number * 100:04}") if number else None
    if match := patterns.SOME_TIME.fullmatch(words):
        years = f"{match[1]}/{match[2]}"
        forms = (match[1][:3] + "X", match[1][:2] + "XX")
        same = (form for form in forms if bounds(form) == bounds(years))
        return _Reading(next(same, years), is_vague=True)
    for pattern, months in patterns.PARTS:
        if match := pattern.fullmatch(words):
            last = patterns.ORDINALS[match["part"]] * months
            first = last - months + 1
            return _checked(f"{match['year']}-{first:02}/{match['year']}-{last:02}")
    for third, pattern in enumerate(patterns.THIRDS):
        if (match := pattern.fullmatch(words)) and (whole := _parse_time(match["rest"])):
            return None if whole.is_vague else _third(whole.value, third)
    return None


def _checked(value: str) -> _Reading:
    bounds(value)
    return _Reading(value)


def _number(word: str) -> int:
    """Return the value of a number in digits or small Roman numerals; 0 if it is not one."""
    if word.isdecimal():
        return int(word)
    number, rest = 0, word
    for letters, value in patterns.ROMAN:
        while rest.startswith(letters):
            number, rest = number + value, rest[len(letters) :]
    return 0 if rest else number


def _third(whole: str, third: int) -> _Reading | None:
    """Return the first (0), second (1) or last (2) third of a year, month, decade or century."""
    if len(whole) == 7:
        last_day = calendar.monthrange(int(whole[:4]), int(whole[5:]))[1]
        first, last = (1, 11, 21)[third], (10, 20, last_day)[third]
        return _Reading(f"{whole}-{first:02}/{whole}-{last:02}", is_vague=True)
    if re.fullmatch(r"\d{4}", whole):
        return _Reading(f"{whole}-{third * 4 + 1:02}/{whole}-{third * 4 + 4:02}", is_vague=True)
    earliest, latest = bounds(whole)
    if earliest is None or latest is None or latest.year - earliest.year < 9:
        return None
    years = latest.year - earliest.year + 1
    first = earliest.year + years * third // 3
    last = earliest.year - (-years * (third + 1) // 3) - 1
    return _Reading(f"{first:04}/{last:04}", is_vague=True)
