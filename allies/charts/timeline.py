"""A timeline of periods and single days, drawn only as precisely as the dates are known.

Certain periods are solid, and the days between the earliest and the latest possible date are
hatched. A bar is pointed if its end is open or outside the drawing. A single day is a diamond.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from allies.charts.axis import Axis, Tick, tick_label
from allies.charts.layout import (
    GAP,
    TEXT,
    VIEWPORTS,
    Label,
    Polygon,
    Viewport,
    estimate_text_width,
    format_coordinate,
    polygon,
    rectangle,
    truncate_label,
)
from allies.text.edtf import (
    Bounds,
    bounds,
    format_edtf,
    format_end_date,
    format_period,
    format_start_date,
    is_qualified,
    last_recorded,
)

#: Maximum number of periods in one drawing, so that it stays readable.
MAX_ITEMS = 40
#: Height of the labels of the grid, of a bar, of half a diamond, and of a lane with its name next
#: to the bar or above it.
HEAD, BAR, DIAMOND, BESIDE, ABOVE = 26, 12, 7.0, 24, 42
#: CSS class of the parts that may or may not belong to a period.
HATCH_CLASS = "hatch"
#: Length of a bar's point, minimum width of a bar, and maximum width of the column of names.
POINT, THIN, NAMES = 7.0, 3.0, 340.0


class TimelineItem(NamedTuple):
    """A period, or an event on a single day if ``start`` and ``end`` are the same text.

    Both are EDTF: an empty start is not known, an empty end is still in the future. Items with the
    same label and URL share a lane. ``note`` is shown in the table and in the tooltip.
    ``css_class`` sets the colour: ``tone-1`` to ``tone-3``, ``certainty-…``.
    """

    label: str
    url: str
    start: str
    end: str
    css_class: str = ""
    note: str = ""

    @property
    def is_event(self) -> bool:
        return bool(self.start) and self.start == self.end


class Marker(NamedTuple):
    """The drawing of one lane: link, tooltip, label, shapes, and the area for the pointer."""

    url: str
    title: str
    text: Label
    shapes: list[Polygon]
    reach: Polygon


class TimelinePanel(NamedTuple):
    """The timeline for one viewport."""

    variant: str
    width: int
    height: int
    ticks: list[Tick]
    top: float
    foot: float
    texts: list[Label]
    marks: list[Marker]
    day: float | None


class TimelineRow(NamedTuple):
    """A row of the table: one item."""

    label: str
    url: str
    start: str
    end: str
    note: str


class Timeline(NamedTuple):
    """The data for the template ``_timeline.html``; ``left_out`` items are in the table only."""

    name: str
    title: str
    description: str
    panels: list[TimelinePanel]
    rows: list[TimelineRow]
    left_out: int
    events_only: bool
    has_notes: bool
    day: dt.date | None
    legend: list[tuple[str, str]]
    hatched: bool
    pointed: bool

    @property
    def has_items(self) -> bool:
        """Whether there is enough to draw: at least three rows, or two with different dates."""
        return len(self.rows) > 2 or len({(row.start, row.end) for row in self.rows}) > 1


def build_timeline(
    spans: Sequence[TimelineItem],
    *,
    name: str,
    title: str,
    description: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    day: dt.date | None = None,
    packed: bool = False,
    legend: Mapping[str, str] | None = None,
    most: int = MAX_ITEMS,
) -> Timeline:
    """Return a timeline of items, in the order given.

    ``first`` and ``last`` are the ends of the axis. By default it covers all known days and, if an
    end is open, today. ``day`` is marked. Each lane has its own row. If ``packed``, lanes share
    rows if their names do not overlap. ``legend`` maps CSS classes to their meaning. If there are
    more than ``most`` items, only the latest are drawn.
    """
    shown = _latest(spans, most)
    drawn: list[TimelinePanel] = []
    if shown:
        days = _reach(shown, first, last, day)
        drawn = [_panel(paper, shown, *days, day, packed) for paper in VIEWPORTS]
    shapes = [shape for panel in drawn for mark in panel.marks for shape in mark.shapes]
    return Timeline(
        name,
        title,
        description,
        drawn,
        [_row(span) for span in spans],
        len(spans) - len(shown),
        all(span.is_event for span in spans),
        any(span.note for span in spans),
        day,
        list((legend or {}).items()),
        any(shape.css_class == HATCH_CLASS for shape in shapes),
        any(shape.points.count(",") > 4 for shape in shapes),
    )


def _latest(spans: Sequence[TimelineItem], most: int) -> list[TimelineItem]:
    """Return the items that began last, in the order given."""

    def began(place: int) -> dt.date:
        return bounds(spans[place].start).latest or bounds(spans[place].end).latest or dt.date.max

    places = sorted(range(len(spans)), key=lambda place: (began(place), place), reverse=True)
    return [spans[place] for place in sorted(places[:most])]


def _row(span: TimelineItem) -> TimelineRow:
    return TimelineRow(span.label, span.url, *_dates_in_words(span), span.note)


def _dates_in_words(span: TimelineItem) -> tuple[str, str]:
    if span.is_event:
        return format_edtf(span.start), format_edtf(span.end)
    return format_start_date(span.start), format_end_date(span.end)


def _reach(
    spans: Sequence[TimelineItem], first: dt.date | None, last: dt.date | None, day: dt.date | None
) -> tuple[dt.date, dt.date]:
    """Return the first and last day of the drawing, with a margin around the known days."""
    known = [
        end for span in spans for text in (span.start, span.end) for end in bounds(text) if end
    ]
    if any(not span.end or bounds(span.end).latest is None for span in spans) or not known:
        known.append(timezone.localdate())
    known += [day] if day else []
    start = first or min(known)
    end = max(last or max(known), start)
    margin = max((end.toordinal() - start.toordinal()) // 60, 3)
    return (
        first or dt.date.fromordinal(max(start.toordinal() - margin, 1)),
        end
        if last
        else dt.date.fromordinal(min(end.toordinal() + margin, dt.date.max.toordinal())),
    )


class _Geometry(NamedTuple):
    """The shapes of one item around y = 0, and the x coordinates of their ends."""

    start: float
    end: float
    polygons: list[tuple[list[tuple[float, float]], str]]


def _draw(axis: Axis, span: TimelineItem) -> _Geometry | None:
    """Return an item's shapes; None if all of it is outside the axis."""
    begin, finish = bounds(span.start), bounds(span.end)
    if not span.end:
        finish = Bounds(axis.last, None)
    whole = Bounds(begin.earliest, finish.latest)
    if (whole.earliest and whole.earliest > axis.last) or (
        whole.latest and whole.latest < axis.first
    ):
        return None
    x0 = axis.start_of(whole.earliest or axis.first)
    x1 = axis.end_of(whole.latest or axis.last)
    if span.is_event and x1 - x0 <= THIN:
        return _diamond(axis, (x0 + x1) / 2, span.css_class)
    if x1 - x0 < THIN:
        x0 = min(max((x0 + x1 - THIN) / 2, axis.left), axis.right - THIN)
        x1 = x0 + THIN
    # Pointed on the sides where it continues: unknown, open, or cut off by the drawing.
    left = whole.earliest is None or whole.earliest < axis.first
    right = whole.latest is None or whole.latest > axis.last
    polygons = [(_bar(x0, x1, left, right), f"mark {span.css_class}")]
    # An event is drawn as precisely as its date, even if that is "about" or "uncertain".
    is_doubtful = not span.is_event and (is_qualified(span.start) or is_qualified(span.end))
    sure = None if is_doubtful else _certain_range(axis, begin, finish, x0, x1)
    for start, end in _uncertain_ranges(sure, x0, x1):
        if end - start >= 1:
            polygons.append(
                (_bar(start, end, left and start == x0, right and end == x1), HATCH_CLASS)
            )
    return _Geometry(x0, x1, polygons)


def _certain_range(
    axis: Axis, begin: Bounds, finish: Bounds, x0: float, x1: float
) -> tuple[float, float] | None:
    """Return the ends of the part that certainly belongs to an item; None if there is none."""
    if begin.latest is None or finish.earliest is None or begin.latest > finish.earliest:
        return None
    # A known first day counts completely. Of a month, only the last day is certain.
    start, end = axis.start_of(begin.latest), axis.end_of(finish.earliest)
    return min(max(start, x0), x1), min(max(end, x0), x1)


def _uncertain_ranges(
    sure: tuple[float, float] | None, x0: float, x1: float
) -> list[tuple[float, float]]:
    """Return the ends of the uncertain parts of an item."""
    return [(x0, x1)] if sure is None else [(x0, sure[0]), (sure[1], x1)]


def _diamond(axis: Axis, x: float, css_class: str) -> _Geometry:
    x = min(max(x, axis.left + POINT), axis.right - POINT)
    corners = [(x, -DIAMOND), (x + DIAMOND, 0.0), (x, DIAMOND), (x - DIAMOND, 0.0)]
    return _Geometry(x - POINT, x + POINT, [(corners, f"mark event {css_class}")])


def _bar(x0: float, x1: float, left: bool, right: bool) -> list[tuple[float, float]]:
    """Return the corners of a bar around y = 0, pointed on the sides where it continues."""
    half = BAR / 2
    point = min(POINT, (x1 - x0) / 2)
    start = (
        [(x0 + point, half), (x0, 0.0), (x0 + point, -half)] if left else [(x0, half), (x0, -half)]
    )
    end = (
        [(x1 - point, -half), (x1, 0.0), (x1 - point, half)] if right else [(x1, -half), (x1, half)]
    )
    return [*start, *end]


class _Lane(NamedTuple):
    """Items with the same label and URL, and their shapes."""

    spans: list[TimelineItem]
    drawn: list[_Geometry]

    @property
    def start(self) -> float:
        return min(one.start for one in self.drawn)

    @property
    def end(self) -> float:
        return max(one.end for one in self.drawn)


def _panel(
    paper: Viewport,
    spans: Sequence[TimelineItem],
    first: dt.date,
    last: dt.date,
    day: dt.date | None,
    packed: bool,
) -> TimelinePanel:
    right = paper.width - 4.0
    beside = not packed and paper.variant == "wide"
    names = min(max(estimate_text_width(span.label) for span in spans), NAMES) if beside else 0.0
    axis = Axis(first, last, names + GAP if beside else 4.0, right)
    lanes = _lanes(axis, spans)
    if beside:
        placed = _place_labels_beside(lanes, names)
    elif packed and all(_has_room(axis, lane) for lane in lanes):
        placed = _place_labels_packed(axis, lanes)
    else:
        placed = _place_labels_above(axis, lanes, packed)
    foot = max((mark_foot for _mark, mark_foot in placed), default=float(HEAD)) + 4
    ticks = axis.ticks()
    texts = [
        *(tick_label(tick, HEAD - 10) for tick in ticks if tick.label),
        *(tick_label(tick, foot + 18) for tick in ticks if tick.label),
    ]
    here = format_coordinate(axis.start_of(day)) if day and first <= day <= last else None
    marks = [mark for mark, _foot in placed]
    return TimelinePanel(
        paper.variant,
        paper.width,
        int(foot + HEAD),
        ticks,
        HEAD - 2.0,
        format_coordinate(foot),
        texts,
        marks,
        here,
    )


def _lanes(axis: Axis, spans: Sequence[TimelineItem]) -> list[_Lane]:
    lanes: dict[tuple[str, str], _Lane] = {}
    for span in spans:
        if drawn := _draw(axis, span):
            key = (span.label, span.url)
            lane = lanes.setdefault(key, _Lane([], []))
            lane.spans.append(span)
            lane.drawn.append(drawn)
    return list(lanes.values())


def _mark(
    lane: _Lane, text: Label, middle: float, reach: tuple[float, float, float, float]
) -> Marker:
    shapes = [
        polygon([(x, y + middle) for x, y in corners], css_class)
        for one in lane.drawn
        for corners, css_class in one.polygons
    ]
    titles = [lane.spans[0].label, *(_format_period(span) for span in lane.spans)]
    return Marker(lane.spans[0].url, " · ".join(titles), text, shapes, rectangle(*reach, "reach"))


def _format_period(span: TimelineItem) -> str:
    """Return the dates of an item in words, with its note."""
    start, end = _dates_in_words(span)
    if span.is_event:
        said = start
    elif start and end:
        said = format_period(span.start, span.end)
    elif start:
        said = (
            f"{_('began:')} {start}" if "/" in span.start else _("from %(date)s") % {"date": start}
        )
    elif last_recorded(span.end):
        said = end
    elif end:
        said = f"{_('ended:')} {end}" if "/" in span.end else _("until %(date)s") % {"date": end}
    else:
        said = _("dates not known")
    return f"{said} ({span.note})" if span.note else said


def _place_labels_beside(lanes: list[_Lane], names: float) -> list[tuple[Marker, float]]:
    """Put each name in front of its bar; return markers and the bottom of their lanes.

    If a bar begins early, its name is limited to the column of names. Otherwise it may reach up to
    the bar.
    """
    placed: list[tuple[Marker, float]] = []
    for number, lane in enumerate(lanes):
        top = HEAD + number * BESIDE
        middle = top + BESIDE / 2
        text = Label(
            0.0,
            format_coordinate(middle + 5),
            truncate_label(lane.spans[0].label, max(names, lane.start - GAP)),
        )
        reach = (0.0, top, max(lane.end, names), top + BESIDE)
        placed.append((_mark(lane, text, middle, reach), float(top + BESIDE)))
    return placed


def _place_labels_above(axis: Axis, lanes: list[_Lane], packed: bool) -> list[tuple[Marker, float]]:
    """Put each name above its bar, starting where the bar starts if it fits."""
    placed: list[tuple[Marker, float]] = []
    rows: list[float] = []
    for lane in lanes:
        name = truncate_label(lane.spans[0].label, axis.right)
        start = max(min(lane.start, axis.right - estimate_text_width(name)), 0.0)
        end = max(lane.end, start + estimate_text_width(name))
        row = _row_for(rows, min(start, lane.start), end) if packed else len(placed)
        top = HEAD + row * ABOVE
        text = Label(format_coordinate(start), format_coordinate(top + TEXT + 3), name)
        reach = (min(start, lane.start), top, end, top + ABOVE)
        placed.append((_mark(lane, text, top + ABOVE - 13, reach), float(top + ABOVE)))
    return placed


def _has_room(axis: Axis, lane: _Lane) -> bool:
    """Return whether a name fits after or before its bar, at least in a shortened form."""
    room = max(axis.right - lane.end, lane.start) - 6
    return room >= min(estimate_text_width(lane.spans[0].label), (axis.right - axis.left) / 3)


def _place_labels_packed(axis: Axis, lanes: list[_Lane]) -> list[tuple[Marker, float]]:
    """Put each name after its bar, or before it if there is more space; bars share lanes."""
    placed: list[tuple[Marker, float]] = []
    rows: list[float] = []
    for lane in lanes:
        after, before = axis.right - lane.end - 6, lane.start - 6
        name = lane.spans[0].label
        follows = estimate_text_width(name) <= after or after >= before
        name = truncate_label(name, after if follows else before)
        width = estimate_text_width(name)
        start = lane.start if follows else lane.start - 6 - width
        end = lane.end + 6 + width if follows else lane.end
        top = HEAD + _row_for(rows, start, end) * BESIDE
        middle = top + BESIDE / 2
        text = Label(
            format_coordinate(lane.end + 6 if follows else lane.start - 6),
            format_coordinate(middle + 5),
            name,
        )
        text = text if follows else text._replace(anchor="end")
        placed.append(
            (_mark(lane, text, middle, (start, top, end, top + BESIDE)), float(top + BESIDE))
        )
    return placed


def _row_for(rows: list[float], start: float, end: float) -> int:
    """Return the first row that is free from ``start`` on, and mark it as taken up to ``end``."""
    for number, taken in enumerate(rows):
        if taken + GAP <= start:
            rows[number] = end
            return number
    rows.append(end)
    return len(rows) - 1
