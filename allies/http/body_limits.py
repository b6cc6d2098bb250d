"""Limits on the size of a request body, checked by its length before it is read.

The web server passes a body on as it arrives, and Django writes every file in it to disk while it
looks for the CSRF token. So the length is checked here, before CSRF protection.
"""

import logging
import re
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from allies.form_submissions.kept_forms import announce_signed_out
from allies.monitoring.metrics import count_refusal

log = logging.getLogger(__name__)

#: Bytes of a body from a visitor who is not signed in; more than the longest public form.
PUBLIC_MAX_BYTES = 128 * 1024
#: Bytes of a body sent to the admin without being signed in. A form that was opened before the
#: session ended is saved for its author.
EXPIRED_SESSION_MAX_BYTES = 1024**2
#: Bytes of a body from a signed-in user; more than the longest form of the admin.
SIGNED_IN_MAX_BYTES: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
#: Bytes of a form that is not multipart; decoding takes many times its size in memory.
URLENCODED_MAX_BYTES = 2 * 1024**2
#: Bytes of an upload form without its file.
_FORM_BYTES = 64 * 1024

_PLAIN = "text/plain; charset=utf-8"
#: Sequences that no browser writes into a form; each would become a separate object.
_MALFORMED = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_View = TypeVar("_View", bound=Callable[..., Any])


def accepts_imports(may: Callable[[HttpRequest], object]) -> Callable[[_View], _View]:
    """Let a view accept ``ALLIES_IMPORT_MAX_BYTES`` from users for whom ``may`` returns true."""

    def mark(view: _View) -> _View:
        view.accepts_imports = may  # type: ignore[attr-defined]
        return view

    return mark


#: Uploads that a web process receives at once. Each holds a thread until its file has arrived.
_uploads = threading.BoundedSemaphore(1)
#: Seconds after which to try again if other uploads are in progress.
RETRY_AFTER = 10


class BodyLimitMiddleware:
    """Refuses a body that is too large, or of unknown length, without reading it.

    A web process receives one upload at a time in views that accept imports. No query for a body of
    up to PUBLIC_MAX_BYTES to other views. Must come before CsrfViewMiddleware, which reads forms.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            if getattr(request, "is_upload", False):
                _uploads.release()

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: Sequence[object],
        kwargs: object,
    ) -> HttpResponse | None:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return _refuse(request, HTTPStatus.LENGTH_REQUIRED)
        length = str(request.META.get("CONTENT_LENGTH") or 0)
        if not (length.isascii() and length.isdecimal() and len(length) < 20):
            return _refuse(request, HTTPStatus.BAD_REQUEST)
        if int(length) <= PUBLIC_MAX_BYTES:
            if not int(length) or not hasattr(view, "accepts_imports"):
                return None
            # A proxy passes the body to this view as it arrives, so a slow client would hold a
            # thread.
            if not admin.site.has_permission(request):
                announce_signed_out(request)
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            return _begin_upload(request, view)
        limit = _limit(request, view)
        if int(length) > limit:
            return _refuse(request, limit=limit)
        if hasattr(view, "accepts_imports"):
            return _begin_upload(request, view)
        if _is_urlencoded(request) and _MALFORMED.search(request.body):
            return _refuse(request, HTTPStatus.BAD_REQUEST)
        return None


def _begin_upload(request: HttpRequest, view: Any) -> HttpResponse | None:
    """Receive an upload if the user may import and no other upload is in progress."""
    if not view.accepts_imports(request):
        raise PermissionDenied
    if not _uploads.acquire(blocking=False):
        count_refusal("upload")
        said = _("Another upload is in progress. Try again in %(seconds)d seconds.")
        response = HttpResponse(
            f"{said % {'seconds': RETRY_AFTER}}\n", status=503, content_type=_PLAIN
        )
        response["Retry-After"] = str(RETRY_AFTER)
        response["Cache-Control"] = "no-store"
        return response
    request.is_upload = True  # type: ignore[attr-defined]
    try:
        _content = request.POST
    except UnreadablePostError:  # the browser is gone
        _remove_received(request)
        return _refuse(request, HTTPStatus.BAD_REQUEST)
    except OSError:
        _remove_received(request)
        log.exception("An upload could not be stored.")
        said = _("The file cannot be stored: the disk is full or read-only.")
        status = HTTPStatus.INSUFFICIENT_STORAGE
        return render(request, "413.html", {"is_error": True, "said": said}, status=status)
    return None


def _remove_received(request: HttpRequest) -> None:
    """Delete the part of a file that was received before the upload failed."""
    for handler in request.upload_handlers:
        file = getattr(handler, "file", None)
        if file is not None and hasattr(file, "temporary_file_path"):
            Path(file.temporary_file_path()).unlink(missing_ok=True)


def _is_urlencoded(request: HttpRequest) -> bool:
    return request.content_type == "application/x-www-form-urlencoded"


def _limit(request: HttpRequest, view: Callable[..., HttpResponseBase]) -> int:
    """Return how many bytes this user may send to this view."""
    may = getattr(view, "accepts_imports", None)
    if not admin.site.has_permission(request):
        namespaces = request.resolver_match.namespaces if request.resolver_match else ()
        is_kept = "admin" in namespaces and may is None
        return EXPIRED_SESSION_MAX_BYTES if is_kept else PUBLIC_MAX_BYTES
    if _is_urlencoded(request):
        return URLENCODED_MAX_BYTES
    if may is not None and may(request):
        return max(SIGNED_IN_MAX_BYTES, settings.IMPORT_MAX_BYTES + _FORM_BYTES)
    return SIGNED_IN_MAX_BYTES


def _refuse(
    request: HttpRequest,
    status: HTTPStatus = HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    limit: int = PUBLIC_MAX_BYTES,
) -> HttpResponse:
    count_refusal("body")
    if status is HTTPStatus.LENGTH_REQUIRED:
        said = _("The request needs a Content-Length header.")
    elif status is HTTPStatus.BAD_REQUEST:
        said = _("The request cannot be read: its length or encoding is wrong.")
    else:
        said = _("Too large: the limit is %(size)s. Nothing was saved.")
        said %= {"size": f"{limit >> 20} MB" if limit >> 20 else f"{limit >> 10} KB"}
        if request.path_info.endswith("/"):
            is_signed_out = not admin.site.has_permission(request)
            shown = {"is_error": True, "said": said, "is_signed_out": is_signed_out}
            return render(request, "413.html", shown, status=status)
    return HttpResponse(f"{said}\n", status=status, content_type=_PLAIN)
