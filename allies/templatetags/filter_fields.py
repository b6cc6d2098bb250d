"""Fields of filter forms, cached by filter, name and value."""

from django import template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from allies.filters import PublicFilterSet
from allies.page_cache.fragments import cache_fragment

register = template.Library()

_TEMPLATE = "allies/_filter_field.html"


@register.simple_tag
def filter_field(filterset: PublicFilterSet, field: BoundField) -> SafeString:
    """Render a field of a filter's form, with its errors, if any."""
    if field.errors:
        return render_to_string(_TEMPLATE, {"field": field})
    return _filter_field(type(filterset), field.name, field.data or "")


@cache_fragment
def _filter_field(filters: type[PublicFilterSet], name: str, asked: str) -> SafeString:
    return render_to_string(_TEMPLATE, {"field": filters.bound_field_with(name, asked)})
