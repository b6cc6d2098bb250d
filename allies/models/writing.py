"""Under which changeset, and when, something is written: every version says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from simple_history.signals import pre_create_historical_record

from allies.models.changeset import Changeset, ChangesetState
from allies.models.clock import moment_of_writing

_CURRENT: ContextVar[Changeset | None] = ContextVar("changeset", default=None)

_COUNTED = {"+": "created", "~": "updated", "-": "deleted"}


@contextmanager
def written_under(changeset: Changeset) -> Iterator[Changeset]:
    """Put every version written inside under this changeset, who, when and why with it.

    The changeset is applied with the first version; one under which nothing was written is not
    saved. Of one that is saved, only its counts and layout are written at the end. Use it inside a
    transaction.
    """
    before = _CURRENT.set(changeset)
    try:
        yield changeset
    finally:
        _CURRENT.reset(before)
    if changeset.state == ChangesetState.APPLIED:
        changeset.save(update_fields=["counts", "layout"])


@receiver(pre_create_historical_record)
def stamp(sender: Any, instance: Any, history_instance: Any, **kwargs: Any) -> None:
    if getattr(instance, "_history_date", None) is None:
        history_instance.history_date = moment_of_writing()
    changeset = _CURRENT.get()
    if changeset is None:
        return
    if changeset.state != ChangesetState.APPLIED:
        applied = {"state": ChangesetState.APPLIED, "applied_at": timezone.now()}
        if changeset.pk is None:
            for name, value in applied.items():
                setattr(changeset, name, value)
            changeset.save()
        else:  # a proposal, while nobody decided otherwise
            changeset.write(**applied)
    history_instance.changeset = changeset
    if not history_instance.history_change_reason:
        history_instance.history_change_reason = changeset.reason or None
    counts = changeset.counts.setdefault(str(instance._meta.model_name), {})
    what = _COUNTED[history_instance.history_type]
    counts[what] = counts.get(what, 0) + 1
