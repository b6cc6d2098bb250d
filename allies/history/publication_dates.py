"""When records were first published, and when readers last saw them change."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import Min

from allies.history.public_rule import published_q
from allies.history.visibility import last_modified_map
from allies.models import Publishable, Record


class PublicationDates(NamedTuple):
    """The times of the first publication and of the last change that readers could see."""

    published: dt.datetime
    updated: dt.datetime


def publication_dates(records: Sequence[Publishable]) -> dict[int, PublicationDates]:
    """Return id → dates of published records of one model.

    The dates of a record without versions are those of its row. One query, and those of
    ``last_modified_map``; none without records.
    """
    if not records:
        return {}
    model: Any = type(records[0])
    ids = [record.pk for record in records]
    versions = model.history.model.objects.filter(published_q(model), id__in=ids)
    first = dict(versions.order_by().values_list("id").annotate(first=Min("history_date")))
    last = last_modified_map(model, ids=ids, public=True)
    dates = {}
    for record in records:
        published = first.get(record.pk, record.created_at)
        dates[record.pk] = PublicationDates(
            published, max(published, last.get(record.pk, record.updated_at))
        )
    return dates


def last_public_change(record: Record) -> dt.datetime:
    """Return when readers last saw a record or its parts change.

    The queries are those of ``last_modified_map``.
    """
    return last_modified_map(type(record), ids=[record.pk], public=True).get(
        record.pk, record.updated_at
    )
