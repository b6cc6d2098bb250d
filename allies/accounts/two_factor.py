"""The second step of signing in: a code from an app (TOTP, RFC 6238), or a recovery code.

Codes, their throttling and what is kept of them are django-otp's; both kinds are devices to it.
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

#: How many recovery codes are made at once; each is good for one time.
RECOVERY_CODE_COUNT = 10


def get_totp_device(user: "AnyUser") -> TOTPDevice | None:
    """Return the app a user set up, as a device; None where there is none."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def is_required_but_missing(request: HttpRequest) -> bool:
    """Say whether somebody has yet to take the second step, or to set it up where it is asked."""
    user: Any = request.user
    if user.is_verified():
        return False
    return settings.REQUIRE_2FA or get_totp_device(user) is not None


def start_setup(user: "AnyUser") -> TOTPDevice:
    """Return the app a user is setting up: one and the same until a code from it was given."""
    return TOTPDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": "app", "tolerance": 1}
    )[0]


def cancel_setup(user: "AnyUser") -> None:
    """Forget the app a user was setting up; the next one gets a key of its own."""
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()


def confirm_setup(user: "AnyUser", code: str) -> Any:
    """Set the second step up, if the code is from the app that was begun; return that, or None."""
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
    """Return the device whose code this is; None where it is nobody's or too many were tried."""
    with transaction.atomic():
        for device in devices_for_user(user, for_verify=True):
            if device.verify_token(
                _hash_recovery_code(user, code) if _is_recovery(device) else code
            ):
                return device
    return None


def new_recovery_codes(user: "AnyUser") -> list[str]:
    """Make recovery codes and return them: the only time they are told. The old ones end."""
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
    """Return what is kept of a recovery code: who reads the table without our secret has none."""
    digest = salted_hmac("allies.signing_in.recovery", f"{user.pk} {code}", algorithm="sha256")
    return digest.hexdigest()[: StaticToken._meta.get_field("token").max_length]


def count_recovery_codes(user: "AnyUser") -> int:
    return StaticToken.objects.filter(device__user=user).count()


def disable(user: "AnyUser") -> None:
    """Take the second step away, with its recovery codes."""
    with transaction.atomic():
        for device in (TOTPDevice, StaticDevice):
            device.objects.filter(user=user).delete()
