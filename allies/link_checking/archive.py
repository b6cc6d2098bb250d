"""Archived copies: somebody else's memory of what a source said."""

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
    """An archive that gave no answer one can read; the message says why."""


class ArchiveClient(Protocol):
    """Knows where copies are kept."""

    def lookup(self, url: str, near: dt.date | None) -> str:
        """Return the address of a copy made near a day, "" where there is none.

        Raises ArchiveSilent where the archive does not say.
        """


class InternetArchive:
    """The Internet Archive's Wayback Machine, by its availability API."""

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
    """Return the address in the API's answer, "" where it has none that was a page once."""
    snapshots = said.get("archived_snapshots") if isinstance(said, dict) else None
    closest = snapshots.get("closest") if isinstance(snapshots, dict) else None
    if not isinstance(closest, dict) or closest.get("available") is not True:
        return ""
    if str(closest.get("status", "200")) != "200":
        return ""
    found = str(closest.get("url") or "")
    insecure = "http://web.archive.org/"  # so the API writes it; the pages are there by https too
    return found.replace(insecure, "https://web.archive.org/", 1) if found else ""


def get_archive_client() -> ArchiveClient | None:
    """Return the archive this site asks, None where it asks nobody."""
    return import_string(settings.ARCHIVE_CLIENT)() if settings.ARCHIVE_CLIENT else None


@transaction.atomic
def save_archive_url(*, source_id: int, url: str, copy: str) -> bool:
    """Give a source the address of its archived copy, as an edit with a version of its own.

    Says whether it did: what an editor has written stays, and so does a source whose address is
    another by now. Raises ValidationError where the copy's address is not one of the web.
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
