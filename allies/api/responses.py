"""How the API answers: open to every origin, with an ETag, and with errors that say what to do."""

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
    """What was wrong, by parameter, and which parameters there are."""

    errors: dict[str, list[str]] = Field(description="The errors of each parameter.")
    accepted: list[str] = Field([], description="The parameters that this address accepts.")


class InvalidQuery(Exception):
    """A request that cannot be answered: an HTTP status, and what is wrong by parameter."""

    def __init__(
        self, errors: dict[str, list[str]], *, status: int = 422, accepted: Sequence[str] = ()
    ) -> None:
        super().__init__(errors)
        self.errors = errors
        self.status = status
        self.accepted = list(accepted)

    def response(self) -> JsonResponse:
        return JsonResponse({"errors": self.errors, "accepted": self.accepted}, status=self.status)


#: What every operation may answer besides its own.
ERRORS: dict[Any, Any] = {404: Errors, 409: Errors, 422: Errors}

#: How a parameter is described that is a day or, as in a form that was left empty, nothing.
DAY_SCHEMA: Any = {"anyOf": [{"format": "date"}, {"maxLength": 0}]}

#: Headers by which a page of any origin may read what is public anyway.
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
    """Wrap an operation: HEAD and OPTIONS, ``lang`` and CORS."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={**_OPEN, **_PREFLIGHT})
        if request.method == "HEAD":
            request.method = "GET"  # the server leaves the body out
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
    """Say that there is nothing at this address of the API."""
    return InvalidQuery({"address": [_("Page not found.")]}, status=404).response()


def moved_response(request: HttpRequest, renamed: MovedRecord) -> HttpResponse:
    """Lead from an address a record had before to the one it has."""
    match = request.resolver_match
    assert match is not None  # a request that reached an operation was resolved
    given = renamed.arguments
    # A source goes by its key; here every record’s address calls that its slug.
    given = {"slug": given["key"]} if "key" in given else given
    address = reverse(match.view_name, kwargs={**match.kwargs, **given})
    query = request.META.get("QUERY_STRING", "")
    response = HttpResponse(status=301)
    response.headers["Location"] = f"{address}?{query}" if query else address
    return response
