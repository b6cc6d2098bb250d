"""What is drawn once is remembered within bounds, and only where nobody works on the templates."""

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
    """A drawing as long as its first value says, which counts how often it was drawn."""

    @cache_fragment
    def drawing(length, _values=""):
        drawing.times += 1
        return SafeString("x" * length)

    drawing.times = 0
    return drawing


def test_the_same_is_drawn_once(draw):
    assert draw(10) == draw(10) == "x" * 10
    assert draw.times == 1


def test_what_is_remembered_has_an_end_in_letters(draw):
    for number in range(2 * KEPT // 50_000):
        draw(50_000, number)
    assert fragments._fragments.currsize <= KEPT
    assert len(fragments._fragments) > KEPT // 50_000 // 2


@pytest.mark.parametrize(("length", "values"), [(LONGEST + 1, ""), (1, "y" * LONGEST)])
def test_what_is_long_or_of_long_values_is_not_remembered(draw, length, values):
    draw(length, values)
    draw(length, values)
    assert draw.times == 2
    assert not fragments._fragments


def test_templates_that_are_worked_on_are_drawn_each_time(draw, settings):
    settings.DEBUG = True
    draw(10)
    draw(10)
    assert draw.times == 2
