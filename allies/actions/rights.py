"""Who may do what: the one place that answers, for forms, buttons, actions and imports alike."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from allies.models import Publishable, Record


def may_publish(*, user: AbstractBaseUser | AnonymousUser, record: Publishable) -> bool:
    """Say whether the user may publish this record, withdraw it, or change it while public."""
    return user.has_perm(record.publish_permission())  # type: ignore[union-attr]


def may_change(*, user: AbstractBaseUser | AnonymousUser, record: Record) -> bool:
    """Say whether what the user writes here may stand as the record is now.

    What readers see, directly or as part of a published record, is changed only by those who
    may publish it; whether the user may change such records at all is the admin's to ask.
    """
    governing = record.governed_by
    if governing is None or not governing.is_published:
        return True
    return may_publish(user=user, record=governing)
