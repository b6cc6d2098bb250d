"""Derive allies/charts/world_map.json, the shapes of the map, from Natural Earth.

    python docs/reference-data/build_map.py COUNTRIES

COUNTRIES is countries-50m.json of the package world-atlas 2.0.2: Natural Earth's countries at
1:50 million as TopoJSON, whose borders are arcs that neighbours share. The arcs are simplified
before the shapes are put together, so that neighbours still share them.

The projection is Equal Earth (Šavrič, Patterson and Jenny 2018, "The Equal Earth map projection",
International Journal of Geographical Information Science 33:3), about the meridian 11° E, which
puts the cut into the Bering Strait. With λ from that meridian and φ the latitude, in radians:

    sin θ = √3/2 · sin φ
    x = 2√3 · λ · cos θ / (3 · (9·A4·θ⁸ + 7·A3·θ⁶ + 3·A2·θ² + A1))
    y = A4·θ⁹ + A3·θ⁷ + A2·θ³ + A1·θ

Areas stay in proportion. The world is 4000 units wide; x grows to the east, y to the south; one
unit is 8.6 km at the equator. The file contains::

    whole    [x, y, width, height] of the map, 84° N to 58° S, without Antarctica
    sea      outline of the map, as path data
    shapes   {code: {d: path data in whole units, area: in square units, at: [x, y] where a name
             or a dot stands, box: [left, top, right, bottom]}}; a code is a Country's: alpha-3,
             else COW. What is too small to draw has no path: d is ""
    others   path data of the shapes that have no code: Northern Cyprus, Somaliland, Siachen
    regions  {M49 code of a region or sub-region: [x, y, width, height] that shows it}
"""

import csv
import heapq
import itertools
import json
import math
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[2] / "allies"
MERIDIAN, WIDTH, NORTH, SOUTH = 11.0, 4000, 84.0, -58.0
A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796

#: Smaller corners are cut off; smaller islands are dropped if there is a larger part. Square units.
LEAST_CORNER, LEAST_ISLAND = 2.5, 9.0

#: Shapes of one code that are parts of a territory with a code of its own, by where they lie:
#: (code of the whole, west, south, east, north) → code of the part.
APART = {
    ("FRA", -55, 2, -51, 6): "GUF",
    ("FRA", -62, 15.7, -60.9, 16.6): "GLP",
    ("FRA", -61.4, 14.2, -60.6, 15): "MTQ",
    ("FRA", 55, -21.6, 56, -20.7): "REU",
    ("FRA", 44.9, -13.2, 45.5, -12.4): "MYT",
    ("NOR", 10, 74, 35, 82): "SJM",  # Svalbard
    ("NOR", -10, 70.5, -7, 71.5): "SJM",  # Jan Mayen
    ("NLD", -69, 11.8, -62, 18): "BES",
    ("Indian Ocean Ter.", 105, -11, 106, -10): "CXR",
    ("Indian Ocean Ter.", 96, -13, 97.5, -11.5): "CCK",
}
#: Positions of dots: for countries without a shape, or whose largest island is not the main one.
POINTS = {
    "BES": (-68.27, 12.18),
    "BVT": (3.35, -54.42),
    "CCK": (96.85, -12.18),
    "CXR": (105.66, -10.48),
    "GIB": (-5.35, 36.14),
    "KIR": (173.0, 1.4),
    "SJM": (15.6, 78.5),
    "TKL": (188.15, -9.17),  # beyond the 180th meridian
    "TUV": (179.2, -8.52),
    "UMI": (166.64, 19.28),
}
#: Natural Earth's names for what has no ISO code → the country's code here.
NAMED = {"Kosovo": "347"}

#: What a region's map shows: west, east, south, north. A window may leave islands out: where an
#: ally lies outside, the whole world is shown. Polynesia lies on both sides of the cut.
WINDOWS = {
    "002": (-26, 60, -37, 39),
    "015": (-20, 42, 6, 39),
    "202": (-26, 60, -37, 28),
    "019": (-150, -25, -57, 78),
    "419": (-120, -30, -57, 34),
    "021": (-172, -8, 14, 84),
    "142": (24, 150, -13, 58),
    "143": (44, 90, 33, 57),
    "030": (72, 148, 16, 55),
    "035": (90, 142, -13, 30),
    "034": (42, 100, -3, 41),
    "145": (24, 64, 10, 45),
    "150": (-25, 46, 34, 71.5),
    "151": (10, 180, 40, 78),
    "154": (-25, 36, 48, 71.5),
    "039": (-20, 36, 33, 49),
    "155": (-10, 22, 41, 58),
    "009": (110, 191, -50, 22),
    "053": (108, 182, -50, -6),
    "054": (128, 182, -25, 2),
    "057": (128, 182, -6, 24),
}


def equal_earth(lon, lat):
    """Return (x, y) on the unit sphere; lon in degrees from the central meridian."""
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(lat)))
    slope = 9 * A4 * theta**8 + 7 * A3 * theta**6 + 3 * A2 * theta**2 + A1
    x = 2 * math.sqrt(3) * math.radians(lon) * math.cos(theta) / (3 * slope)
    return x, A4 * theta**9 + A3 * theta**7 + A2 * theta**3 + A1 * theta


SCALE = WIDTH / (2 * equal_earth(180, 0)[0])
TOP = equal_earth(0, NORTH)[1]


def project(lon, lat):
    """Return (x, y) on the map, in units."""
    x, y = equal_earth(lon - MERIDIAN, lat)
    return WIDTH / 2 + x * SCALE, (TOP - y) * SCALE


def decoded(topology):
    """Return the arcs as lists of (lon, lat), without jumps where they cross 180°."""
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        sums = itertools.accumulate(arc, lambda a, b: [a[0] + b[0], a[1] + b[1]])
        arcs.append(unbroken([(x * kx + dx, y * ky + dy) for x, y in sums]))
    return arcs


def unbroken(points):
    """Return the points with longitudes that go on past 180° instead of jumping to -180°."""
    lon, found = points[0][0], []
    for x, y in points:
        lon = x + 360 * round((lon - x) / 360)
        found.append((lon, y))
    return found


def simplified(arc):
    """Return the arc without corners that cut off less than LEAST_CORNER (Visvalingam-Whyatt).

    Its ends stay, and four points of a closed one.
    """
    flat = [project(*point) for point in arc]
    before = [n - 1 for n in range(len(arc))]
    after = [n + 1 for n in range(len(arc))]
    left = len(arc)
    least = 4 if arc[0] == arc[-1] else 2

    def corner(n):
        return area([flat[before[n]], flat[n], flat[after[n]]])

    queue = [(corner(n), n) for n in range(1, len(arc) - 1)]
    current = {n: size for size, n in queue}
    heapq.heapify(queue)
    while queue and left > least:
        size, n = heapq.heappop(queue)
        if current.get(n) != size:
            continue
        if size >= LEAST_CORNER:
            break
        del current[n]
        left -= 1
        after[before[n]], before[after[n]] = after[n], before[n]
        for m in (before[n], after[n]):
            if m in current:
                current[m] = max(size, corner(m))
                heapq.heappush(queue, (current[m], m))
    return [arc[0], *(arc[n] for n in sorted(current)), arc[-1]]


def area(ring):
    """Return the area within a ring, in square units."""
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def ring_of(indices, arcs):
    """Return a ring's (lon, lat) without jumps, on the map's side of the cut; not closed."""
    points = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += arc[1:] if points else arc
    ring = unbroken(points[:-1])
    middle = sum(lon for lon, _lat in ring) / len(ring)
    turn = -360 * round((middle - MERIDIAN) / 360)
    return [(lon + turn, lat) for lon, lat in ring]


def inner_point(rings):
    """Return the point of the largest ring that is farthest from its outline, on a grid."""
    ring = max(rings, key=area)
    left, top, right, bottom = box_of([ring])
    best = (-1.0, (0.0, 0.0))
    steps = 24
    for i, j in itertools.product(range(1, steps), repeat=2):
        x, y = left + (right - left) * i / steps, top + (bottom - top) * j / steps
        if inside(x, y, ring):
            best = max(best, (distance(x, y, ring), (x, y)))
    if best[0] < 0:
        return sum(x for x, _y in ring) / len(ring), sum(y for _x, y in ring) / len(ring)
    return best[1]


def inside(x, y, ring):
    found = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            found = not found
    return found


def distance(x, y, ring):
    """Return the distance to the outline; across counts less than along: names lie flat."""
    nearest = math.inf
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        dx, dy = x2 - x1, y2 - y1
        along = max(0, min(1, ((x - x1) * dx + (y - y1) * dy) / ((dx * dx + dy * dy) or 1)))
        nearest = min(nearest, math.hypot((x - x1 - along * dx) * 0.6, y - y1 - along * dy))
    return nearest


def box_of(rings):
    xs = [x for ring in rings for x, _y in ring]
    ys = [y for ring in rings for _x, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def path_of(rings):
    """Return rings of whole numbers as path data: one absolute point each, steps after it."""
    parts = []
    for ring in rings:
        (x, y), *rest = ring
        text = f"M{x} {y}l" if rest else ""
        steps = []
        for to_x, to_y in rest:
            if (to_x, to_y) != (x, y):
                steps.append(f"{to_x - x} {to_y - y}")
                x, y = to_x, to_y
        if len(steps) > 1:
            parts.append(text + " ".join(steps).replace(" -", "-") + "z")
    return "".join(parts)


def shape(polygons, code):
    """Return what the file says of a country whose polygons are lists of rings in degrees."""
    # Holes are among the outlines. The fill rule "evenodd" keeps them holes in any direction.
    flat = [[project(*point) for point in ring] for polygon in polygons for ring in polygon]
    largest = max(map(area, flat), default=0)
    kept = [ring for ring in flat if area(ring) >= min(LEAST_ISLAND, largest)]
    rounded = [[(round(x), round(y)) for x, y in ring] for ring in kept]
    at = project(*POINTS[code]) if code in POINTS else inner_point(kept)
    box = box_of(kept) if kept else (*at, *at)
    return {
        "d": path_of(rounded) if largest >= LEAST_ISLAND / 4 else "",
        "area": round(sum(area(ring) for ring in kept), 1),
        "at": [round(at[0]), round(at[1])],
        "box": [math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3])],
    }


def territories(topology, codes):
    """Return {code or Natural Earth's name: polygons}, polygons as lists of rings in degrees."""
    arcs = [simplified(arc) for arc in decoded(topology)]
    found = {code: [] for code in POINTS}
    for geometry in topology["objects"]["countries"]["geometries"]:
        name = geometry["properties"]["name"]
        if name in ("Antarctica", "Ashmore and Cartier Is."):
            continue
        code = codes.get(geometry.get("id")) or NAMED.get(name, name)
        polygons = geometry["arcs"]
        polygons = polygons if geometry["type"] == "MultiPolygon" else [polygons]
        for polygon in polygons:
            rings = [ring_of(indices, arcs) for indices in polygon]
            found.setdefault(part_of(code, rings[0]), []).append(rings)
    return found


def part_of(code, ring):
    """Return whose an outline is: the whole's, or a part's with a code of its own."""
    lon = sum(lon for lon, _lat in ring) / len(ring)
    lat = sum(lat for _lon, lat in ring) / len(ring)
    for (whole, west, south, east, north), part in APART.items():
        if whole == code and west <= lon <= east and south <= lat <= north:
            return part
    return code


def window(west, east, south, north):
    """Return [x, y, width, height] that shows the degrees, of a map's proportions."""
    edge = [
        project(west + (east - west) * i / 20, south + (north - south) * j / 20)
        for i in range(21)
        for j in range(21)
    ]
    left, top, right, bottom = box_of([edge])
    width, height = right - left, bottom - top
    wanted = max(height * 1.45, width)
    left, width = left - (wanted - width) / 2, wanted
    least = width / 2.05
    top, height = (top - (least - height) / 2, least) if height < least else (top, height)
    return [round(left), round(top), round(width), round(height)]


def main(countries):
    rows = list(csv.DictReader((HERE / "starter" / "countries.csv").open(encoding="utf-8")))
    codes = {row["m49"]: row["alpha3"] for row in rows if row["m49"]}
    known = {*codes.values(), *NAMED.values()} - {"ATA"}
    found = territories(json.loads(Path(countries).read_text(encoding="utf-8")), codes)
    shapes = {code: shape(found[code], code) for code in sorted(known & set(found))}
    if missing := known - set(shapes):
        raise SystemExit(f"No shape and no point: {sorted(missing)}")
    others = [shape(found[name], name)["d"] for name in sorted(set(found) - known)]
    down = [project(MERIDIAN + 180, NORTH - n) for n in range(int(NORTH - SOUTH) + 1)]
    outline = [*down, *((WIDTH - x, y) for x, y in reversed(down))]
    height = round(down[-1][1])
    world = {
        "whole": [0, 0, WIDTH, height],
        "sea": path_of([[(round(x), round(y)) for x, y in outline]]),
        "others": "".join(others),
        "regions": {code: window(*degrees) for code, degrees in WINDOWS.items()},
        "shapes": shapes,
    }
    text = json.dumps(world, indent=0, ensure_ascii=False, separators=(",", ":"))
    (HERE / "charts" / "world_map.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
