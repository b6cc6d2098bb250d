"""The token each form of the admin carries: it names one drawn form, and who it was drawn for."""

import datetime as dt
import secrets
from typing import TYPE_CHECKING

from django.core import signing

if TYPE_CHECKING:
    from allies.actions.permissions import AnyUser

#: The name of the hidden field.
FIELD = "_form"

#: How old a form may be whose content is kept for the account it was drawn for.
MAX_AGE_SECONDS = dt.timedelta(days=30)

_SALT = "allies.form"


def new_token(user: "AnyUser") -> str:
    """Return a token, different each time; signed, so that it says truly whose form it is."""
    return signing.dumps([user.pk, secrets.token_hex(8)], salt=_SALT)


def get_owner_id(token: str) -> int | None:
    """Return the id of the account a form was drawn for; None if the token is not ours or old."""
    try:
        user_id, _nonce = signing.loads(token, salt=_SALT, max_age=MAX_AGE_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return user_id if isinstance(user_id, int) else None
