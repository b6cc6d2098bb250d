"""A chart by year: bars for counts, or dots and lines for proportions."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from allies.charts.layout import (
    GAP,
    SMALL,
    VIEWPORTS,
    Label,
    Polygon,
    Viewport,
    estimate_text_width,
    format_coordinate,
    polygon,
    rectangle,
    round_step,
)

#: Space above the plot for a value, and below it for the years; height of the plot per viewport.
ABOVE, BELOW, PLOT = 26, 26, {"wide": 180, "narrow": 150}
#: Radius of a dot. From this many years on, only the ends of lines and single years get a dot.
DOT, DOTTED = 3.5, 60
#: Font size to estimate the width of a value: larger than TEXT, because values are bold.
BOLD = 15.5


class GridLine(NamedTuple):
    """A horizontal line of the grid, at ``y``, from ``x0`` to ``x1``."""

    y: float
    x0: float
    x1: float


class Bar(NamedTuple):
    """A year's bar; ``reach`` is the area that reacts to the pointer, as high as the plot."""

    shape: Polygon
    reach: Polygon
    title: str
    url: str


class YearChartPanel(NamedTuple):
    """The chart for one viewport."""

    variant: str
    width: int
    height: int
    grid: list[GridLine]
    texts: list[Label]
    bars: list[Bar]
    lines: list[str]
    dots: list[Polygon]


class YearRow(NamedTuple):
    """A row of the table: one year."""

    year: int
    value: str
    url: str


class YearChart(NamedTuple):
    """The data for the template ``_year_chart.html``."""

    name: str
    title: str
    description: str
    unit: str
    panels: list[YearChartPanel]
    rows: list[YearRow]
    has_links: bool


def build_year_chart(
    points: Sequence[tuple[int, float | None]],
    *,
    name: str,
    title: str,
    description: str,
    unit: str,
    links: Mapping[int, str] | None = None,
    thin: Collection[int] = (),
) -> YearChart:
    """Return a chart of values by year.

    ``points`` are (year, value), each year once, in any order. With ``unit`` "percent", values are
    proportions between 0 and 1, drawn as dots joined by lines. Lines have a gap if a value is None
    or a year is missing. With "count", values are whole numbers, drawn as bars. ``name`` is unique
    on the page (letters, digits, hyphens); ``links`` are the URLs of years. ``thin`` are years with
    too little data to compare: proportions of these years are hollow dots without line or label.
    """
    known = sorted(points)
    links = links or {}
    rows = [
        YearRow(year, "–" if value is None else _format_value(value, unit), links.get(year, ""))
        for year, value in known
    ]
    panels = [_panel(paper, known, unit, links, thin) for paper in VIEWPORTS] if known else []
    return YearChart(name, title, description, unit, panels, rows, bool(links))


def _format_value(value: float, unit: str) -> str:
    """Return a value in the active language: "97%", "97.5%" or "1,204"."""
    if unit == "percent":
        decimals = 0 if value in (0, 1) or round(value * 100, 1) % 1 == 0 else 1
        return _("%(number)s%%") % {"number": number_format(value * 100, decimals)}
    return number_format(value, 0, force_grouping=True)


class _Plot:
    """The coordinates of years and values in one viewport."""

    def __init__(
        self, paper: Viewport, points: Sequence[tuple[int, float | None]], unit: str
    ) -> None:
        values = [value for _year, value in points if value is not None]
        self.first, self.last = points[0][0], points[-1][0]
        self.step = 0.25
        if unit == "count":
            self.step = max(round_step(max([*values, 1]), 4), 1)
        steps = 4 if unit == "percent" else -(-max([*values, 1]) // self.step)
        self.most = self.step * steps
        self.marks = [self.step * n for n in range(int(steps) + 1)]
        self.left = (
            max(estimate_text_width(_format_value(mark, unit), SMALL) for mark in self.marks) + 8
        )
        self.right = paper.width - 4.0
        self.top, self.foot = float(ABOVE), float(ABOVE + PLOT[paper.variant])
        self.room = (self.right - self.left) / (self.last - self.first + 1)

    def x(self, year: float) -> float:
        """Return the x coordinate of the middle of a year."""
        return self.left + (year - self.first + 0.5) * self.room

    def y(self, value: float) -> float:
        return self.foot - value / self.most * (self.foot - self.top)


def _panel(
    paper: Viewport,
    points: Sequence[tuple[int, float | None]],
    unit: str,
    links: Mapping[int, str],
    thin: Collection[int],
) -> YearChartPanel:
    plot = _Plot(paper, points, unit)
    grid = [
        GridLine(
            format_coordinate(plot.y(mark)),
            format_coordinate(plot.left),
            format_coordinate(plot.right),
        )
        for mark in plot.marks
    ]
    scale = [
        Label(
            format_coordinate(plot.left - 6),
            format_coordinate(plot.y(mark) + 4),
            _format_value(mark, unit),
            "end",
            SMALL,
        )
        for mark in plot.marks
    ]
    there = [(year, value) for year, value in points if value is not None]
    bars: list[Bar] = []
    lines: list[str] = []
    dots: list[Polygon] = []
    if unit == "count":
        bars = [_bar(plot, year, value, links.get(year, "")) for year, value in there]
    else:
        hollow = [point for point in there if point[0] in thin]
        there = [point for point in there if point[0] not in thin]
        lines, dots = _line_and_dots(plot, there)
        dots += [_dot(plot.x(year), plot.y(value), "dot thin") for year, value in hollow]
    height = int(plot.foot + BELOW)
    texts = [*scale, *_years(plot), *_values(plot, there, unit)]
    return YearChartPanel(paper.variant, paper.width, height, grid, texts, bars, lines, dots)


def _bar(plot: _Plot, year: int, value: float, url: str) -> Bar:
    half = min(plot.room * 0.4, 24)
    middle = plot.x(year)
    top = plot.y(value) if not value else min(plot.y(value), plot.foot - 1)
    return Bar(
        rectangle(middle - half, top, middle + half, plot.foot, "bar"),
        rectangle(middle - plot.room / 2, plot.top, middle + plot.room / 2, plot.foot, "reach"),
        f"{year}: {_format_value(value, 'count')}",
        url,
    )


def _line_and_dots(
    plot: _Plot, points: Sequence[tuple[int, float]]
) -> tuple[list[str], list[Polygon]]:
    """Return lines through consecutive years, and the dots.

    Every year gets a dot if there is enough space, otherwise only the ends of the lines.
    """
    # Consecutive years have the same difference to their position in the list.
    runs = [
        [point for _place, point in run]
        for _key, run in groupby(enumerate(points), lambda item: item[1][0] - item[0])
    ]
    lines = [
        " ".join(f"{plot.x(year):.1f},{plot.y(value):.1f}" for year, value in run)
        for run in runs
        if len(run) > 1
    ]
    if plot.last - plot.first < DOTTED and plot.room > 3 * DOT:
        dotted = list(points)
    else:
        dotted = list(dict.fromkeys(point for run in runs for point in (run[0], run[-1])))
    return lines, [_dot(plot.x(year), plot.y(value)) for year, value in dotted]


def _dot(x: float, y: float, css_class: str = "dot") -> Polygon:
    return polygon([(x, y - DOT), (x + DOT, y), (x, y + DOT), (x - DOT, y)], css_class)


def _years(plot: _Plot) -> list[Label]:
    """Return the labels of the years below the plot: round years, as many as fit."""
    label = estimate_text_width("2026", SMALL) + GAP
    span = plot.last - plot.first + 1
    fits = max(int((plot.right - plot.left) // label), 1)
    step = next(
        n for n in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 10000) if span <= n * fits
    )
    start = -(-plot.first // step) * step
    years = list(range(start, plot.last + 1, step)) or [plot.first]
    texts = [_clamp_label(plot, plot.x(year), plot.foot + 18, str(year), SMALL) for year in years]
    # A label that was moved away from the side may be too close to the next one.
    if len(texts) > 1 and texts[1].x - texts[0].x < label - GAP / 2:
        del texts[0]
    if len(texts) > 1 and texts[-1].x - texts[-2].x < label - GAP / 2:
        del texts[-1]
    return texts


def _clamp_label(plot: _Plot, x: float, y: float, text: str, size: float) -> Label:
    """Return a label centred at ``x``, moved as far as necessary to stay inside the plot."""
    half = estimate_text_width(text, size) / 2
    x = max(min(x, plot.right - half), plot.left + half)
    return Label(format_coordinate(x), format_coordinate(y), text, "middle", size)


def _values(plot: _Plot, points: Sequence[tuple[int, float]], unit: str) -> list[Label]:
    """Return labels for the highest, last, first and (for proportions) lowest value.

    A label that would overlap an earlier one of these, or a higher bar, is left out. If there is
    enough space, every bar gets a label.
    """
    if not points:
        return []
    if unit == "count" and all(
        estimate_text_width(_format_value(value, unit), BOLD) + 4 <= plot.room
        for _year, value in points
    ):
        return [
            _clamp_label(plot, plot.x(year), plot.y(value) - 8, _format_value(value, unit), BOLD)
            for year, value in points
        ]
    wanted = [max(points, key=lambda point: point[1]), points[-1], points[0]]
    if unit == "percent":
        wanted.append(min(points, key=lambda point: point[1]))
    said: list[Label] = []
    for year, value in dict.fromkeys(wanted):
        y = plot.y(value) - 8
        if (year, value) == wanted[-1] and unit == "percent":
            y = min(plot.y(value) + 18, plot.foot - 3)  # the lowest value is below its dot
        text = _clamp_label(plot, plot.x(year), y, _format_value(value, unit), BOLD)
        behind = unit == "count" and any(
            other > value and _label_covers_year(plot, text, near) for near, other in points
        )
        if not behind and not any(_labels_overlap(text, other) for other in said):
            said.append(text)
    return said


def _label_covers_year(plot: _Plot, text: Label, year: int) -> bool:
    """Return whether a label is in the column of a year's bar.

    A label that reaches only the edge of the column does not count.
    """
    start, end = text.bounds
    return start < plot.x(year) + plot.room * 0.3 and plot.x(year) - plot.room * 0.3 < end


def _labels_overlap(one: Label, other: Label) -> bool:
    apart = abs(one.y - other.y) >= BOLD
    (start, end), (first, last) = one.bounds, other.bounds
    return not apart and start < last + 4 and first < end + 4
