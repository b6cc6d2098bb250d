"""What figures are drawn on and with: two papers, texts that fit, polygons, round numbers.

A figure is drawn twice, once for wide columns and once for narrow ones, and the style sheet
shows one of the two: text scaled down with a drawing could not be read on a telephone.
Lengths are units of the drawing, about a CSS pixel each; y grows downwards.
"""

import unicodedata
from collections.abc import Iterable
from math import floor, log10
from typing import NamedTuple

#: Height of letters: names and values, and what stands along an axis.
TEXT, SMALL = 14, 12.5
#: Space between two texts, at least.
GAP = 12


class Viewport(NamedTuple):
    """What a figure is drawn on: its variant, as the style sheet calls it, and its width."""

    variant: str
    width: int


VIEWPORTS = (Viewport("wide", 860), Viewport("narrow", 360))


class Label(NamedTuple):
    """A text at a place: ``anchor`` says which part of it stands at ``x``; ``y`` is its foot."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    size: float = TEXT

    @property
    def bounds(self) -> tuple[float, float]:
        """First and last x it covers."""
        width = estimate_text_width(self.text, self.size)
        start = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return start, start + width

    @property
    def is_small(self) -> bool:
        return self.size < TEXT


class Polygon(NamedTuple):
    """A polygon, as SVG's ``points``, and the classes that give it its colour."""

    points: str
    css_class: str


def polygon(corners: Iterable[tuple[float, float]], css_class: str) -> Polygon:
    return Polygon(" ".join(f"{x:.1f},{y:.1f}" for x, y in corners), css_class)


def rectangle(x0: float, y0: float, x1: float, y1: float, css_class: str) -> Polygon:
    return polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], css_class)


def estimate_text_width(text: str, size: float = TEXT) -> float:
    """Return about how much room a text takes; sans-serif fonts differ, so rather too much."""
    return size * sum(_character_width(letter) for letter in text)


def _character_width(letter: str) -> float:
    """Return the width of a letter as a part of its height."""
    if letter in "iljtfrI.,:;'’|!()[]- ":
        return 0.37
    if letter in "mwMW%@—…":
        return 0.95
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.72 if letter.isupper() else 0.59


def truncate_label(text: str, room: float, size: float = TEXT) -> str:
    """Return the text, or as much of its beginning as fits into the room, with an ellipsis."""
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
    """Return the smallest of 1, 2, 5, 10, 20 … of which ``steps`` reach ``most`` (> 0)."""
    power = 10.0 ** floor(log10(most / steps))
    return next(power * n for n in (1, 2, 5, 10, 20) if power * n * steps >= most)


def format_coordinate(value: float) -> float:
    """Return a coordinate as precise as it is written."""
    return round(value, 1)
