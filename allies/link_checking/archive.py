"""Look up archived copies of sources, and save their addresses."""

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from allies.link_checking.fetch import FetchLimits, TooManyRedirects, fetch
from allies.link_checking.url_safety import Unreachable, UnsafeUrl
from allies.models import Source

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class ArchiveUnavailable(Exception):
    """An archive gave no readable response; the message says why."""


class ArchiveClient(Protocol):
    """The interface of a web archive."""

    def lookup(self, url: str, near: dt.date | None) -> str:
        """Return the address of the copy closest to a day, or "" if there is none.

        Raises ArchiveUnavailable if the archive gives no readable response.
        """


class InternetArchive:
    """The Wayback Machine of the Internet Archive (https://archive.org/help/wayback_api.php)."""

    def __init__(
        self,
        base: str = "https://archive.org/wayback/available",
        limits: FetchLimits | None = None,
    ) -> None:
        self._base = base
        self._limits = replace(limits or FetchLimits(), max_bytes=100_000)

    def lookup(self, url: str, near: dt.date | None) -> str:
        asked = {"url": url, **({"timestamp": near.strftime("%Y%m%d")} if near else {})}
        try:
            answer = fetch(f"{self._base}?{urlencode(asked)}", method="GET", limits=self._limits)
        except (UnsafeUrl, Unreachable, TooManyRedirects) as error:
            raise ArchiveUnavailable(str(error)) from error
        if answer.status != 200:
            raise ArchiveUnavailable(
                _("The server responds with HTTP %(status)d.") % {"status": answer.status}
            )
        try:
            said: StrOrPromise = json.loads(answer.body)
        except ValueError as error:
            raise ArchiveUnavailable(_("The response cannot be read.")) from error
        return _closest_snapshot(said)


def _closest_snapshot(said: "StrOrPromise") -> str:
    """Return the address of the copy in a response of the API, "" unless its status was 200."""
    snapshots = said.get("archived_snapshots") if isinstance(said, dict) else None
    closest = snapshots.get("closest") if isinstance(snapshots, dict) else None
    if not isinstance(closest, dict) or closest.get("available") is not True:
        return ""
    if str(closest.get("status", "200")) != "200":
        return ""
    found = str(closest.get("url") or "")
    insecure = "http://web.archive.org/"  # the API returns http, but https works too
    return found.replace(insecure, "https://web.archive.org/", 1) if found else ""


def get_archive_client() -> ArchiveClient | None:
    """Return the archive client in the settings, or None if there is none."""
    return import_string(settings.ARCHIVE_CLIENT)() if settings.ARCHIVE_CLIENT else None


@transaction.atomic
def save_archive_url(*, source_id: int, url: str, copy: str) -> bool:
    """Save the address of a source's archived copy as an edit; return False if it was not saved.

    It is not saved if an editor has already entered one, or if the source's address has changed.
    Raises ValidationError if the copy's address is not a valid URL.
    """
    mine = Source.objects.select_for_update(of=("self",)).filter(pk=source_id, url=url)
    source = mine.filter(archive_url="").first()
    if source is None:
        return False
    try:
        source.archive_url = Source._meta.get_field("archive_url").clean(copy, source)
    except ValidationError as error:
        raise ValidationError({"archive_url": error.messages}) from error
    source._change_reason = _("Archived copy found")
    source.save(update_fields=["archive_url"])
    return True
