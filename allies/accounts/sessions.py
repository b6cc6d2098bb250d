"""Sessions of a user: listed, and ended by hand or when the account is deactivated."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.dateparse import parse_datetime

from allies.accounts.permission_audit import log_permission_change
from allies.http.client_ip import get_client_ip
from allies.models import PreviewLink

if TYPE_CHECKING:
    from allies.actions.permissions import AnyUser

#: Session key for the time, the address and the browser at sign-in.
LOGIN_INFO_KEY = "allies_began"


@dataclass(frozen=True)
class ActiveSession:
    """A session of a user. ``handle`` identifies it, but cannot be used to sign in."""

    handle: str
    since: dt.datetime | None
    address: str
    browser: str
    is_this: bool


@receiver(user_logged_in)
def store_login_info(request: HttpRequest, **_signal: Any) -> None:
    """Store in the session when, from which address and with which browser it started."""
    request.session[LOGIN_INFO_KEY] = {
        "since": timezone.now().isoformat(),
        "address": get_client_ip(request),
        "browser": request.headers.get("User-Agent", "")[:200],
    }


def list_sessions(user: "AnyUser", this: str | None = None) -> list[ActiveSession]:
    """Return a user's sessions, newest first, but the current one (key ``this``) on top."""
    found = [
        ActiveSession(
            handle=_handle(key),
            since=parse_datetime(began["since"]) if "since" in began else None,
            address=began.get("address", ""),
            browser=began.get("browser", ""),
            is_this=key == this,
        )
        for key, began in _sessions_of_user(user)
    ]
    return sorted(found, key=lambda one: (one.is_this, str(one.since)), reverse=True)


def end_session(user: "AnyUser", handle: str) -> bool:
    """End one session of a user; return whether it existed."""
    keys = [
        key
        for key, _began in _sessions_of_user(user)
        if constant_time_compare(_handle(key), handle)
    ]
    return bool(_delete(user, keys))


def end_all_sessions(user: "AnyUser", but: str | None = None) -> int:
    """End the sessions of a user, except the one with the key ``but``; return how many ended."""
    keys = [key for key, _began in _sessions_of_user(user) if key != but]
    return _delete(user, keys)


def _delete(user: "AnyUser", keys: list[str]) -> int:
    number = Session.objects.filter(session_key__in=keys).delete()[0]
    if number:
        log_permission_change(user, ["sessions"], given=False)
    return number


@receiver(post_save, sender=get_user_model())
def _end_access_of_deactivated(
    instance: Any, raw: bool = False, update_fields: Any = None, **_signal: object
) -> None:
    """End the sessions and preview links of a deactivated account; reactivation revives neither."""
    is_about_this = update_fields is None or {"is_active", "is_staff"} & set(update_fields)
    if is_about_this and not (raw or (instance.is_active and instance.is_staff)):
        end_all_sessions(instance)
        links = PreviewLink.objects.filter(created_by=instance, revoked_at=None)
        links.update(revoked_at=timezone.now())


def _sessions_of_user(user: "AnyUser") -> Iterator[tuple[str, dict[str, str]]]:
    # Only users who sign in have a session, so there are few: those of editors, not of readers.
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        told = session.get_decoded()
        if told.get(SESSION_KEY) == str(user.pk):
            yield session.session_key, told.get(LOGIN_INFO_KEY, {})


def _handle(key: str) -> str:
    return salted_hmac("allies.signing_in.sessions", key, algorithm="sha256").hexdigest()[:32]
