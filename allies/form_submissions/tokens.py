"""The token in each admin form: it identifies one rendering and the account it is for."""

import datetime as dt
import secrets
from typing import TYPE_CHECKING

from django.core import signing

if TYPE_CHECKING:
    from allies.actions.permissions import AnyUser

#: Name of the hidden field.
FIELD = "_form"

#: How old a form may be so that its content is still saved for its account.
MAX_AGE = dt.timedelta(days=30)

_SALT = "allies.form"


def new_token(user: "AnyUser") -> str:
    """Return a new signed token, different each time, with the account of the form."""
    return signing.dumps([user.pk, secrets.token_hex(8)], salt=_SALT)


def get_owner_id(token: str) -> int | None:
    """Return the id of the account a form was rendered for; None if the token is invalid or old."""
    try:
        user_id, _nonce = signing.loads(token, salt=_SALT, max_age=MAX_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return user_id if isinstance(user_id, int) else None
