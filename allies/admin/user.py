"""Accounts: Django's own, with an end to what somebody lost or should have no more."""

from typing import Any

from axes.admin import AccessAttemptAdmin
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from allies.admin.form import OnlyReadMixin
from allies.models import RightsChange
from allies.signing_in import second_step
from allies.signing_in.sessions import end_all

User = get_user_model()

#: Everybody sets their own up at their own page; keys are nobody's to read here.
admin.site.unregister([TOTPDevice, StaticDevice, User])

# Its own action asks the request for what only a request to sign in has.
AccessAttemptAdmin.actions = ()


@admin.register(User)
class AccountAdmin(UserAdmin[Any]):
    actions = ("end_sessions", "take_second_step_away")
    #: What makes an account more than it was: only a superuser gives it.
    powers = ("is_superuser", "is_staff", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *self.powers)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and self._may_touch(request, obj)

    @staticmethod
    def _may_touch(request: HttpRequest, account: Any) -> bool:
        """Say whether an account is the user's to change: a superuser's is superusers' alone."""
        return bool(account is None or request.user.is_superuser or not account.is_superuser)

    def _theirs(self, request: HttpRequest, accounts: Any) -> Any:
        return accounts if request.user.is_superuser else accounts.filter(is_superuser=False)

    @admin.action(description=_("Sign these accounts out everywhere"), permissions=["change"])
    def end_sessions(self, request: HttpRequest, accounts: Any) -> None:
        number = sum(end_all(account) for account in self._theirs(request, accounts))
        said = ngettext("%d session has ended.", "%d sessions have ended.", number) % number
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(
        description=_("Take the second step away (app and recovery codes are lost)"),
        permissions=["change"],
    )
    def take_second_step_away(self, request: HttpRequest, accounts: Any) -> None:
        for account in self._theirs(request, accounts):
            second_step.forget(account)
            end_all(account)
        said = _("They sign in with their password alone now, until they set a second step up.")
        self.message_user(request, said, messages.SUCCESS)


@admin.register(RightsChange)
class RightsChangeAdmin(OnlyReadMixin):
    list_display = ("at", "by", "whom", "what", "given")
    list_filter = ("given", "at")
    search_fields = ("whom", "what", "by__username")
    list_select_related = ("by",)
