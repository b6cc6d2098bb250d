"""Which pages can be embedded, and the HTML code for it."""

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

#: URL name of a page → its embeds as (URL name, label), the default first.
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

#: URL name of an embed → URL name of its page.
PAGES = {
    "allylist-embed": "allylist-detail",
    "allylist-timeline-embed": "allylist-detail",
    "edition-embed": "edition-detail",
    "country-allies-embed": "country-allies",
    "country-map-embed": "country-map",
    "country-timeline-embed": "country-detail",
    "alliance-timeline-embed": "alliance-detail",
}

#: The size of an embed until its content has loaded, in pixels.
WIDTH, HEIGHT = 600, 480


@dataclass(frozen=True)
class EmbedCode:
    """HTML code to copy, with a label that says what it embeds."""

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
    """Return the HTML that embeds the view with this URL name and these arguments."""
    address = reverse(f"allies:{name}", kwargs=kwargs) + (f"?{query}" if query else "")
    # Without the content hash: a hashed file may be gone after the next release.
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
    """Return the oEmbed URL of a page, in one format (json or xml)."""
    query = urlencode({"url": address, "format": form})
    return request.build_absolute_uri(f"{reverse('oembed')}?{query}")
