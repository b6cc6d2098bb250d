"""Writes down every right that is given or taken, whichever way: form, command, shell."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from simple_history.models import HistoricalRecords

from allies.models import RightsChange

#: What an account may be by itself.
FLAGS = ("is_active", "is_staff", "is_superuser")
#: Where an account keeps what it was when it was last read for this.
_BEFORE = "_rights_before"


def connect() -> None:
    """Listen to what gives rights."""
    user = get_user_model()
    pre_save.connect(_remember, sender=user)
    post_save.connect(_flags, sender=user)
    post_delete.connect(_gone, sender=user)
    post_delete.connect(_gone, sender=Group)
    for through in (user.groups.through, user.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(_linked, sender=through)


def _write(whom: Any, what: Iterable[str], *, given: bool) -> None:
    request = getattr(HistoricalRecords.context, "request", None)
    by = getattr(request, "user", None)
    RightsChange.objects.bulk_create(
        RightsChange(
            by=by if by is not None and by.is_authenticated else None,
            whom=str(whom)[:200],
            what=one[:300],
            given=given,
        )
        for one in what
    )


def _remember(instance: Any, raw: bool = False, **_signal: Any) -> None:
    stored = None if raw else type(instance).objects.filter(pk=instance.pk).values(*FLAGS).first()
    setattr(instance, _BEFORE, stored or dict.fromkeys(FLAGS, False))


def _flags(instance: Any, raw: bool = False, **_signal: Any) -> None:
    if raw:
        return  # from a dump, which has this record in it
    before = getattr(instance, _BEFORE)
    for given in (True, False):
        names = [flag for flag in FLAGS if getattr(instance, flag) is given != before[flag]]
        _write(instance, names, given=given)


def _gone(instance: Any, **_signal: Any) -> None:
    _write(
        instance, ["account" if isinstance(instance, get_user_model()) else "group"], given=False
    )


def _linked(
    action: str, instance: Any, reverse: bool, model: Any, pk_set: Any, **_signal: Any
) -> None:
    """``instance`` was given, or lost, the records of ``model``; where ``reverse``, it to these."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if action == "pre_clear":
        others: Any = _linked_now(instance, reverse, model)
    else:
        others = model.objects.filter(pk__in=pk_set)
    given = action == "post_add"
    for other in others:
        whom, what = (other, instance) if reverse else (instance, other)
        _write(whom, [_named(what)], given=given)


def _named(what: Any) -> str:
    """Return a group's name, or a right by the name code knows it by, in no language."""
    if isinstance(what, Group):
        return str(what)
    return f"{what.content_type.app_label}.{what.codename}"


def _linked_now(instance: Any, reverse: bool, model: Any) -> Iterable[Any]:
    """Return what is about to be cleared; which of an account's lists, only the model tells."""
    names = {
        (False, "Group"): "groups",
        (False, "Permission"): "permissions" if isinstance(instance, Group) else "user_permissions",
        (True, "User"): "user_set",
        (True, "Group"): "group_set",
    }
    return list(getattr(instance, names[reverse, model.__name__]).all())
