"""Writes down every right that is given or taken by form, command or shell.

What is written past the models, as by ``update()``, says nothing of itself, and is not noticed.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver
from simple_history.models import HistoricalRecords

from allies.models import RightsChange

User: Any = get_user_model()

#: What an account may be by itself.
FLAGS = ("is_active", "is_staff", "is_superuser")
#: Where an account keeps what it was when it was last read for this.
_BEFORE = "_rights_before"


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


@receiver(pre_save, sender=User)
def _remember(instance: Any, raw: bool = False, **_signal: Any) -> None:
    stored = None if raw else type(instance).objects.filter(pk=instance.pk).values(*FLAGS).first()
    setattr(instance, _BEFORE, stored or dict.fromkeys(FLAGS, False))


@receiver(post_save, sender=User)
def _flags(instance: Any, raw: bool = False, **_signal: Any) -> None:
    if raw:
        return  # from a dump, which has this record in it
    before = getattr(instance, _BEFORE)
    for given in (True, False):
        names = [flag for flag in FLAGS if getattr(instance, flag) is given != before[flag]]
        _write(instance, names, given=given)


@receiver(post_delete, sender=User)
@receiver(post_delete, sender=Group)
def _gone(instance: Any, **_signal: Any) -> None:
    _write(instance, ["account" if isinstance(instance, User) else "group"], given=False)


@receiver(pre_delete, sender=Group)
def _group_goes(instance: Any, **_signal: Any) -> None:
    """A group that goes takes its rights from its members, without a word of theirs."""
    for user in instance.user_set.all():
        _write(user, [_named(instance)], given=False)


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def _linked(
    sender: Any,
    action: str,
    instance: Any,
    reverse: bool,
    model: Any,
    pk_set: Any,
    **_signal: Any,
) -> None:
    """``instance`` was given, or lost, the records of ``model``; where ``reverse``, it to these."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if action == "pre_clear":  # of which the signal does not say what is about to go
        links = sender.objects.filter(**{instance._meta.model_name: instance})
        pk_set = links.values(model._meta.model_name)
    for other in model.objects.filter(pk__in=pk_set):
        whom, what = (other, instance) if reverse else (instance, other)
        _write(whom, [_named(what)], given=action == "post_add")


def _named(what: Any) -> str:
    """Return a group's name, or a right by the name code knows it by, in no language."""
    if isinstance(what, Group):
        return str(what)
    return f"{what.content_type.app_label}.{what.codename}"
