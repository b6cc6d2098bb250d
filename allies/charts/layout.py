"""Building blocks of charts: two viewports, labels that fit, polygons, round numbers.

Each chart is drawn twice, for wide and for narrow columns, and the style sheet shows one of the
two. A drawing that is only scaled down would have unreadable text on a phone. Lengths are units
of the drawing, about one CSS pixel each; y grows downwards.
"""

import unicodedata
from collections.abc import Iterable
from math import floor, log10
from typing import NamedTuple

#: Font sizes: of names and values, and of the labels along an axis.
TEXT, SMALL = 14, 12.5
#: Minimum distance between two texts.
GAP = 12


class Viewport(NamedTuple):
    """A size for which a chart is drawn: its variant, as in the style sheet, and its width."""

    variant: str
    width: int


VIEWPORTS = (Viewport("wide", 860), Viewport("narrow", 360))


class Label(NamedTuple):
    """A text at a position: ``anchor`` is the part of it that is at ``x``, ``y`` its baseline."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    size: float = TEXT

    @property
    def bounds(self) -> tuple[float, float]:
        """The first and last x coordinate that it covers."""
        width = estimate_text_width(self.text, self.size)
        start = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return start, start + width

    @property
    def is_small(self) -> bool:
        return self.size < TEXT


class Polygon(NamedTuple):
    """A polygon: SVG ``points`` and the CSS classes that give it its colour."""

    points: str
    css_class: str


def polygon(corners: Iterable[tuple[float, float]], css_class: str) -> Polygon:
    return Polygon(" ".join(f"{x:.1f},{y:.1f}" for x, y in corners), css_class)


def rectangle(x0: float, y0: float, x1: float, y1: float, css_class: str) -> Polygon:
    return polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], css_class)


def estimate_text_width(text: str, size: float = TEXT) -> float:
    """Return the estimated width of a text, on the large side because sans-serif fonts differ."""
    return size * sum(_character_width(letter) for letter in text)


def _character_width(letter: str) -> float:
    """Return the width of a character in proportion to the font size."""
    if letter in "iljtfrI.,:;'’|!()[]- ":
        return 0.37
    if letter in "mwMW%@—…":
        return 0.95
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.72 if letter.isupper() else 0.59


def truncate_label(text: str, room: float, size: float = TEXT) -> str:
    """Return the text or, if it is wider than ``room``, its beginning with an ellipsis."""
    if estimate_text_width(text, size) <= room:
        return text
    room -= estimate_text_width("…", size)
    taken = 0
    for letter in text:
        room -= _character_width(letter) * size
        if room < 0:
            break
        taken += 1
    return f"{text[:taken].rstrip(' ,:;.')}…"


def round_step(most: float, steps: int) -> float:
    """Return the smallest of 1, 2, 5, 10, 20 … with which ``steps`` steps reach ``most`` (> 0)."""
    power = 10.0 ** floor(log10(most / steps))
    return next(power * n for n in (1, 2, 5, 10, 20) if power * n * steps >= most)


def format_coordinate(value: float) -> float:
    """Return a coordinate rounded to the precision used in the drawing."""
    return round(value, 1)
