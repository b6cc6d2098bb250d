"""Log every change to accounts, permissions and sign-in methods.

Signals catch changes by forms, commands and the shell. Writes that send no signals, such as
``update()``, are not logged.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher, is_password_usable
from django.contrib.auth.models import Group
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from simple_history.models import HistoricalRecords

from allies.models import RightsChange

User: Any = get_user_model()

#: The flags of an account.
FLAGS = ("is_active", "is_staff", "is_superuser")

#: (what, given) → label, for all changes but groups and permissions granted or removed.
EVENT_LABELS = {
    ("account", True): gettext_lazy("Account created"),
    ("account", False): gettext_lazy("Account deleted"),
    ("group", True): gettext_lazy("Group created"),
    ("group", False): gettext_lazy("Group deleted"),
    ("is_active", True): gettext_lazy("Account activated"),
    ("is_active", False): gettext_lazy("Account deactivated"),
    ("is_staff", True): gettext_lazy("Access to the newsroom granted"),
    ("is_staff", False): gettext_lazy("Access to the newsroom removed"),
    ("is_superuser", True): gettext_lazy("Made a superuser"),
    ("is_superuser", False): gettext_lazy("No longer a superuser"),
    ("password", True): gettext_lazy("Password set"),
    ("password", False): gettext_lazy("Password removed"),
    ("second_factor", True): gettext_lazy("Two-factor authentication set up"),
    ("second_factor", False): gettext_lazy("Two-factor authentication removed"),
    ("recovery_codes", True): gettext_lazy("Recovery codes created"),
    ("sessions", False): gettext_lazy("Sessions ended"),
}

#: Prefix of ``what`` if an account or group was renamed; the old name follows.
_RENAMED = "renamed: "

#: Attribute of an instance with the values stored before it is saved.
_previous_values = "_rights_before"


def log_permission_change(
    whom: object, what: Iterable[str], *, given: bool, kind: str = RightsChange.ACCOUNT
) -> None:
    """Log changes made by the user of the current request, or by a command (no user)."""
    request = getattr(HistoricalRecords.context, "request", None)
    user = getattr(request, "user", None)
    by = user if user is not None and user.is_authenticated else None
    # A user who deletes their own account no longer exists.
    by_id = by.pk if by is not None and User.objects.filter(pk=by.pk).exists() else None
    RightsChange.objects.bulk_create(
        RightsChange(
            by_id=by_id,
            by_name=str(by)[:200] if by is not None else "",
            whom=str(whom)[:200],
            kind=kind,
            what=one[:300],
            given=given,
        )
        for one in what
    )


def describe_change(change: RightsChange) -> str:
    """Return what happened, in the current language."""
    if change.kind == RightsChange.ACCOUNT:
        if change.what.startswith(_RENAMED):
            return _("Renamed from “%(name)s”") % {"name": change.what.removeprefix(_RENAMED)}
        return str(EVENT_LABELS.get((change.what, change.given), change.what))
    said = _("Granted: %(right)s") if change.given else _("Removed: %(right)s")
    return said % {"right": change.what}


# Accounts and groups.


@receiver(pre_save, sender=User)
@receiver(pre_save, sender=Group)
def _remember_before(sender: Any, instance: Model, raw: bool = False, **_signal: object) -> None:
    if not raw:  # not a fixture, which contains the log entries too
        names = (*FLAGS, "password", "username") if sender is User else ("name",)
        stored = sender._default_manager.filter(pk=instance.pk).values(*names).first()
        setattr(instance, _previous_values, stored)


@receiver(post_save, sender=User)
@receiver(post_save, sender=Group)
def _on_saved(
    sender: object, instance: Any, raw: bool = False, update_fields: Any = None, **_signal: object
) -> None:
    if raw:
        return
    before, is_account = getattr(instance, _previous_values), sender is User
    name = "username" if is_account else "name"
    changes: list[tuple[str, bool]] = []
    if before is None:
        changes.append(("account" if is_account else "group", True))
        before = {**dict.fromkeys(FLAGS, False), name: getattr(instance, name)}
    saved = before.keys() if update_fields is None else before.keys() & set(update_fields)
    if name in saved and getattr(instance, name) != before[name]:
        changes.append((f"{_RENAMED}{before[name]}", True))
    changes += [
        (flag, getattr(instance, flag))
        for flag in FLAGS
        if is_account and flag in saved and getattr(instance, flag) != before[flag]
    ]
    if "password" in saved and _is_new_password(instance, before["password"]):
        changes.append(("password", is_password_usable(instance.password)))
    for what, given in changes:
        log_permission_change(instance, [what], given=given)


def _is_new_password(account: Any, before: str) -> bool:
    """Return whether somebody set a password; Django also rehashes old ones on its own."""
    if account.password == before:
        return False
    if account._password is not None or not is_password_usable(account.password):
        return True
    try:
        old = identify_hasher(before)
    except ValueError:  # there was no password
        return True
    preferred = get_hasher()
    return old.algorithm == preferred.algorithm and not preferred.must_update(before)


@receiver(post_delete, sender=User)
@receiver(post_delete, sender=Group)
def _on_deleted(instance: Model, **_signal: object) -> None:
    log_permission_change(
        instance, ["account" if isinstance(instance, User) else "group"], given=False
    )


@receiver(pre_delete, sender=Group)
def _log_group_members(instance: Any, **_signal: object) -> None:
    """Log that the members of a deleted group lose its permissions."""
    for user in instance.user_set.all():
        log_permission_change(user, [_object_name(instance)], given=False, kind=RightsChange.RIGHT)


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def _on_m2m_changed(
    sender: Any,
    action: str,
    instance: Any,
    reverse: bool,
    model: Any,
    pk_set: object,
    **_signal: object,
) -> None:
    """Log added and removed relations; if ``reverse``, ``instance`` is the permission or group."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if action == "pre_clear":  # the signal does not say which records will be removed
        links = sender.objects.filter(**{instance._meta.model_name: instance})
        pk_set = links.values(model._meta.model_name)
    for other in model.objects.filter(pk__in=pk_set):
        whom, what = (other, instance) if reverse else (instance, other)
        given = action == "post_add"
        log_permission_change(whom, [_object_name(what)], given=given, kind=RightsChange.RIGHT)


def _object_name(what: Any) -> str:
    """Return the name of a group, or the code name of a permission, which needs no translation."""
    if isinstance(what, Group):
        return str(what)
    return f"{what.content_type.app_label}.{what.codename}"


# Two-factor authentication. A setup that was never confirmed does not count.


@receiver(pre_save, sender=TOTPDevice)
def _remember_device(instance: Model, raw: bool = False, **_signal: object) -> None:
    stored = TOTPDevice.objects.filter(pk=instance.pk, confirmed=True)
    setattr(instance, _previous_values, raw or stored.exists())


@receiver(post_save, sender=TOTPDevice)
def _on_device_saved(instance: Any, **_signal: object) -> None:
    if instance.confirmed and not getattr(instance, _previous_values):
        log_permission_change(instance.user, ["second_factor"], given=True)


@receiver(post_delete, sender=TOTPDevice)
def _on_device_deleted(instance: Any, origin: object = None, **_signal: object) -> None:
    goes_with_account = getattr(origin, "model", type(origin)) is User
    if instance.confirmed and not goes_with_account:
        log_permission_change(instance.user, ["second_factor"], given=False)


@receiver(post_save, sender=StaticDevice)
def _on_codes_created(instance: Any, created: bool, raw: bool = False, **_signal: object) -> None:
    if created and not raw:
        log_permission_change(instance.user, ["recovery_codes"], given=True)
