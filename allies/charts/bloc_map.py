"""A map of the world with the members of up to four alliances, each in a pattern of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from allies.charts.world_map import (
    MapMarker,
    MapView,
    load_world_geometry,
    place_labels,
    place_marker,
    separate_markers,
)
from allies.models import Country


class BlocLabel(NamedTuple):
    """A line of the legend: pattern, name, URL ("" without one) and number of countries."""

    pattern: str
    label: str
    url: str
    number: int


class Bloc(NamedTuple):
    """The countries with one pattern: the members of one alliance only, or those of several."""

    label: BlocLabel
    places: list[MapMarker]


@dataclass(frozen=True)
class BlocMember:
    """A country with its colour and what the map says of it.

    ``is_confirmed`` is false if no membership is confirmed on the day.
    """

    country: Country
    pattern: str
    detail: str
    url: str
    is_confirmed: bool


@dataclass(frozen=True)
class BlocMap:
    """The data for the template ``allies/charts/_bloc_map.html``."""

    title: str
    description: str
    window: MapView
    sea: str
    land: str
    blocs: list[Bloc]
    absent: list[BlocMember]

    @property
    def perhaps(self) -> int:
        """The number of countries on the map that are not confirmed members."""
        return sum(place.perhaps for bloc in self.blocs for place in bloc.places)


def build_bloc_map(
    members: Sequence[BlocMember],
    labels: Sequence[BlocLabel],
    *,
    title: str,
    description: str,
) -> BlocMap:
    """Return the map of these countries on the whole world.

    Countries without a shape, such as former states, are in ``absent``.
    """
    geometry = load_world_geometry()
    window = geometry.whole
    drawn = [member for member in members if member.country.code in geometry.shapes]
    blocs = [
        Bloc(label, [_marker(one, window) for one in drawn if one.pattern == label.pattern])
        for label in labels
    ]
    every = [place for bloc in blocs for place in bloc.places]
    separate_markers([place for place in every if place.dot], window)
    place_labels([], every, window)
    taken = {member.country.code for member in drawn}
    land = [shape.d for code, shape in geometry.shapes.items() if code not in taken]
    return BlocMap(
        title=title,
        description=description,
        window=window,
        sea=geometry.sea,
        land="".join([*land, geometry.others]),
        blocs=blocs,
        absent=[member for member in members if member.country.code not in geometry.shapes],
    )


def _marker(member: BlocMember, window: MapView) -> MapMarker:
    place = place_marker(member.country, member.detail, window)
    place.url = member.url
    place.perhaps = not member.is_confirmed
    return place
