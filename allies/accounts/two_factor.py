"""Two-factor authentication: a code from an app (TOTP, RFC 6238), or a recovery code.

django-otp checks, throttles and stores the codes. It calls both kinds devices.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

if TYPE_CHECKING:
    from allies.actions.permissions import AnyUser

#: How many recovery codes are created at once. Each works once.
RECOVERY_CODE_COUNT = 10


def get_totp_device(user: "AnyUser") -> TOTPDevice | None:
    """Return the device of the app that a user set up; None if there is none."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def is_required_but_missing(request: HttpRequest) -> bool:
    """Return whether the user must still enter a code, or set up two-factor authentication."""
    user: Any = request.user
    if user.is_verified():
        return False
    return settings.REQUIRE_2FA or get_totp_device(user) is not None


def start_setup(user: "AnyUser") -> TOTPDevice:
    """Return the device of an unconfirmed setup; it stays the same until the user enters a code."""
    return TOTPDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": "app", "tolerance": 1}
    )[0]


def cancel_setup(user: "AnyUser") -> None:
    """Delete an unconfirmed setup; the next one gets a new key."""
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()


def confirm_setup(user: "AnyUser", code: str) -> Any:
    """Confirm the setup if the code is from its app; return the device, or None."""
    with transaction.atomic():
        app = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
        if app is None or get_totp_device(user) or not app.verify_is_allowed()[0]:
            return None
        if not app.verify_token(code):
            return None
        app.confirmed = True
        app.save(update_fields=["confirmed"])
    return app


def verify_code(user: "AnyUser", code: str) -> Any:
    """Return the device that a code belongs to; None if it is wrong or throttled."""
    with transaction.atomic():
        for device in devices_for_user(user, for_verify=True):
            if device.verify_token(
                _hash_recovery_code(user, code) if _is_recovery(device) else code
            ):
                return device
    return None


def new_recovery_codes(user: "AnyUser") -> list[str]:
    """Create and return recovery codes; they are shown only now. Old ones stop working."""
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery")
        codes = [StaticToken.random_token() for _number in range(RECOVERY_CODE_COUNT)]
        StaticToken.objects.bulk_create(
            StaticToken(device=device, token=_hash_recovery_code(user, code)) for code in codes
        )
    return codes


def _is_recovery(device: object) -> bool:
    return isinstance(device, StaticDevice)


def _hash_recovery_code(user: "AnyUser", code: str) -> str:
    """Return the keyed hash of a recovery code; the table is useless without SECRET_KEY."""
    digest = salted_hmac("allies.signing_in.recovery", f"{user.pk} {code}", algorithm="sha256")
    return digest.hexdigest()[: StaticToken._meta.get_field("token").max_length]


def count_recovery_codes(user: "AnyUser") -> int:
    return StaticToken.objects.filter(device__user=user).count()


def disable(user: "AnyUser") -> None:
    """Turn off two-factor authentication, and delete the recovery codes."""
    with transaction.atomic():
        for device in (TOTPDevice, StaticDevice):
            device.objects.filter(user=user).delete()
