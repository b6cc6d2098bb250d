"""Who may do what: the one place that answers, for forms, buttons, actions and imports alike."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Model

from allies.models import Publishable, Record

Person = AbstractUser | AnonymousUser


def may(*, user: Person, action: str, record: Model | type[Model]) -> bool:
    """Say whether the user has a right (``change``, ``publish``, ``import`` …) for such records.

    An account that may no longer enter the admin has none, whatever it asked for before.
    """
    options = record._meta
    permission = f"{options.app_label}.{action}_{options.model_name}"
    return user.is_staff and user.has_perm(permission)


def reload_user(user: Person) -> Person:
    """Return the account as it is stored now, with no permissions cached.

    Jobs ask with it right before they write. A deleted account has no permissions.
    """
    accounts = get_user_model()._default_manager
    return accounts.filter(pk=user.pk or 0).first() or AnonymousUser()


def may_publish(*, user: Person, record: Publishable) -> bool:
    """Say whether the user may publish this record, withdraw it, or change it while public."""
    return may(user=user, action="publish", record=record)


def may_write(*, user: Person, record: Record) -> bool:
    """Say whether the user may change such records, and this one as it stands now."""
    return may(user=user, action="change", record=record) and may_change(user=user, record=record)


def may_change(*, user: Person, record: Record) -> bool:
    """Say whether what the user writes here may stand as the record is now.

    What readers see, directly or as part of a published record, is changed only by those who
    may publish it; whether the user may change such records at all is the admin's to ask.
    """
    governing = record.governed_by
    if governing is None or not governing.is_published:
        return True
    return may_publish(user=user, record=governing)
