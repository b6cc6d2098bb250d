"""Public additions, changes and withdrawals, read from the versions of the records.

A record is listed once, at the time when it or a part of it was last written. A client that
follows with a cursor gets each record as it is now, not every step in between. Writes to drafts,
to records already withdrawn, and to what drafts say about a record are not in the log. Neither a
change nor a cursor reveals that somebody is working on them.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

from django.db import connection
from django.db.models import Model, Q
from django.urls import reverse
from django.utils import timezone

from allies.db.router import use_primary
from allies.history.clock import MIN_STEP, next_history_timestamp
from allies.history.visibility import VisibilityHistory, last_modified_map
from allies.models import Alliance, AllyList, Country, Event, Source, url_field
from allies.page_cache.memo import remembered, while_unchanged

#: The models whose records have a page of their own.
FOLLOWED_MODELS: tuple[Any, ...] = (Alliance, AllyList, Country, Event, Source)
#: If a cursor is older than this, the write times of all records are cached.
LONG_ABSENCE = dt.timedelta(days=1)
_MODELS_BY_NAME = {str(model._meta.model_name): model for model in FOLLOWED_MODELS}


class BadCursor(ValueError):
    """A cursor that was never part of a response."""


@dataclass(frozen=True)
class PublicChange:
    """The addition, change or withdrawal of a record.

    ``noun`` is the model's name, ``key`` the slug (for a source its key), ``url`` the record's
    path in the active language, ``moment`` when it was last written or withdrawn.
    """

    noun: str
    key: str
    url: str
    what: Literal["added", "changed", "withdrawn"]
    moment: dt.datetime


class _Position(NamedTuple):
    """A position in the log: ordered by time, then by model name and id."""

    moment: dt.datetime
    noun: str
    number: int


def get_changes_since(cursor: str, limit: int) -> tuple[list[PublicChange], str]:
    """Return up to ``limit`` changes after a cursor, oldest first, and the next cursor.

    The empty cursor is the beginning. If the cursor comes back unchanged, nothing is new. Raises
    BadCursor. A record added since the cursor is "added" even if it was changed afterwards; one
    that was added and withdrawn since then is left out. A record written again between two calls
    is returned again. So both "added" and "changed" mean: take the record as it is now.
    """
    after = _parse_cursor(cursor)
    with use_primary():  # a replica does not know which transactions are still open
        return _read_changes(cursor, after, limit)


def _read_changes(
    cursor: str, after: _Position | None, limit: int
) -> tuple[list[PublicChange], str]:
    found: list[PublicChange] = []
    places = iter(_changed_positions(after))
    while len(found) < limit and (some := list(islice(places, limit - len(found)))):
        told = _changes(some, after)
        found += told.values()
        cursor = _format_cursor(max(told)) if told else cursor
    return found, cursor


def _parse_cursor(cursor: str) -> _Position | None:
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
        moment, noun, number = text.split(" ")
        place = _Position(dt.datetime.fromisoformat(moment), noun, int(number))
        place.moment.astimezone(dt.UTC)  # raises OverflowError at either end of the calendar
    except (ValueError, OverflowError, binascii.Error) as error:
        raise BadCursor(cursor[:80]) from error
    if noun not in _MODELS_BY_NAME or timezone.is_naive(place.moment):
        raise BadCursor(cursor[:80])
    return place


def _format_cursor(place: _Position) -> str:
    text = f"{place.moment.astimezone(dt.UTC).isoformat()} {place.noun} {place.number}"
    return base64.b64encode(text.encode(), altchars=b"-_").decode()


def _changed_positions(after: _Position | None) -> list[_Position]:
    """Return, in order, the position of each record that changed for readers after a position.

    A public record is at its last write, any other at the time when it ceased to be public.
    One query per kind of part, and at most five per model for records that are not public.
    """
    settled = _stable_before()
    places = []
    for noun, model in _MODELS_BY_NAME.items():
        written = _write_times(model, None if after is None else after.moment, settled)
        if not written:
            continue
        shown = model.objects.published().order_by().values_list("pk", flat=True)
        hidden = written.keys() - set(shown)
        places += [_Position(m, noun, n) for n, m in written.items() if n not in hidden]
        if hidden and after is not None:
            past = VisibilityHistory.read(model, hidden)
            places += [
                _Position(m, noun, n)
                for n in hidden
                if (m := past.last_unpublished_at(n, after.moment))
            ]
    return sorted(place for place in places if after is None or place > after)


def _write_times(
    model: Any, since: dt.datetime | None, until: dt.datetime
) -> dict[int, dt.datetime]:
    """Return, by id, when the records of a model written in this period were last written.

    A client far behind reads page after page, and each page needs nearly all records. In that
    case, all write times are read once per version of the content.
    """
    key = ("written", str(model._meta.model_name))
    is_long = since is None or since < next_history_timestamp() - LONG_ABSENCE
    if is_long:
        every = while_unchanged(key, lambda: last_modified_map(model, public=True))
    elif (every := remembered(key)) is None:
        window = Q(history_date__gte=since, history_date__lt=until)
        return last_modified_map(model, window, public=True)
    return {n: m for n, m in every.items() if m < until and (since is None or m >= since)}


def _stable_before() -> dt.datetime:
    """Return the time before which no open transaction can still write a version.

    A version gets its timestamp when it is made, and becomes visible when its transaction ends.
    SQLite has one writer at a time, whose timestamps come after all visible ones. PostgreSQL has
    many writers. There, the oldest client transaction that has written, or is so young that it may
    not have begun to, delays the log. The server's own transactions, such as autovacuum, write no
    versions.
    """
    now = next_history_timestamp() + MIN_STEP
    if connection.vendor != "postgresql":
        return now
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            " AND (backend_xid IS NOT NULL OR xact_start > clock_timestamp() - interval '5 s')"
        )
        (oldest,) = cursor.fetchone()
    return min(oldest, now) if oldest else now


def _changes(places: Iterable[_Position], after: _Position | None) -> dict[_Position, PublicChange]:
    """Return, by position and in order, the public changes at these positions."""
    found = {}
    by_noun: dict[str, dict[int, dt.datetime]] = {}
    for place in places:
        by_noun.setdefault(place.noun, {})[place.number] = place.moment
    for noun, moments in by_noun.items():
        model = _MODELS_BY_NAME[noun]
        public = model.objects.published().in_bulk(list(moments))
        past = VisibilityHistory.read(model, list(moments)) if after is not None else None
        for number, moment in moments.items():
            before = ""
            if past is not None and after is not None:
                # A change at the cursor's own time but after its position was not reported yet.
                before = past.public_key(number, after.moment, with_it=moment > after.moment)
            if record := public.get(number):
                key = getattr(record, url_field(model))
                what: Any = "changed" if before else "added"
            elif before:
                key, what = before, "withdrawn"
            else:
                continue
            url = record_path(model, key)
            found[_Position(moment, noun, number)] = PublicChange(noun, key, url, what, moment)
    return {place: found[place] for place in sorted(found)}


def record_path(model: type[Model], key: str) -> str:
    """Return the path, in the active language, of a record's page, past or present."""
    name = f"allies:{model._meta.model_name}-detail"
    return reverse(name, kwargs={url_field(model): key})
