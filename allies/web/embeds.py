"""Which pages can be embedded, as what, and the code that does it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: A page's name → its embeds, the first of them the usual one: (name, what it is called).
EMBEDS: "dict[str, list[tuple[str, StrOrPromise]]]" = {
    "allylist-detail": [
        ("allylist-embed", _("the list, always up to date")),
        ("allylist-timeline-embed", _("the timeline of events")),
    ],
    "edition-detail": [("edition-embed", _("this edition, which never changes"))],
    "country-allies": [
        ("country-allies-embed", _("the table")),
        ("country-map-embed", _("the map")),
    ],
    "country-map": [("country-map-embed", _("the map"))],
    "country-detail": [("country-timeline-embed", _("the membership timeline"))],
    "alliance-detail": [("alliance-timeline-embed", _("the timeline of members"))],
}

#: An embed's name → the name of its page.
PAGES = {
    "allylist-embed": "allylist-detail",
    "allylist-timeline-embed": "allylist-detail",
    "edition-embed": "edition-detail",
    "country-allies-embed": "country-allies",
    "country-map-embed": "country-map",
    "country-timeline-embed": "country-detail",
    "alliance-timeline-embed": "alliance-detail",
}

#: The size of a frame before it knows its content, in pixels.
WIDTH, HEIGHT = 600, 480


@dataclass(frozen=True)
class EmbedCode:
    """A code to copy: what it embeds, and the code itself."""

    label: "StrOrPromise"
    text: str


def embed_code(
    request: HttpRequest,
    name: str,
    kwargs: dict[str, object],
    title: str,
    *,
    query: str = "",
    width: str = "100%",
    height: int = HEIGHT,
) -> str:
    """Return the HTML that embeds what a name and its arguments stand for."""
    address = reverse(f"allies:{name}", kwargs=kwargs) + (f"?{query}" if query else "")
    # Not the name with the hash of its content: that one goes with the next release.
    script = request.build_absolute_uri(f"{settings.STATIC_URL}js/embed.js")
    return format_html(
        '<iframe src="{}" title="{}" width="{}" height="{}" loading="lazy" '
        'frameborder="0"></iframe>\n'
        '<script src="{}" async></script>',
        request.build_absolute_uri(address),
        title,
        width,
        height,
        script,
    )


def oembed_url(request: HttpRequest, address: str, form: str) -> str:
    """Return the address at which oEmbed tells of a page."""
    query = urlencode({"url": address, "format": form})
    return request.build_absolute_uri(f"{reverse('oembed')}?{query}")
