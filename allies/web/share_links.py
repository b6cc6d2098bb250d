"""Links that share a page: plain addresses of other services, without their scripts."""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _


class ShareLink(NamedTuple):
    label: str
    url: str


def share_links(address: str, title: str) -> list[ShareLink]:
    """Return the links that share a page with this absolute URL and title."""

    def ask(service: str, **query: str) -> str:
        return f"{service}?{urlencode(query, quote_via=quote)}"

    return [
        ShareLink("WhatsApp", ask("https://wa.me/", text=f"{title} {address}")),
        ShareLink("Telegram", ask("https://t.me/share/url", url=address, text=title)),
        ShareLink("Facebook", ask("https://www.facebook.com/sharer/sharer.php", u=address)),
        ShareLink("X", ask("https://x.com/intent/post", url=address, text=title)),
        ShareLink(_("Email"), ask("mailto:", subject=title, body=address)),
    ]
