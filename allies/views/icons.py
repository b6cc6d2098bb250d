"""The favicon and the web app manifest."""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.utils.cache import patch_cache_control

#: Colours from palette.css: --paper and --accent.
PAPER, ACCENT = "#fbf9f4", "#0b5d66"


@cache
def _icon() -> bytes:
    found = finders.find("img/favicon.ico")
    assert isinstance(found, str)  # the file is in the repository
    return Path(found).read_bytes()


def favicon(request: HttpRequest) -> HttpResponse:
    """Serve ``/favicon.ico``, which some browsers request without a link to it."""
    response = HttpResponse(_icon(), content_type="image/x-icon")
    patch_cache_control(response, public=True, max_age=24 * 3600)
    return response


def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web app manifest: name, colours and icons on a home screen."""
    icons = [("icon-192.png", 192, "any"), ("icon-512.png", 512, "any maskable")]
    content = {
        "name": str(settings.SITE_NAME),
        "short_name": str(settings.SITE_NAME),
        "start_url": "/",
        "display": "browser",
        "background_color": PAPER,
        "theme_color": ACCENT,
        "icons": [
            {
                "src": static(f"img/{name}"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for name, size, purpose in icons
        ],
    }
    response = JsonResponse(content, content_type="application/manifest+json")
    patch_cache_control(response, public=True, max_age=24 * 3600)
    return response
