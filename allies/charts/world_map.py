"""A map of the world with a country's allies: shapes, colours by kind of tie, links.

The shapes are in world_map.json, made by docs/reference-data/build_map.py. Lengths and areas are in
the units of this file, in which the whole world is 4000 wide.
"""

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from allies.models import AllianceKind, Country, Standing
from allies.models.m49 import REGIONS
from allies.text.edtf import format_since
from allies.ties.allies_on_day import AllyRow
from allies.ties.ties_between import CountryPair

#: Kinds of tie, the strongest first. A country has the colour of its strongest tie.
BY_STRENGTH = (
    AllianceKind.DEFENCE_PACT,
    AllianceKind.NEUTRALITY_PACT,
    AllianceKind.NON_AGGRESSION_PACT,
    AllianceKind.ENTENTE,
    AllianceKind.STRATEGIC_PARTNERSHIP,
    AllianceKind.INFORMAL_ALIGNMENT,
    AllianceKind.ORGANISATION,
)

#: A map's width on a wide screen, its font size, and the mean width of a character, in pixels.
WIDE, LETTER, LETTER_WIDTH = 1024, 13, 8

#: A country with a smaller area, in square pixels on a wide screen, is shown by a dot.
MIN_AREA = 28

#: Minimum size of a target for the pointer, in pixels.
MIN_TARGET_SIZE = 24

#: Margin around shapes that must be visible, as a proportion of the window's width.
MARGIN = 0.02

#: At most this many names are always shown.
MAX_LABELS = 18

Box = tuple[float, float, float, float]


class CountryShape(NamedTuple):
    """A country's outline as path data, its area, position of its name, and bounding box."""

    d: str
    area: float
    at: tuple[int, int]
    box: Box


class MapView(NamedTuple):
    """The visible window of a map: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.x} {self.y} {self.width} {self.height}"

    def is_visible(self, x: float, y: float) -> bool:
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height

    def contains(self, shape: CountryShape) -> bool:
        """Return whether a country's label position and 80 % of its bounding box are visible."""
        left, top, right, bottom = shape.box
        across = min(right, self.x + self.width) - max(left, self.x)
        down = min(bottom, self.y + self.height) - max(top, self.y)
        whole = (right - left) * (bottom - top)
        return self.is_visible(*shape.at) and across * down >= 0.8 * whole

    def touches(self, box: Box) -> bool:
        left, top, right, bottom = box
        return (
            left < self.x + self.width
            and right > self.x
            and top < self.y + self.height
            and bottom > self.y
        )

    def around(self, shapes: Iterable[CountryShape]) -> "MapView":
        """Return the window, enlarged to show these shapes completely, with a margin.

        Raises ValueError if there are no shapes.
        """
        margin = self.width * MARGIN
        left, top, right, bottom = zip(*(shape.box for shape in shapes), strict=True)
        x, y = min(self.x, min(left) - margin), min(self.y, min(top) - margin)
        to_x = max(self.x + self.width, max(right) + margin)
        to_y = max(self.y + self.height, max(bottom) + margin)
        return MapView(round(x), round(y), round(to_x - x), round(to_y - y))

    def within(self, whole: "MapView") -> "MapView":
        """Return the part of the window that is inside another window, such as the whole world."""
        x, y = max(self.x, whole.x), max(self.y, whole.y)
        to_x = min(self.x + self.width, whole.x + whole.width)
        to_y = min(self.y + self.height, whole.y + whole.height)
        return MapView(x, y, to_x - x, to_y - y)

    def place_in(self, shape: CountryShape) -> tuple[int, int]:
        """Return where a country's label goes.

        It is the usual position or, if that is not visible, the middle of the visible part.
        """
        if self.is_visible(*shape.at):
            return shape.at
        left, top, right, bottom = shape.box
        across = max(left, self.x) + min(right, self.x + self.width)
        down = max(top, self.y) + min(bottom, self.y + self.height)
        return round(across / 2), round(down / 2)

    @property
    def pixel(self) -> float:
        """Units of the map per pixel of a wide screen."""
        return self.width / WIDE

    @property
    def letter(self) -> str:
        """The font size in units of the map. It is text, so that templates do not localise it."""
        return f"{LETTER * self.pixel:.1f}"

    @property
    def grain(self) -> str:
        """Units of the map per pixel of a wide screen, to scale patterns defined in pixels."""
        return f"{self.pixel:.3f}"

    @property
    def legend_box(self) -> str:
        """The viewBox of a sample in the legend, so that patterns are as wide as on the map."""
        return f"0 0 {30 * self.pixel:.0f} {18 * self.pixel:.0f}"


class WorldGeometry(NamedTuple):
    """The content of world_map.json."""

    whole: MapView
    sea: str
    others: str
    regions: dict[str, MapView]
    shapes: dict[str, CountryShape]


@cache
def load_world_geometry() -> WorldGeometry:
    """Return the content of world_map.json, which is read once per process."""
    text = Path(__file__).with_name("world_map.json").read_text(encoding="utf-8")
    found = json.loads(text)
    return WorldGeometry(
        whole=MapView(*found["whole"]),
        sea=found["sea"],
        others=found["others"],
        regions={code: MapView(*window) for code, window in found["regions"].items()},
        shapes={
            code: CountryShape(shape["d"], shape["area"], tuple(shape["at"]), tuple(shape["box"]))
            for code, shape in found["shapes"].items()
        },
    )


@dataclass
class MapMarker:
    """A country on the map: an outline or, if ``dot``, a dot, and its label.

    Labels that are ``named`` are always shown. A dot that is ``alone`` has enough space around it
    for a touch target. ``perhaps`` is true if no tie was in force on the day with certainty.
    """

    code: str
    name: str
    url: str
    detail: str
    shape: CountryShape
    dot: bool
    x: int
    y: int
    anchor: str
    named: bool = False
    alone: bool = False
    perhaps: bool = False

    @property
    def label_y(self) -> str:
        """The vertical offset of the label: centred in an outline, above a dot."""
        return "-0.9em" if self.dot else "0.35em"


@dataclass(frozen=True)
class TieGroup:
    """The allies whose strongest tie is of one kind, in their original order.

    ``count`` is the number of those that are confirmed.
    """

    kind: AllianceKind
    count: int
    places: list[MapMarker]


@dataclass(frozen=True)
class WorldMap:
    """The data for the template ``allies/charts/_world_map.html``."""

    title: str
    description: str
    window: MapView
    sea: str
    land: str
    focus: MapMarker | None
    groups: list[TieGroup]
    absent: list[AllyRow]
    zoomed: list[tuple[str, Promise, int]]
    focus_name: str
    region: str

    @property
    def perhaps(self) -> int:
        """The number of countries on the map whose ties are uncertain."""
        return sum(place.perhaps for group in self.groups for place in group.places)


def build_world_map(
    focus: Country,
    rows: Iterable[AllyRow],
    *,
    day: dt.date,
    region: str = "",
) -> WorldMap:
    """Return the map of the allies in ``rows``, which are those of ``focus`` on a day.

    With ``region`` (an M49 code), the map shows that region, or the whole world if an ally is
    completely outside the region. Without ``region``, the map shows the smallest region that
    contains most of the focus and of each ally, or else the whole world. Allies without a shape,
    such as former countries, are in ``absent``.
    """
    shapes = load_world_geometry().shapes
    rows = list(rows)
    drawn = [row for row in rows if row.country.code in shapes]
    window = _window(focus, drawn, region)
    groups = []
    for kind in BY_STRENGTH:
        of_kind = [row for row in drawn if strongest(row) == kind]
        if of_kind:
            places = [_ally(focus, row, day, window) for row in of_kind]
            confirmed = sum(row.certain for row in of_kind)
            groups.append(TieGroup(kind, confirmed, places))
    own = place_marker(focus, "", window) if focus.code in shapes else None
    allies = [place for group in groups for place in group.places]
    separate_markers([place for place in allies if place.dot], window)
    place_labels([own] if own else [], allies, window)
    taken = {focus.code, *(row.country.code for row in drawn)}
    land = [shape.d for code, shape in shapes.items() if code not in taken]
    return WorldMap(
        title=_("Map: allies of %(country)s on %(day)s")
        % {"country": focus.name_in_text, "day": date_format(day, "j F Y")},
        description=_describe(groups),
        window=window,
        sea=load_world_geometry().sea,
        land="".join([*land, load_world_geometry().others]),
        focus=own,
        groups=groups,
        zoomed=[] if region else _by_region(drawn),
        absent=[row for row in rows if row.country.code not in shapes],
        focus_name=str(focus.name),
        region=region,
    )


def _by_region(rows: list[AllyRow]) -> list[tuple[str, Promise, int]]:
    """Return (M49 code, name, number of allies) per region; [] if only one region has allies."""
    counts = Counter(row.country.region for row in rows)
    found = [(code, name, counts[code]) for code, name in REGIONS.items() if counts[code]]
    return found if len(found) > 1 else []


def _describe(groups: list[TieGroup]) -> str:
    counts = ", ".join(f"{group.kind.label} {group.count}" for group in groups if group.count)
    return _(
        "Countries by their strongest kind of tie: %(counts)s. The "
        "table on this page shows the same data."
    ) % {"counts": counts or "0"}


def strongest(row: AllyRow) -> AllianceKind:
    """Return the strongest kind of tie in a row."""
    return min(row.kinds, key=BY_STRENGTH.index)


def _window(focus: Country, rows: list[AllyRow], region: str) -> MapView:
    """Return the part of the world to show, enlarged to show allies completely.

    Allies that are mostly outside this part do not enlarge it.
    """
    part = _part(focus, rows, region)
    allies = (load_world_geometry().shapes[row.country.code] for row in rows)
    whole = [shape for shape in allies if part.contains(shape)]
    return (part.around(whole) if whole else part).within(load_world_geometry().whole)


def _part(focus: Country, rows: list[AllyRow], region: str) -> MapView:
    shapes, regions = load_world_geometry().shapes, load_world_geometry().regions
    shown = [shapes[row.country.code] for row in rows]
    if region:
        window = regions.get(region, load_world_geometry().whole)
        return (
            window
            if all(window.touches(shape.box) for shape in shown)
            else load_world_geometry().whole
        )
    if focus.code in shapes:
        shown.append(shapes[focus.code])
    # Windows wider than half the world would be mostly empty.
    narrow = [
        window
        for window in regions.values()
        if window.width < load_world_geometry().whole.width / 2
    ]
    closest_first = sorted(narrow, key=lambda window: window.width)
    holding = (window for window in closest_first if all(map(window.contains, shown)))
    return next(holding, load_world_geometry().whole) if shown else load_world_geometry().whole


def _detail(row: AllyRow) -> str:
    """Return the kinds of tie and the first start: "defence pact · since 2001".

    If no tie is confirmed, the text ends with "last recorded 2012" or "possible".
    """
    kinds: list[str | Promise] = [kind.label for kind in sorted(row.kinds, key=BY_STRENGTH.index)]
    text = ", ".join(map(str, kinds))
    if row.since:
        text += " · " + format_since(row.since)
    if row.standing == Standing.LAST_RECORDED and row.last_confirmed:
        text += " · " + _("last recorded %(year)s") % {"year": row.last_confirmed.year}
    elif not row.certain:
        text += " · " + str(row.standing.label)
    return text


def _ally(focus: Country, row: AllyRow, day: dt.date, window: MapView) -> MapMarker:
    """Return an ally's marker, which links to the page about the ally and the focus."""
    place = place_marker(row.country, _detail(row), window)
    on = "" if day == timezone.localdate() else f"?on={day.isoformat()}"
    place.perhaps = not row.certain
    place.url = f"{CountryPair.of(focus, row.country).get_absolute_url()}{on}"
    return place


def place_marker(country: Country, detail: str, window: MapView) -> MapMarker:
    shape = load_world_geometry().shapes[country.code]
    name = str(country.name)
    x, y = window.place_in(shape)
    half = len(name) * LETTER_WIDTH * window.pixel / 2
    anchor = "middle"
    if x - half < window.x:
        anchor = "start"
    elif x + half > window.x + window.width:
        anchor = "end"
    return MapMarker(
        code=country.code,
        name=name,
        url=country.get_absolute_url(),
        detail=detail,
        shape=shape,
        dot=not shape.d or shape.area < MIN_AREA * window.pixel**2,
        x=x,
        y=y,
        anchor=anchor,
    )


def separate_markers(dots: list[MapMarker], window: MapView) -> None:
    for dot in dots:
        near = (math.dist((dot.x, dot.y), (other.x, other.y)) for other in dots if other != dot)
        dot.alone = min(near, default=math.inf) > MIN_TARGET_SIZE * window.pixel


def place_labels(first: list[MapMarker], places: list[MapMarker], window: MapView) -> None:
    """Mark the names that are always shown: those of ``first``, then of the largest countries.

    A name that would overlap another one is not marked. A name that is too long for its country is
    placed next to the country if it covers no other ally. At most MAX_LABELS names are marked.
    """
    taken: list[Box] = []
    largest_first = [*first, *sorted(places, key=lambda place: -place.shape.area)]
    beside = []
    for place in largest_first:
        width = len(place.name) * LETTER_WIDTH * window.pixel
        height = LETTER * 1.4 * window.pixel
        left, _top, right, _bottom = place.shape.box
        box = (place.x - width / 2, place.y - height / 2, place.x + width / 2, place.y + height / 2)
        fits = right - left > width * 0.9 or place in first
        if fits and place.anchor == "middle" and not any(_overlap(box, other) for other in taken):
            place.named = True
            taken.append(box)
        elif not fits and not place.dot:
            beside.append(place)
        if len(taken) == MAX_LABELS:
            return
    for place in beside:
        others = [other.shape.box for other in largest_first if other is not place]
        if len(taken) < MAX_LABELS and (free := _beside(place, taken, others, window)):
            place.named = True
            taken.append(free)


def _beside(place: MapMarker, names: list[Box], allies: list[Box], window: MapView) -> Box | None:
    """Put a name to the right of its country, or to the left.

    Return the box of the name, or None if neither side is free.
    """
    gap = LETTER / 2 * window.pixel
    width = len(place.name) * LETTER_WIDTH * window.pixel
    left, _top, right, _bottom = place.shape.box
    for x, start, anchor in (
        (right + gap, right + gap, "start"),
        (left - gap, left - gap - width, "end"),
    ):
        half = LETTER * 0.7 * window.pixel
        line = (start, place.y - 1, start + width, place.y + 1)
        box = (start, place.y - half, start + width, place.y + half)
        in_window = window.is_visible(start, place.y) and window.is_visible(start + width, place.y)
        free = not any(_overlap(box, name) for name in names)
        if in_window and free and not any(_overlap(line, ally) for ally in allies):
            place.x, place.anchor = round(x), anchor
            return box
    return None


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
