"""Who may take answers into pages of their own: nobody a page, everybody what is made for that."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_Handler = Callable[[HttpRequest], HttpResponseBase]

_NAME = "Cross-Origin-Resource-Policy"


def cross_origin_resource_policy(get_response: _Handler) -> _Handler:
    """Wrap the views: pages stay with their own origin; embeds, data and pictures need not."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not response.has_header(_NAME):
            is_page = response.get("Content-Type", "").startswith("text/html")
            is_embed = getattr(response, "xframe_options_exempt", False)
            stays = "/admin/" in request.path_info or (is_page and not is_embed)
            response.headers[_NAME] = "same-origin" if stays else "cross-origin"
        return response

    return answer
