"""When something is written: after all that was written before, though a clock be set back.

Histories, and the log of changes that others follow, go by the moments of versions. A server whose
clock was wrong, or is put right, must not write a version before the one it follows.
"""

import datetime as dt
import time

from django.db.models import Max
from django.utils import timezone

from allies.models.registry import record_models

#: The least that two moments differ by.
MIN_STEP = dt.timedelta(microseconds=1)
#: Seconds the clock may lose against the time that passed before it is not believed any more.
_CLOCK_ERRORS = 1.0


class _Clock:
    """What this process knows: the newest moment written when it last looked, and its own pace."""

    newest: dt.datetime | None = None
    ahead = 0.0


def next_history_timestamp() -> dt.datetime:
    """Return now or, where the clock says less than has been written, just after that.

    Costs a query a noun at the first write of a process, and after each turn of the clock until
    it has caught up; none otherwise.
    """
    now = timezone.now()
    ahead = time.time() - time.monotonic()
    was_turned_back = ahead < _Clock.ahead - _CLOCK_ERRORS
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
