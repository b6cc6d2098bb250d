"""Buffer downloads completely in a temporary file, then send them with their length.

Django’s streamed responses are consumed here, outside Django, before the first byte is sent. So an
error while it is created gives an error response, not a truncated file. A download is created at
the speed of this machine, not of the client.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import FileResponse
from django.utils.translation import gettext as _
from django.utils.translation import override

from allies.downloads.slots import RETRY_AFTER, ClientBusy, ProcessBusy, Slot
from allies.downloads.stalled_connections import abort_stalled_connections
from allies.http.client_ip import get_rate_limited_ip
from allies.page_cache.wsgi import LANGUAGE_PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

#: URLs of downloads. They take their slot before Django runs, so that a refusal is cheap. Other
#: URLs with such endings are fast, and most come from the cache.
_DOWNLOAD = re.compile(
    r"/[a-z]{2}/(?!editions/[^/]+$|.*/suggest\.json$|.*/cite\.).*\.(csv|xlsx|json|zip)"
)
#: Bytes of a download kept in memory, and bytes per chunk. The server reads four chunks ahead, so a
#: download of up to IN_MEMORY bytes needs no thread while it is sent.
IN_MEMORY, PIECE = 1024**2, 256 * 1024
#: A client slower than SLOWEST bytes per second, after PATIENCE seconds, is disconnected.
SLOWEST, PATIENCE = 10_000, 60

_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def is_download(path: str) -> bool:
    """Return whether a path is the URL path of a downloadable list."""
    return _DOWNLOAD.fullmatch(path) is not None


def limit_downloads(application: _Application) -> _Application:
    """Wrap the site: a streamed response needs a slot, and is refused at once if there is none."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        abort_stalled_connections()
        slot = None
        try:
            if is_download(environ["PATH_INFO"]):
                slot = Slot(get_rate_limited_ip(environ))
            answered = _ResponseStart()
            response: Any = application(environ, answered.start)
            if not getattr(response, "streaming", False) or isinstance(response, FileResponse):
                start_response(answered.status, answered.headers)
                return response  # type: ignore[no-any-return]
            if environ["REQUEST_METHOD"] == "HEAD":
                response.close()
                start_response(answered.status, answered.headers)
                return []
            try:
                slot = slot or Slot(get_rate_limited_ip(environ))
                body = _buffer_response(response, slot)
            finally:
                response.close()
            slot = None  # the body releases it
            length = ("Content-Length", str(body.length))
            start_response(answered.status, [*answered.headers, length])
            return body
        except ClientBusy:
            return _plain_error(
                environ, start_response, "429 Too Many Requests", _client_busy_response
            )
        except ProcessBusy:
            return _plain_error(
                environ, start_response, "503 Service Unavailable", _process_busy_response
            )
        except _DownloadFailed as error:
            status = "503 Service Unavailable" if error.may_succeed else "500 Internal Server Error"
            return _plain_error(environ, start_response, status, _download_failed_response)
        finally:
            if slot is not None:
                slot.release()

    return answer


class _ResponseStart:
    """The status and headers from Django, before the body."""

    status = ""
    headers: list[tuple[str, str]]

    def start(self, status: str, headers: list[tuple[str, str]], *error: object) -> None:
        self.status, self.headers = status, headers


class _DownloadFailed(Exception):
    """A download could not be created; ``may_succeed`` says whether a retry makes sense."""

    def __init__(self, *, may_succeed: bool) -> None:
        super().__init__()
        self.may_succeed = may_succeed


class _DownloadBody:
    """A complete download, sent in chunks; ``close`` releases its slot."""

    streaming = True

    def __init__(self, file: Any, slot: Slot) -> None:
        self._file = file
        self._slot = slot
        self.length = file.tell()

    def __iter__(self) -> Iterator[bytes]:
        began = time.monotonic()
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece
            waited = time.monotonic() - began
            if waited > PATIENCE and self._file.tell() / waited < SLOWEST:
                # the server closes the connection, because the body is shorter than its length
                return

    def close(self) -> None:
        self._file.close()
        self._slot.release()


def _buffer_response(response: Any, slot: Slot) -> _DownloadBody:
    """Write a streamed response to a temporary file, which the system deletes when it is closed."""
    file = SpooledTemporaryFile(IN_MEMORY, dir=str(settings.DATA_DIR))  # noqa: SIM115
    try:
        for block in response:
            file.write(block)
    except Exception as error:
        file.close()
        log.exception("A download could not be created.")
        away = isinstance(error, OperationalError | InterfaceError | OSError)
        raise _DownloadFailed(may_succeed=away) from error
    except BaseException:
        file.close()
        raise
    return _DownloadBody(file, slot)


def _client_busy_response() -> str:
    said = _(
        "Your network has reached its limit of simultaneous downloads. "
        "Try again in %(seconds)s seconds."
    )
    return said % {"seconds": RETRY_AFTER}


def _process_busy_response() -> str:
    said = _("Too many downloads are in progress. Try again in %(seconds)s seconds.")
    return said % {"seconds": RETRY_AFTER}


def _download_failed_response() -> str:
    return _("This file could not be created. Try again later.")


def _plain_error(
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    status: str,
    say: Callable[[], str],
) -> list[bytes]:
    """Send a plain-text response in the language of the URL."""
    language = environ["PATH_INFO"][1:3] if environ["PATH_INFO"].startswith(LANGUAGE_PATH) else "en"
    with override(language):
        body = f"{say()}\n".encode()
    start_response(
        status,
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Language", language),
            ("Retry-After", str(RETRY_AFTER)),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Resource-Policy", "cross-origin"),
        ],
    )
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
