"""Give every version its changeset and its timestamp when it is written."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection, models
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone
from simple_history.models import HistoricalRecords
from simple_history.signals import pre_create_historical_record

from allies.history.clock import next_history_timestamp
from allies.models.base import Record
from allies.models.changeset import Changeset, ChangesetState
from allies.models.registry import foreign_keys_to

_current_changeset: ContextVar[Changeset | None] = ContextVar("changeset", default=None)

_write_counts = {"+": "created", "~": "updated", "-": "deleted"}


@contextmanager
def changeset_context(changeset: Changeset) -> Iterator[Changeset]:
    """Assign every version written in the block to this changeset, with author, time and reason.

    The first version applies the changeset. A changeset without any version is not saved. At the
    end, only the counts and the merge effects of a saved changeset are updated. Use it inside
    a transaction.
    """
    before = _current_changeset.set(changeset)
    try:
        yield changeset
    finally:
        _current_changeset.reset(before)
    if changeset.state == ChangesetState.APPLIED:
        changeset.save(update_fields=["counts", "merge_effects"])


@receiver(pre_create_historical_record)
def set_history_changeset(
    sender: object, instance: models.Model, history_instance: Any, **kwargs: object
) -> None:
    if getattr(instance, "_history_date", None) is None:
        history_instance.history_date = next_history_timestamp()
    changeset = _current_changeset.get()
    if changeset is None:
        return
    _count_write(changeset, type(instance), _write_counts[history_instance.history_type], 1)
    history_instance.changeset = changeset
    if not history_instance.history_change_reason:
        history_instance.history_change_reason = changeset.reason or None


def _count_write(changeset: Changeset, model: type[models.Model], what: str, number: int) -> None:
    """Count records written under a changeset; the first write applies it."""
    if changeset.state != ChangesetState.APPLIED:
        applied = {"state": ChangesetState.APPLIED, "applied_at": timezone.now()}
        if changeset.pk is None:
            for name, value in applied.items():
                setattr(changeset, name, value)
            changeset.save()
        else:  # a proposal; fails if it was decided in the meantime
            changeset.compare_and_set(**applied)
    counts = changeset.counts.setdefault(str(model._meta.model_name), {})
    counts[what] = counts.get(what, 0) + number


@receiver(pre_delete)
def clear_links_to_deleted(sender: Any, instance: models.Model, **kwargs: object) -> None:
    """Clear every link to a deleted record, and write a version of each record that had one.

    Django clears the links too, but writes no version. Then no history would show it, and undoing
    the deletion would not restore the links. At most five queries per relation.
    """
    if not issubclass(sender, Record):
        return
    for model, field in foreign_keys_to(sender):
        if field.remote_field.on_delete is not models.SET_NULL:
            continue
        # Lock the record: a concurrent write of such a link waits, and is refused afterwards.
        sender._default_manager.select_for_update(of=("self",)).filter(pk=instance.pk).first()
        linked = model._default_manager.filter(**{field.name: instance.pk})
        number = len(linked.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
        if not number:
            continue
        changeset, now = _current_changeset.get(), next_history_timestamp()
        if changeset is not None:
            _count_write(changeset, model, "updated", number)
        column = connection.ops.quote_name(field.column)
        insert_history_rows(
            model,
            "~",
            changeset,
            now,
            f"{column} = %s",
            [instance.pk],
            user_id=_writer_id(instance, changeset),
            instead={field.column: None, "updated_at": database_timestamp(now)},
        )
        linked.update(**{field.name: None, "updated_at": now})


def _writer_id(instance: models.Model, changeset: Changeset | None) -> int | None:
    """Return the id of the user who writes a record, as its own version records it."""
    user = getattr(instance, "_history_user", None)
    if user is None:
        user = getattr(getattr(HistoricalRecords.context, "request", None), "user", None)
    if user is not None and user.pk is not None:
        return int(user.pk)
    return changeset.created_by_id if changeset is not None else None


def insert_history_rows(
    model: Any,
    kind: str,
    changeset: Changeset | None,
    now: dt.datetime,
    where: str,
    params: Sequence[Any],
    *,
    user_id: int | None = None,
    instead: Mapping[str, Any] | None = None,
) -> None:
    """Write a version of every record that matches the SQL condition ``where``.

    ``kind`` is ``+``, ``~`` or ``-``. ``instead`` maps columns to values that the versions get
    instead of the records' own. ``user_id`` defaults to the changeset's author.
    """
    quote = connection.ops.quote_name
    history = model.history.model._meta
    table = quote(model._meta.db_table)
    instead = instead or {}
    fields = [field.column for field in model._meta.concrete_fields]
    values = ["%s" if column in instead else quote(column) for column in fields]
    if user_id is None and changeset is not None:
        user_id = changeset.created_by_id
    own = {
        "history_date": database_timestamp(now),
        "history_type": kind,
        "history_user_id": user_id,
        "changeset_id": changeset.pk if changeset is not None else None,
    }
    columns = ", ".join(map(quote, [*fields, *own]))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(history.db_table)} ({columns}) "
            f"SELECT {', '.join(values)}, %s, %s, %s, %s FROM {table} WHERE {where}",
            [*(instead[c] for c in fields if c in instead), *own.values(), *params],
        )


def database_timestamp(now: dt.datetime) -> str | None:
    """Return a time in the format that the database stores."""
    return connection.ops.adapt_datetimefield_value(now)
