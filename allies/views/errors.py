"""What a reader is told when something is not there or went wrong, in the address's language."""

import sys

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token

from allies.db.errors import is_database_away
from allies.form_submissions.kept_forms import keep_and_reload

#: Tells the page that it has no address to come back to.
_ERROR = {"is_error": True}
#: Seconds after which it is worth asking again where the database was away.
RETRY_AFTER = 10


class RequestRefused(BadRequest):
    """A request that is not answered; the page says why, and leads back to an address."""

    def __init__(self, reason: str, *, back: str = "") -> None:
        super().__init__(reason)
        self.back = back


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", _ERROR, status=404)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    shown = {**_ERROR, "refused": exception if isinstance(exception, RequestRefused) else None}
    return render(request, "400.html", shown, status=400)


@requires_csrf_token
def forbidden(
    request: HttpRequest, exception: Exception | None = None, **kwargs: object
) -> HttpResponse:
    return render(request, "403.html", _ERROR, status=403)


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Say that a form was not taken, for nothing tells that it was sent from a page of ours.

    One that a page of the admin drew is kept, and shown again to the account it was drawn for.
    """
    if again := keep_and_reload(request):
        return again
    shown = {**_ERROR, "is_foreign": True}
    return render(request, "403.html", shown, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    if not is_database_away(sys.exception()):
        return render(request, "500.html", _ERROR, status=500)
    response = render(request, "503.html", _ERROR, status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    response.database_was_away = True  # type: ignore[attr-defined]  # caching.middleware asks
    return response
