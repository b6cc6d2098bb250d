"""Accounts: Django's own, with an end to what somebody lost or should have no more."""

from typing import Any

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


@admin.register(User)
class AccountAdmin(UserAdmin[Any]):
    actions = ("end_sessions", "take_second_step_away")

    @admin.action(description=_("Sign these accounts out everywhere"), permissions=["change"])
    def end_sessions(self, request: HttpRequest, accounts: Any) -> None:
        number = sum(end_all(account) for account in accounts)
        said = ngettext("%d session has ended.", "%d sessions have ended.", number) % number
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(
        description=_("Take the second step away (app and recovery codes are lost)"),
        permissions=["change"],
    )
    def take_second_step_away(self, request: HttpRequest, accounts: Any) -> None:
        for account in accounts:
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
