"""Accounts and groups. Nobody can grant, or take over, permissions that they lack themselves."""

from typing import Any

from axes.admin import AccessAttemptAdmin
from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import AbstractUser, Group, Permission
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from allies.accounts import two_factor
from allies.accounts.permission_audit import describe_change
from allies.accounts.reauthentication import require_password
from allies.accounts.sessions import end_all_sessions
from allies.actions.account_permissions import (
    get_held_permissions,
    get_manageable_accounts,
    get_manageable_groups,
)
from allies.admin.mixins import ReadOnlyAdminMixin
from allies.models import RightsChange

User = get_user_model()

#: Users set up two-factor authentication on their own page. Nobody may read its keys here.
admin.site.unregister([TOTPDevice, StaticDevice, User, Group, AccessAttempt])


#: The groups that the site creates. Only their names are translated.
_GROUPS = (gettext_noop("Editors"), gettext_noop("Reviewers"), gettext_noop("Data managers"))


def group_name(name: str) -> str:
    """Return the name of a group in the user's language."""
    return gettext(name) if name in _GROUPS else name


class GroupFilter(admin.RelatedFieldListFilter):
    """Filter accounts by group, with the names of groups in the user's language."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        found = super().field_choices(field, request, model_admin)
        return [(value, group_name(str(label))) for value, label in found]


class HeldPermissionsMixin(admin.ModelAdmin):
    """Limits users to accounts and groups within their own permissions.

    They can grant only permissions and groups that they have. Every write asks for the password,
    unless it was entered in this session a short time ago. An account or password created in a
    stolen session would outlast the session.
    """

    def get_manageable(self, request: HttpRequest) -> QuerySet[AbstractUser]:
        """Return the accounts or groups that the user may change and delete."""
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Annotate ``is_manageable``, so that a list needs one query for all rows."""
        manageable = self.get_manageable(request).filter(pk=OuterRef("pk"))
        return super().get_queryset(request).annotate(is_manageable=Exists(manageable))

    def _may_manage(self, request: HttpRequest, obj: Model | None) -> bool:
        if obj is None:
            return True
        if hasattr(obj, "is_manageable"):
            return bool(obj.is_manageable)
        return bool(self.get_manageable(request).filter(pk=obj.pk).exists())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and self._may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and self._may_manage(request, obj)

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: object
    ) -> Any:
        """Offer and accept only permissions and groups that the user has."""
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        held: Any = {Permission: get_held_permissions, Group: get_manageable_groups}
        own = held[db_field.related_model](request.user)
        field.queryset = field.queryset.filter(pk__in=own.values("pk"))
        if db_field.related_model is Group:
            field.label_from_instance = lambda group: group_name(group.name)
        field.error_messages["invalid_choice"] = _(
            "You can grant only permissions that you have yourself."
        )
        return field

    def changeform_view(
        self, request: HttpRequest, *args: object, **kwargs: object
    ) -> HttpResponse:
        return require_password(super().changeform_view)(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return require_password(super().delete_view)(request, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, *args: object, **kwargs: object
    ) -> HttpResponse:
        return require_password(super().changelist_view)(request, *args, **kwargs)


@admin.register(Group)
class PermissionGroupAdmin(HeldPermissionsMixin, GroupAdmin):
    list_display = ("shown_name",)

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, group: Group) -> str:
        return group_name(group.name)

    def get_manageable(self, request: HttpRequest) -> Any:
        return get_manageable_groups(request.user)


@admin.register(User)
class AccountAdmin(HeldPermissionsMixin, UserAdmin[Any]):
    actions = ("end_sessions", "disable_two_factor")
    list_filter = ("is_staff", "is_superuser", "is_active", ("groups", GroupFilter))

    def get_manageable(self, request: HttpRequest) -> QuerySet[AbstractUser]:
        return get_manageable_accounts(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Set another user's password; for their own, users must enter the old one."""
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("admin:password_change")
        view = require_password(super().user_change_password, reads=True)
        return view(request, id, form_url)

    def add_view(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return require_password(super().add_view, reads=True)(request, *args, **kwargs)

    def _refuse(self, request: HttpRequest, accounts: Any) -> bool:
        """Report whether some accounts have permissions that the user lacks; if so, do nothing."""
        beyond = ", ".join(str(one) for one in accounts if not one.is_manageable)
        if beyond:
            said = _(
                "Nothing was changed. These accounts have permissions that you "
                "don’t have: %(names)s."
            )
            self.message_user(request, said % {"names": beyond}, messages.ERROR)
        return bool(beyond)

    @admin.action(description=_("Sign these accounts out on all devices"), permissions=["change"])
    def end_sessions(self, request: HttpRequest, accounts: QuerySet[AbstractUser]) -> None:
        if self._refuse(request, accounts):
            return
        number = sum(end_all_sessions(account) for account in accounts)
        said = ngettext("%d session ended.", "%d sessions ended.", number) % number
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(
        description=_("Turn off two-factor authentication (app and recovery codes stop working)"),
        permissions=["change"],
    )
    def disable_two_factor(self, request: HttpRequest, accounts: Any) -> None:
        if request.user in accounts:
            said = _(
                "Nothing was changed. To turn off your own two-factor "
                "authentication, go to “Account security”."
            )
            self.message_user(request, said, messages.ERROR)
            return
        if self._refuse(request, accounts):
            return
        with transaction.atomic():
            for account in accounts:
                two_factor.disable(account)
                end_all_sessions(account)
        done = _(
            "They now sign in with their password only, until they set up "
            "two-factor authentication again."
        )
        self.message_user(request, done, messages.SUCCESS)


@admin.register(AccessAttempt)
class FailedSignInAdmin(AccessAttemptAdmin):
    """Failed sign-ins. Deleting one lifts a lockout, so it needs rights over the account."""

    # The action of django-axes reads attributes that only a sign-in request has.
    actions = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        named = User._default_manager.filter(username=OuterRef("username"))
        beyond = named.exclude(pk__in=get_manageable_accounts(request.user).values("pk"))
        return super().get_queryset(request).annotate(is_beyond=Exists(beyond))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and not getattr(obj, "is_beyond", False)


@admin.register(RightsChange)
class RightsChangeAdmin(ReadOnlyAdminMixin):
    list_display = ("at", "shown_by", "whom", "happened")
    list_filter = ("given", "at")
    search_fields = ("whom", "what", "by_name")
    fields = ("at", "shown_by", "whom", "happened")
    readonly_fields = fields

    @admin.display(description=_("by"), ordering="by_name")
    def shown_by(self, change: RightsChange) -> str:
        return change.by_name or gettext("command line")

    @admin.display(description=_("what happened"), ordering="what")
    def happened(self, change: RightsChange) -> str:
        return describe_change(change)
