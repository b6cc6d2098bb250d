"""The redirect after signing in or out, from the parameter ``next``."""

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.utils.encoding import iri_to_uri
from django.utils.http import MAX_URL_LENGTH, url_has_allowed_host_and_scheme


def get_next_url(request: HttpRequest) -> str:
    """Return the URL to redirect to; "" if there is none or it is refused.

    URLs of other sites, in any spelling, and with other schemes are refused.
    """
    given = {**request.GET.dict(), **request.POST.dict()}
    return _is_safe_url(request, given.get(REDIRECT_FIELD_NAME, ""))


def drop_unsafe_next(request: HttpRequest) -> bool:
    """Remove a refused ``next`` from a request before Django's own views read it.

    Return whether there was one.
    """
    dropped = False
    for name in ("GET", "POST"):
        sent = getattr(request, name)
        address = sent.get(REDIRECT_FIELD_NAME)
        if address is not None and not _is_safe_url(request, address):
            sent = sent.copy()
            del sent[REDIRECT_FIELD_NAME]
            setattr(request, name, sent)
            dropped = True
    return dropped


def _is_safe_url(request: HttpRequest, address: str) -> str:
    # As sent: each non-ASCII character becomes several.
    is_here = len(iri_to_uri(address)) <= MAX_URL_LENGTH and url_has_allowed_host_and_scheme(
        address, {request.get_host()}, require_https=request.is_secure()
    )
    return address if is_here else ""
