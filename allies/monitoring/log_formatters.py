"""What each line of the log is about. Read before there is a site: it knows nothing of one."""

import datetime as dt
import logging
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

#: The request at work in this thread, or "".
request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdFilter(logging.Filter):
    """Gives each line of a log the name of the request it is about, "-" for none."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get() or "-"
        return True


class ClientErrorFilter(logging.Filter):
    """Drops the traceback of what a client did wrong: of a 4xx answer there is nothing to fix.

    Django logs one for each wrong ``Host``, form that is too large, and address it suspects.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", None)
        if isinstance(status, int) and 400 <= status < 500:
            record.exc_info = record.exc_text = None
        return True


class _IsoTimeFormatter(logging.Formatter):
    """Gives times to the millisecond and with their zone: servers may stand in several."""

    def formatTime(  # noqa: N802  (as logging calls it)
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        moment = dt.datetime.fromtimestamp(record.created).astimezone()
        return moment.isoformat(timespec="milliseconds")


class LineLogFormatter(_IsoTimeFormatter):
    """A line of text for each record."""


class JsonLogFormatter(_IsoTimeFormatter, JsonFormatter):
    """A JSON object for each record."""
