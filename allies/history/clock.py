"""Timestamps of versions that always increase, even if the server's clock is set back.

Histories and the public change feed are ordered by the timestamps of versions. If the clock was
wrong, or is corrected, a new version must still come after the versions written before it.
"""

import datetime as dt
import time

from django.db.models import Max
from django.utils import timezone

from allies.models.registry import record_models

#: The smallest difference between two timestamps.
MIN_STEP = dt.timedelta(microseconds=1)
#: Seconds that the clock may fall behind the monotonic clock before it counts as set back.
_MAX_CLOCK_ERROR_SECONDS = 1.0


class _Clock:
    """What this process knows: the newest timestamp when it last looked, and the clock's offset.

    ``ahead`` is how many seconds the clock is ahead of the monotonic clock.
    """

    newest: dt.datetime | None = None
    ahead = 0.0


def next_history_timestamp() -> dt.datetime:
    """Return the current time, or a time just after the newest version if the clock is behind it.

    One query per model at the first write of a process. The same at each write after the clock
    was set back, until it has caught up. Otherwise no query.
    """
    now = timezone.now()
    ahead = time.time() - time.monotonic()
    was_turned_back = ahead < _Clock.ahead - _MAX_CLOCK_ERROR_SECONDS
    if _Clock.newest is None or was_turned_back or now <= _Clock.newest:
        _Clock.newest, _Clock.ahead = _newest(), ahead
        if _Clock.newest is not None and now <= _Clock.newest:
            return _Clock.newest + MIN_STEP
    _Clock.ahead = max(_Clock.ahead, ahead)
    return now


def _newest() -> dt.datetime | None:
    found = (
        model.history.model.objects.aggregate(newest=Max("history_date"))["newest"]
        for model in record_models()
    )
    return max((moment for moment in found if moment), default=None)
