"""Charts by year with random values: valid, inside the drawing, legible and correct."""

import re

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from allies.charts.year_chart import build_year_chart
from tests.charts.drawing import SVG, check, drawings, rendered, size, texts

words = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"))
parts = st.one_of(st.none(), st.floats(0, 1))
counts = st.one_of(st.none(), st.integers(0, 2_000_000))


def points(values):
    return st.dictionaries(st.integers(1816, 2026), values, min_size=1).map(
        lambda by_year: list(by_year.items())
    )


def drawn(values, unit, **given_):
    said = {"name": "chart", "title": "Votes", "description": "How they voted", **given_}
    return rendered("_year_chart.html", chart=build_year_chart(values, unit=unit, **said))


@given(points(parts), words, st.sampled_from(["en", "id"]))
def test_any_proportions_give_a_valid_drawing(values, title, language):
    with override(language):
        check(drawn(values, "percent", title=title, description=title))


@pytest.mark.slow
@given(points(counts), st.sampled_from(["en", "id"]))
def test_any_counts_give_a_valid_drawing(values, language):
    with override(language):
        check(drawn(values, "count", links={year: f"/?a=1&b={year}" for year, _n in values}))


@pytest.mark.slow
@given(st.dictionaries(st.integers(1950, 2026), st.integers(1, 5000), min_size=1))
def test_bar_heights_are_proportional_to_counts(by_year):
    for svg in drawings(drawn(list(by_year.items()), "count")):
        heights = []
        for bar in svg.iter(f"{SVG}polygon"):
            if bar.get("class") == "bar":
                ys = [float(pair.split(",")[1]) for pair in bar.get("points").split()]
                heights.append(max(ys) - min(ys))
        assert len(heights) == len(by_year)
        tall = max(heights)
        for height, (_year, count) in zip(heights, sorted(by_year.items()), strict=True):
            assert height == pytest.approx(tall * count / max(by_year.values()), abs=1.1)


def test_every_bar_has_a_label_if_all_fit():
    few = drawn([(2022, 4), (2023, 2), (2024, 3)], "count")
    assert all(said in few for said in (">4</text>", ">2</text>", ">3</text>"))
    many = drawn([(year, 1000 + year % 7) for year in range(1900, 2025)], "count")
    assert len(re.findall('<text class="said"', many)) < 10


def test_year_without_a_value_is_a_gap():
    html = drawn(
        [(2000, 0.5), (2001, 0.6), (2002, None), (2003, 0.7), (2005, 0.1), (2006, 0)], "percent"
    )
    wide = drawings(html)[0]
    assert len(list(wide.iter(f"{SVG}polyline"))) == 2
    assert html.count('<td class="number">–</td>') == 1


@pytest.mark.parametrize(("language", "said"), [("en", "62.5%"), ("id", "62,5%")])
def test_numbers_follow_the_language_and_coordinates_do_not(language, said):
    with override(language):
        html = drawn([(2000, 0.625), (2010, 0.25)], "percent")
    assert said in html
    assert not re.search(r' (?:x|y|x1|y1)="\d+,', html)


def test_table_has_every_year_with_links():
    html = drawn([(2001, 12), (2000, 1234)], "count", links={2000: "/en/events/?a=1&b=2"})
    table = html.split("<tbody>")[1]
    assert re.findall(r">(\d{4})<", table) == ["2000", "2001"]
    assert "1,234" in table
    assert '<a href="/en/events/?a=1&amp;b=2">2000</a>' in table


def test_chart_without_values_is_empty():
    assert (
        rendered(
            "_year_chart.html",
            chart=build_year_chart([], name="x", title="T", description="D", unit="count"),
        ).strip()
        == ""
    )


def test_title_is_escaped():
    html = drawn([(2000, 1)], "count", title="<script>alert(1)</script>")
    assert "<script" not in html


def test_narrow_drawing_fits_a_phone():
    narrow = drawings(drawn([(1946 + n, n) for n in range(80)], "count"))[1]
    assert size(narrow)[0] <= 360
    assert texts(narrow)


def test_thin_years_are_hollow_dots_without_lines():
    values = [(2019, 0.5), (2020, 0.6), (2021, 0.0), (2022, 0.7), (2023, 0.8)]
    for svg in drawings(drawn(values, "percent", thin={2021})):
        assert len(list(svg.iter(f"{SVG}polyline"))) == 2
        dots = [dot.get("class") for dot in svg.iter(f"{SVG}polygon") if "dot" in dot.get("class")]
        assert sorted(dots) == ["dot"] * 4 + ["dot thin"]
        said = [text.text for text in texts(svg) if not text.is_small]
        assert "50%" in said
        assert "0%" not in said
