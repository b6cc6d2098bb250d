"""Flags: decoration next to the names of today's countries, from one file."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings

from allies.models import Country
from allies.templatetags.flag_tags import flag, flagged
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

FILE = Path(settings.BASE_DIR, "static/img/flags.svg")


def test_every_country_with_a_code_has_a_flag_and_no_other():
    for country in Country.objects.all():
        assert bool(flag(country)) == bool(country.alpha2), country


def test_former_state_has_no_flag():
    country = factories.country("RUS")
    country.existed_to = "1991-12-26"
    assert flag(country) == ""
    assert flagged(country) == "Russia"


def test_flag_is_decoration_of_a_fixed_size():
    shown = flag(factories.country("IDN"))
    assert 'aria-hidden="true"' in shown and 'focusable="false"' in shown
    assert 'width="20" height="20"' in shown
    assert re.search(r'<use href="/static/img/flags[^"]*\.svg#id"/>', shown)


def test_file_has_its_licence_and_nothing_that_loads_or_runs():
    text = FILE.read_text()
    assert "Permission is hereby granted" in text
    assert FILE.stat().st_size < 150_000
    names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
    assert names <= {"svg", "symbol", "path", "g", "circle", "ellipse", "rect"}
    assert not re.search(r"href|url\(|\son[a-z]+=", text)


@pytest.mark.parametrize(
    "page",
    [
        "countries/",
        "countries/russia/",
        "ties/china/russia/",
        "lists/russia-allies-in-asia/",
        "alliances/north-korea-russia-comprehensive-strategic-partnership/",
    ],
)
def test_pages_show_flags(page, client):
    assert 'class="flag"' in body(client.get(f"/id/{page}"))
