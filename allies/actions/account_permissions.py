"""Which accounts and groups a user may manage.

Users cannot grant a permission that they lack, or take over an account or group with more
permissions than they have. Superusers have all permissions.
"""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group, Permission, User
from django.db.models import Q, QuerySet

from allies.actions.permissions import AnyUser


def get_held_permissions(user: AnyUser) -> QuerySet[Permission]:
    """Return the permissions of a user, direct or through a group."""
    if not user.is_active:
        return Permission.objects.none()
    if user.is_superuser:
        return Permission.objects.all()
    direct, by_group = Q(user=user.pk), Q(group__user=user.pk)
    held = Permission.objects.filter(direct | by_group).values("pk")
    return Permission.objects.filter(pk__in=held)


def get_manageable_groups(user: AnyUser) -> QuerySet[Group]:
    """Return the groups that have only permissions which the user has."""
    return Group.objects.exclude(permissions__in=_not_held(user))


def get_manageable_accounts(user: AnyUser) -> QuerySet[AbstractUser]:
    """Return the accounts, active or not, that have only permissions which the user has."""
    accounts: QuerySet[User] = get_user_model()._default_manager.all()
    if user.is_active and user.is_superuser:
        return accounts
    if not user.is_staff:
        accounts = accounts.filter(is_staff=False)
    not_held = _not_held(user)
    return (
        accounts.filter(is_superuser=False)
        .exclude(user_permissions__in=not_held)
        .exclude(groups__permissions__in=not_held)
    )


def _not_held(user: AnyUser) -> QuerySet[Permission]:
    return Permission.objects.exclude(pk__in=get_held_permissions(user).values("pk"))
