"""Cached fields of filter forms: each looks as its form renders it, with any value."""

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override

from allies.filters import EventFilterSet, PublicFilterSet
from allies.templatetags.filter_fields import filter_field

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_data")]

TYPED = (
    "",
    "  rus ",
    "2024-06-19",
    "2024-13-01",
    "visit",
    "yes",
    "3",
    '"><script>alert(1)</script>',
)


def filtersets(base=PublicFilterSet):
    for kind in base.__subclasses__():
        if hasattr(kind.Meta, "model"):
            yield kind
        yield from filtersets(kind)


def asked_of(kind, name, text):
    """Return a filterset with one value, without the country that some filtersets require."""
    asked = object.__new__(kind)
    PublicFilterSet.__init__(asked, {name: text}, queryset=kind.Meta.model.objects.none())
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "id"])
def test_field_looks_as_its_form_renders_it(language):
    import allies.urls  # noqa: F401  (imports all filters)

    drawn = refused = 0
    with override(language):
        for kind in {*filtersets()}:
            for name in kind.base_filters:
                for text in TYPED:
                    asked = asked_of(kind, name, text)
                    field = asked.form[name]
                    expected = render_to_string("allies/_filter_field.html", {"field": field})
                    assert filter_field(asked, field) == expected, (kind, name, text)
                    refused += bool(field.errors)
                    drawn += not field.errors
    assert drawn > 200
    assert refused > 50


def test_field_is_cached_per_language():
    def shown(language):
        with override(language):
            asked = asked_of(EventFilterSet, "q", "a")
            return filter_field(asked, asked.form["q"])

    assert shown("en") == shown("en")
    assert shown("en") is shown("en")
    assert shown("id") != shown("en")
