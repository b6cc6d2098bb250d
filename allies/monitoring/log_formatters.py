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


class ClientErrorFilter(logging.Filter):
    """Remove the traceback from records about a 4xx response, because there is nothing to fix.

    Django logs one for each invalid ``Host``, oversized form and suspicious address.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", None)
        if isinstance(status, int) and 400 <= status < 500:
            record.exc_info = record.exc_text = None
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
