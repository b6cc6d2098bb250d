"""Parse a rendered chart as XML, and read the positions of its shapes and texts."""

from xml.etree import ElementTree

from django.template.loader import render_to_string

from allies.charts.layout import SMALL, Label

SVG = "{http://www.w3.org/2000/svg}"


def rendered(template, **context):
    return render_to_string(f"allies/charts/{template}", context)


def drawings(html):
    """Return the SVG elements of a rendered chart, read by an XML parser."""
    found = []
    for part in html.split("<svg ")[1:]:
        source = '<svg xmlns="http://www.w3.org/2000/svg" ' + part.split("</svg>")[0] + "</svg>"
        found.append(ElementTree.fromstring(source))
    return found


def size(svg):
    _x, _y, width, height = map(float, svg.get("viewBox").split())
    return width, height


def corners(svg):
    """Yield every corner of a polygon or line."""
    for element in svg.iter():
        for pair in (element.get("points") or "").split():
            yield tuple(map(float, pair.split(",")))
        if element.tag == f"{SVG}line":
            for end in "12":
                yield float(element.get(f"x{end}")), float(element.get(f"y{end}"))


def texts(svg):
    """Return the texts as Labels, whose bounds are the space they take."""
    return [
        Label(
            float(element.get("x")),
            float(element.get("y")),
            element.text or "",
            element.get("text-anchor"),
            **({"size": SMALL} if element.get("class") == "small" else {}),
        )
        for element in svg.iter(f"{SVG}text")
    ]


def check(html):
    """Check any chart: valid XML, everything inside the drawing, no text over another."""
    found = drawings(html)
    assert len(found) == 2
    ids = [element.get("id") for svg in found for element in svg.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for svg in found:
        width, height = size(svg)
        named = svg.get("aria-labelledby").split()
        assert [svg.find(f".//*[@id='{id_}']").tag for id_ in named] == [
            f"{SVG}title",
            f"{SVG}desc",
        ]
        assert not [element for element in svg.iter() if element.get("style")]
        for x, y in corners(svg):
            assert -0.1 <= x <= width + 0.1, (x, width)
            assert -0.1 <= y <= height + 0.1, (y, height)
        written = texts(svg)
        for text in written:
            start, end = text.bounds
            assert start >= -0.2, text
            assert end <= width + 0.2, text
            assert 0 < text.y <= height, text
        for place, text in enumerate(written):
            for other in written[place + 1 :]:
                assert not _meet(text, other), (text, other)


def _meet(one, other):
    (start, end), (first, last) = one.bounds, other.bounds
    return abs(one.y - other.y) < SMALL - 1 and start < last - 0.2 and first < end - 0.2
