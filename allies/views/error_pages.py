"""Error pages (400, 403, 404, 500, 503), in the language of the URL."""

import sys

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token

from allies.db.errors import is_database_away, is_disk_full
from allies.form_submissions.kept_forms import keep_and_reload

#: Context of every error page: it gets no canonical URL and no share image.
_ERROR = {"is_error": True}
#: Value of Retry-After, in seconds, if the database cannot be reached.
RETRY_AFTER = 10


class RequestRefused(BadRequest):
    """A refused request. The 400 page shows the reason and, if given, a link to ``back``."""

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
    """Answer a form that failed the CSRF check: 403, as it may come from another site.

    A form of the admin is saved instead, and shown again to the account it was rendered for.
    """
    if again := keep_and_reload(request):
        return again
    shown = {**_ERROR, "is_foreign": True}
    return render(request, "403.html", shown, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exception()
    if not is_database_away(error):
        return render(request, "500.html", _ERROR, status=500)
    response = render(
        request, "503.html", {**_ERROR, "is_disk_full": is_disk_full(error)}, status=503
    )
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    response.database_was_away = True  # type: ignore[attr-defined]  # db.router asks
    return response
