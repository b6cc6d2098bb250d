"""Steps of a mapping that need only a text: conditions, shortening, sentence case and dates."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from allies.imports.rows import Cell, CellProblem
from allies.text.date_parser import normalize_typed_date, parse_date
from allies.text.edtf import UnreadableDate, bounds

#: What ``precision`` drops from a date.
_LONGER_THAN = {"month": re.compile(r"(\d{4}-\d{2})-\d{2}"), "year": re.compile(r"(\d{4})-[\d-]+")}
_FIRST_DIGITS = re.compile(r"\d*", re.ASCII)
_DIGITS = re.compile(r"(\d{1,4})[./\-– ](\d{1,2})[./\-– ](\d{1,4})(?:[ T]00:00(?::00)?)?", re.ASCII)

#: Keys of a condition that say more about a text than ``is``.
_MORE = frozenset({"starts", "ends", "has", "from", "to", "longest"})


def text_condition(when: Mapping[str, Any]) -> Callable[[str], bool]:
    """Return what a condition says about its column's text, as a function."""
    accepted = frozenset(when["is"]) if "is" in when else None
    starts, ends = tuple(when.get("starts", [""])), tuple(when.get("ends", [""]))
    parts = when.get("has", [""])
    first, last = when.get("from", ""), when.get("to")
    longest = when.get("longest")

    def holds(text: str) -> bool:
        if accepted is not None and (text not in accepted or not _MORE.intersection(when)):
            return text in accepted
        return bool(
            text
            and text.startswith(starts)
            and text.endswith(ends)
            and any(part in text for part in parts)
            and text >= first
            and (last is None or text <= last)
            and (longest is None or len(text) <= longest)
        )

    return holds


def text_shortener(spec: Mapping[str, Any]) -> Callable[[str], str]:
    """Return the function that applies ``before``, ``part``, ``remove`` and ``digits``."""
    marks, part = spec.get("before", ()), spec.get("part")
    removed, digits = spec.get("remove", ()), spec.get("digits", False)

    def shorten(text: str) -> str:
        for mark in marks:
            text = text.partition(mark)[0] if mark else text
        if part:
            found = text.split(part["by"], part["number"])
            text = found[part["number"] - 1] if len(found) >= part["number"] else ""
        for mark in removed:
            text = text.replace(mark, "")
        if digits:
            text = _FIRST_DIGITS.match(text)[0]  # type: ignore[index]  # it matches any text
        return text.strip()

    return shorten


def sentence_writer(names: Iterable[str]) -> Callable[[str], str]:
    """Return the function that writes a text in capitals in sentence case.

    The names keep their spelling. Other texts are returned unchanged.
    """
    spelling = {name.lower(): name for name in names if name}
    longest_first = sorted(spelling, key=len, reverse=True)
    # Literals in lower case without flags: the search compares one character per name.
    known = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?!\w)")

    def write(text: str) -> str:
        if not text.isupper():
            return text
        written = known.sub(lambda match: spelling[match[0]], text.lower())
        return written[:1].upper() + written[1:]

    return write


def reduce_precision(date: Cell, precision: str | None) -> Cell:
    """Return a date shortened to its month or year, as EDTF; return other texts unchanged."""
    if not precision or isinstance(date, CellProblem):
        return date
    longer = _LONGER_THAN[precision]
    points = [longer.sub(r"\1", point) for point in _read(date).split("/")]
    return "/".join(dict.fromkeys(points)) or date


def not_later_than(date: str) -> str:
    """Return the EDTF interval "not later than" for a date; return other texts unchanged."""
    found = _read(date)
    return f"../{found}" if found and "/" not in found else date


def _read(date: str) -> str:
    """Return the EDTF form of a date; "" for other texts, which their field refuses."""
    try:
        return parse_date(date)
    except UnreadableDate:
        return ""


def parse_ordered_date(text: str, order: str) -> Cell:
    """Return a date of digits in a given order as EDTF; return other texts unchanged."""
    match = _DIGITS.fullmatch(normalize_typed_date(text))
    if not match:
        return text
    parts = dict(zip(order, match.groups(), strict=True))
    if len(parts["y"]) != 4:
        return CellProblem(text, _("the year needs four digits"))
    return join_date([parts["y"], parts["m"], parts["d"]], text)


def join_date(parts: list[str], shown: str) -> Cell:
    """Return year, month and day as EDTF, or the problem of the text ``shown``."""
    date = "-".join(part.zfill(width) for part, width in zip(parts, (4, 2, 2), strict=False))
    try:
        bounds(date)
    except UnreadableDate:
        return CellProblem(shown, _("not a date; give year, month and day as numbers"))
    return date
