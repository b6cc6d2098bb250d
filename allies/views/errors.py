"""What a reader is told when something is not there or went wrong, in the address's language."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token

#: Tells the page that it has no address to come back to.
_ERROR = {"is_error": True}


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", _ERROR, status=404)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "400.html", _ERROR, status=400)


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Any = None, **kwargs: Any) -> HttpResponse:
    return render(request, "403.html", _ERROR, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", _ERROR, status=500)
