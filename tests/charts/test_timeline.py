"""Timelines of random items: valid, inside the drawing, legible, and no more precise than known."""

import datetime as dt

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from allies.charts.timeline import MAX_ITEMS, TimelineItem, build_timeline
from allies.text.date_parser import parse_date
from tests.charts.drawing import SVG, check, drawings, rendered

words = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"))
days = st.dates(dt.date(1816, 1, 1), dt.date(2026, 11, 24))


@st.composite
def dates(draw):
    """An EDTF text of any form, or an empty one."""
    one, other = sorted([draw(days), draw(days)])
    return draw(
        st.sampled_from(
            [
                "",
                f"{one}",
                f"{one:%Y-%m}",
                f"{one:%Y}",
                f"{one:%Y}~",
                f"{one:%Y}"[:3] + "X",
                f"{one:%Y}"[:2] + "XX",
                f"{one}?",
                f"../{one:%Y}~",
                f"{one}/{other}",
                f"../{one}",
                f"{one}/..",
            ]
        )
    )


@st.composite
def spans(draw):
    start = draw(dates())
    end = draw(st.one_of(dates(), st.just(start)))
    return TimelineItem(
        draw(words), draw(st.sampled_from(["", "/en/a/", "/en/?a=1&b=2"])), start, end
    )


def drawn(given_, **more):
    said = {"name": "line", "title": "Ties", "description": "Who with whom", **more}
    return rendered("_timeline.html", timeline=build_timeline(given_, **said))


@pytest.mark.slow
@given(st.lists(spans(), min_size=1, max_size=12), st.booleans(), st.sampled_from(["en", "id"]))
def test_any_items_give_a_valid_drawing(some, packed, language):
    with override(language):
        check(drawn(some, packed=packed))


@pytest.mark.slow
@given(st.lists(spans(), min_size=1, max_size=5), days, days, days, st.booleans())
def test_any_range_of_days_gives_a_valid_drawing(some, first, last, day, packed):
    first, last = sorted([first, last])
    check(drawn(some, first=first, last=last, day=day, packed=packed))


@pytest.mark.slow
@given(st.lists(days, min_size=1, max_size=40), st.integers(0, 90))
def test_events_close_together_do_not_overlap(when, length):
    check(
        drawn(
            [TimelineItem("E" * length, f"/{n}/", f"{d}", f"{d}") for n, d in enumerate(when)],
            packed=True,
        )
    )


def shapes(html, css_class):
    """Return the first and last x of the polygons of a class in the wide drawing."""
    found = []
    for polygon in drawings(html)[0].iter(f"{SVG}polygon"):
        if css_class in polygon.get("class").split():
            xs = [float(pair.split(",")[0]) for pair in polygon.get("points").split()]
            found.append((min(xs), max(xs)))
    return found


WINDOW = {"first": dt.date(2000, 1, 1), "last": dt.date(2019, 12, 31)}


def test_known_days_are_solid_and_a_known_year_is_hatched():
    assert (
        shapes(drawn([TimelineItem("A", "", "2005-01-01", "2010-06-30")], **WINDOW), "hatch") == []
    )
    html = drawn([TimelineItem("A", "", "2005", "2010-06-30")], **WINDOW)
    (bar,), (hatch,) = shapes(html, "mark"), shapes(html, "hatch")
    assert hatch[0] == bar[0]
    days = (dt.date(2010, 7, 1) - dt.date(2005, 1, 1)).days
    assert (hatch[1] - hatch[0]) / (bar[1] - bar[0]) == pytest.approx(364 / days, abs=0.01)


def test_day_is_a_diamond_and_month_is_completely_hatched():
    near = {"first": dt.date(2024, 1, 1), "last": dt.date(2024, 12, 31)}
    html = drawn([TimelineItem("A", "", "2024-05-03", "2024-05-03")], **near)
    assert len(shapes(html, "event")) == 1
    html = drawn([TimelineItem("A", "", "2024-05", "2024-05")], **near)
    assert shapes(html, "event") == []
    assert shapes(html, "hatch") == shapes(html, "mark")


@pytest.mark.parametrize(
    ("start", "end"), [("2005-01-01~", "2010-06-30"), ("2005-01-01", "2010-06-30?")]
)
def test_period_with_a_qualified_date_is_completely_hatched(start, end):
    html = drawn([TimelineItem("A", "", start, end)], **WINDOW)
    assert shapes(html, "hatch") == shapes(html, "mark")


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("before 2022", "", "began: before 2022"),
        ("after 2022", "", "began: 2023 or later"),
        ("after 2022", "2025", "2023 or later, ended 2025"),
        ("2000", "before 2005", "2000, ended before 2005"),
        ("about 2000", "2005", "about 2000 – 2005"),
        ("before 2000", "2012/..", "before 2000 – (records end 2012)"),
        ("", "before 2000", "ended: before 2000"),
        ("", "2000", "until 2000"),
        ("2001", "", "from 2001"),
        ("20XX", "", "from some time in 2000–2099"),
    ],
)
def test_tooltip_has_dates_with_one_reading(start, end, said):
    item = TimelineItem("A", "", parse_date(start), parse_date(end))
    with override("en"):
        assert f"<title>A · {said}</title>" in drawn([item], first=dt.date(1990, 1, 1))


def test_only_open_or_cut_off_bars_are_pointed():
    def corners_of(end):
        svg = drawings(drawn([TimelineItem("A", "", "2005-01-01", end)], **WINDOW))[0]
        mark = next(p for p in svg.iter(f"{SVG}polygon") if "mark" in p.get("class"))
        return len(mark.get("points").split())

    assert corners_of("2010-01-01") == 4
    assert corners_of("") == 5
    assert corners_of("2030-01-01") == 5


def test_items_with_the_same_label_share_a_lane():
    html = drawn([TimelineItem("F", "/f/", "1949", "1966"), TimelineItem("F", "/f/", "2009", "")])
    wide = drawings(html)[0]
    assert len(list(wide.iter(f"{SVG}a"))) == 1
    assert len(shapes(html, "mark")) == 2


def test_items_above_the_maximum_are_in_the_table_only():
    many = [
        TimelineItem(f"A{n}", f"/{n}/", f"{1900 + n}", f"{1901 + n}") for n in range(MAX_ITEMS + 9)
    ]
    html = drawn(many)
    check(html)
    assert "9 earlier entries are only in the table." in html
    assert len(list(drawings(html)[0].iter(f"{SVG}a"))) == MAX_ITEMS
    assert html.count('<th scope="row">') == MAX_ITEMS + 9


def test_markers_have_localized_tooltips():
    with override("id"):
        html = drawn([TimelineItem("<b>A & B</b>", "/a/", "2005-05", "", note="pengamat")])
    assert "&lt;b&gt;A &amp; B&lt;/b&gt; · sejak Mei 2005 (pengamat)" in html
    assert "<b>" not in html


def test_table_of_events_has_one_date_column():
    html = drawn([TimelineItem("A", "/a/", "2024-05", "2024-05")])
    assert ">When<" in html
    assert ">Until<" not in html
