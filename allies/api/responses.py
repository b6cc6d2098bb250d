"""Responses of the API: CORS headers, language, redirects and errors."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field

from allies.views.detail import MovedRecord


class Errors(Schema):
    """The errors by parameter, and the allowed parameters."""

    errors: dict[str, list[str]] = Field(description="The errors of each parameter.")
    accepted: list[str] = Field([], description="The parameters that this address accepts.")


class InvalidQuery(Exception):
    """An invalid request, with its HTTP status and the errors by parameter."""

    def __init__(
        self, errors: dict[str, list[str]], *, status: int = 422, accepted: Sequence[str] = ()
    ) -> None:
        super().__init__(errors)
        self.errors = errors
        self.status = status
        self.accepted = list(accepted)

    def response(self) -> JsonResponse:
        return JsonResponse({"errors": self.errors, "accepted": self.accepted}, status=self.status)


#: Error responses that every operation may return.
ERRORS: dict[Any, Any] = {404: Errors, 409: Errors, 422: Errors}

#: JSON schema of a parameter that is a date or, like an empty form field, "".
DAY_SCHEMA: Any = {"anyOf": [{"format": "date"}, {"maxLength": 0}]}

#: Headers that let pages of any origin read the API, which is public anyway.
_OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_PREFLIGHT = {
    "Allow": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "If-None-Match, Accept, Accept-Language",
    "Access-Control-Max-Age": "86400",
}

_View = Callable[..., HttpResponseBase]


def api_operation(view: _View) -> _View:
    """Decorate an operation: handle HEAD, OPTIONS and ``lang``, and add CORS headers."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={**_OPEN, **_PREFLIGHT})
        if request.method == "HEAD":
            request.method = "GET"  # the server drops the body
        language = request.GET.get("lang", "")
        known = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(known):
            response: HttpResponseBase = view(request, *args, **kwargs)
        for name, value in _OPEN.items():
            response.headers[name] = value
        response.headers["Content-Language"] = known
        return response

    return answer


def not_found_response(
    request: HttpRequest, exception: Exception | None = None, rest: str = ""
) -> HttpResponse:
    """Return a 404 response in the format of the API."""
    return InvalidQuery({"address": [_("Page not found.")]}, status=404).response()


def moved_response(request: HttpRequest, renamed: MovedRecord) -> HttpResponse:
    """Redirect permanently from an old slug to the current one."""
    match = request.resolver_match
    assert match is not None  # a request that reached an operation was resolved
    given = renamed.arguments
    # URLs of this API name a source's key ``slug`` too.
    given = {"slug": given["key"]} if "key" in given else given
    address = reverse(match.view_name, kwargs={**match.kwargs, **given})
    query = request.META.get("QUERY_STRING", "")
    response = HttpResponse(status=301)
    response.headers["Location"] = f"{address}?{query}" if query else address
    return response
