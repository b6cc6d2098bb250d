"""A time axis: the x coordinate of a day, and the ticks of the grid."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from django.utils.formats import date_format

from allies.charts.layout import GAP, SMALL, Label, estimate_text_width, format_coordinate

#: Possible distances between two ticks, in days, months or years.
_STEPS = (
    *(("day", n) for n in (1, 2, 7, 14)),
    *(("month", n) for n in (1, 2, 3, 6)),
    *(("year", n) for n in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000)),
)
#: Django's date format for the label of a tick, and the longest such label.
_LABELLED = {
    "day": ("j M Y", "30 Sept. 2026"),
    "month": ("M Y", "Sept. 2026"),
    "year": ("Y", "2026"),
}


class Tick(NamedTuple):
    """A line of the grid at ``x``, with the label at its ends."""

    x: float
    label: str
    anchor: str


class Axis:
    """The days from ``first`` to ``last``, both inclusive, between two x coordinates."""

    def __init__(self, first: dt.date, last: dt.date, left: float, right: float) -> None:
        self.first, self.last, self.left, self.right = first, last, left, right
        self._days = last.toordinal() + 1 - first.toordinal()

    def start_of(self, day: dt.date) -> float:
        """Return the x coordinate where a day begins, limited to the axis."""
        return self._x(day.toordinal())

    def end_of(self, day: dt.date) -> float:
        """Return the x coordinate where a day ends, limited to the axis."""
        return self._x(day.toordinal() + 1)

    def _x(self, ordinal: float) -> float:
        part = (ordinal - self.first.toordinal()) / self._days
        return self.left + min(max(part, 0.0), 1.0) * (self.right - self.left)

    def ticks(self) -> list[Tick]:
        """Return the ticks of the finest grid whose labels fit."""
        for unit, step in _STEPS:
            form, longest = _LABELLED[unit]
            room = (self.right - self.left) / (estimate_text_width(longest, SMALL) + GAP)
            if self._days / ({"day": 1, "month": 30.4, "year": 365.2}[unit] * step) <= room:
                break
        ticks: list[Tick] = []
        for day in _round_days(unit, step, self.first, self.last):
            name = str(day.year) if unit == "year" else date_format(day, form)
            tick = self._tick(day, name)
            if (
                ticks
                and tick_label(tick, 0).bounds[0] < tick_label(ticks[-1], 0).bounds[1] + GAP / 2
            ):
                tick = tick._replace(label="")  # moved inwards, it would touch its neighbour
            ticks.append(tick)
        return ticks

    def _tick(self, day: dt.date, label: str) -> Tick:
        """Return a tick with a centred label; near an end of the axis, the label points inwards."""
        x, half = self.start_of(day), estimate_text_width(label, SMALL) / 2
        anchor = "middle"
        if x + half > self.right:
            anchor = "end"
        elif x - half < 0:
            anchor = "start"
        return Tick(format_coordinate(x), label, anchor)


def tick_label(tick: Tick, y: float) -> Label:
    """Return a tick's label, with its baseline at ``y``."""
    return Label(tick.x, format_coordinate(y), tick.label, tick.anchor, SMALL)


def _round_days(unit: str, step: int, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield the round days: whole years or months, or every n-th day from 1 January on."""
    if unit == "day":
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            day = dt.date.fromordinal(ordinal)
            if (day.timetuple().tm_yday - 1) % step == 0:
                yield day
        return
    months = step if unit == "month" else step * 12
    for number in range(first.year * 12, last.year * 12 + 12):
        year, month = divmod(number, 12)
        if (
            number % months == 0
            and year >= 1
            and first <= (day := dt.date(year, month + 1, 1)) <= last
        ):
            yield day
