"""Links that share a page."""

from typing import TYPE_CHECKING

from django import template
from django.template import Context

from allies.web.share_links import ShareLink, share_links

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()


@register.inclusion_tag("allies/_share_links.html", takes_context=True)
def share_links_of(context: Context, title: "StrOrPromise") -> dict[str, list[ShareLink]]:
    """Show the links that share this page, by its canonical URL; none if it has no such URL."""
    address = context.get("address")
    return {"links": share_links(address.canonical, str(title)) if address else []}
