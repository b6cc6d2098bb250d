"""Filters and formatters of the log.

Django imports this module when it sets up logging, before the apps. So it must not import models.
"""

import datetime as dt
import logging
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

#: The ID of the request that this thread handles, or "".
request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdFilter(logging.Filter):
    """Add the ID of the current request to each log record, "-" if there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get() or "-"
        return True


#: The most characters of a log message about a 4xx response, because clients choose what is in it.
MAX_CLIENT_ERROR_CHARS = 300


class ClientErrorFilter(logging.Filter):
    """Log a 4xx response as one short warning without a traceback, because nothing needs fixing.

    Django logs a traceback for each invalid ``Host``, oversized form and suspicious address, some
    of them as errors, and repeats what the client sent.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", None)
        if not isinstance(status, int) or not 400 <= status < 500:
            return True
        record.exc_info = record.exc_text = None
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        message = record.getMessage()
        if len(message) > MAX_CLIENT_ERROR_CHARS:
            record.msg, record.args = f"{message[:MAX_CLIENT_ERROR_CHARS]}…", ()
        return True


class _IsoTimeFormatter(logging.Formatter):
    """Format times in ISO 8601 with milliseconds and UTC offset, as servers' time zones differ."""

    def formatTime(  # noqa: N802  (logging defines the name)
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        moment = dt.datetime.fromtimestamp(record.created).astimezone()
        return moment.isoformat(timespec="milliseconds")


class LineLogFormatter(_IsoTimeFormatter):
    """Format each record as one line of text."""


class JsonLogFormatter(_IsoTimeFormatter, JsonFormatter):
    """Format each record as a JSON object."""
