"""What each line of the log is about. Read before there is a site: it knows nothing of one."""

import logging
from contextvars import ContextVar

#: The request at work in this thread, or "".
request_id: ContextVar[str] = ContextVar("request_id", default="")


class NameRequests(logging.Filter):
    """Gives each line of a log the name of the request it is about, "-" for none."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get() or "-"
        return True
