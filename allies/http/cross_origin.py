"""The header Cross-Origin-Resource-Policy: other sites may load embeds and data, but not pages."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_Handler = Callable[[HttpRequest], HttpResponseBase]

_NAME = "Cross-Origin-Resource-Policy"


def cross_origin_resource_policy(get_response: _Handler) -> _Handler:
    """Wrap the views: pages are same-origin; embeds, data and pictures are cross-origin."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not response.has_header(_NAME):
            is_page = response.get("Content-Type", "").startswith("text/html")
            is_embed = getattr(response, "xframe_options_exempt", False)
            stays = "/admin/" in request.path_info or (is_page and not is_embed)
            response.headers[_NAME] = "same-origin" if stays else "cross-origin"
        return response

    return answer
