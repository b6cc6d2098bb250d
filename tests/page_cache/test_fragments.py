"""The fragment cache: its limits, and no caching with DEBUG."""

import pytest
from django.utils.safestring import SafeString

from allies.page_cache import fragments
from allies.page_cache.fragments import KEPT, LONGEST, cache_fragment


@pytest.fixture(autouse=True)
def no_page_cache():
    fragments._fragments.clear()
    yield
    fragments._fragments.clear()


@pytest.fixture
def draw():
    """Return a cached function that renders ``length`` characters and counts its calls."""

    @cache_fragment
    def drawing(length, _values=""):
        drawing.times += 1
        return SafeString("x" * length)

    drawing.times = 0
    return drawing


def test_fragment_with_same_values_is_rendered_once(draw):
    assert draw(10) == draw(10) == "x" * 10
    assert draw.times == 1


def test_fragment_cache_size_is_limited(draw):
    for number in range(2 * KEPT // 50_000):
        draw(50_000, number)
    assert fragments._fragments.currsize <= KEPT
    assert len(fragments._fragments) > KEPT // 50_000 // 2


@pytest.mark.parametrize(("length", "values"), [(LONGEST + 1, ""), (1, "y" * LONGEST)])
def test_long_fragment_or_values_are_not_cached(draw, length, values):
    draw(length, values)
    draw(length, values)
    assert draw.times == 2
    assert not fragments._fragments


def test_fragment_is_rendered_each_time_with_debug(draw, settings):
    settings.DEBUG = True
    draw(10)
    draw(10)
    assert draw.times == 2
