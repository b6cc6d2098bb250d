"""Atom feeds (RFC 4287) with tombstones of removed entries (RFC 6721) and a WebSub hub."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils.feedgenerator import Atom1Feed, rfc3339_date
from django.utils.http import http_date
from django.utils.translation import get_language

from allies.text.bidi import isolate

#: Maximum number of entries per sort (added or changed, corrected, withdrawn).
MAX_FEED_ENTRIES = 50

#: Characters that XML 1.0 does not allow.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def strip_invalid_xml(text: str) -> str:
    """Remove characters that XML does not allow: one of them would make a feed invalid."""
    return _NOT_IN_XML.sub("", text)


@dataclass(frozen=True)
class FeedEntry:
    """An entry of a feed; ``html`` is its content.

    ``key`` and ``created_on`` make up its id and never change. ``sort`` is "added", "changed",
    "corrected" or "withdrawn". ``author`` is empty if it is that of the feed.
    """

    key: str
    created_on: dt.datetime
    title: str
    url: str
    html: str
    published: dt.datetime
    updated: dt.datetime
    sort: str
    author: str = ""


@dataclass(frozen=True)
class Tombstone:
    """An entry that left the feed, with its key and the time of removal."""

    key: str
    created_on: dt.datetime
    moment: dt.datetime


def tag_uri(request: HttpRequest, key: str, born: dt.datetime) -> str:
    """Return the id of an entry in the active language, as a tag URI (RFC 4151)."""
    host, _port = split_domain_port(request.get_host())
    return f"tag:{host},{born:%Y-%m-%d}:{get_language()}/{key}"


class _Atom(Atom1Feed):
    def root_attributes(self) -> dict[str, str]:
        tombstones = {"xmlns:at": "http://purl.org/atompub/tombstones/1.0"}
        return {**super().root_attributes(), **tombstones}

    def latest_post_date(self) -> Any:
        return self.feed["updated"]

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        if settings.WEBSUB_HUB:
            handler.addQuickElement("link", "", {"rel": "hub", "href": settings.WEBSUB_HUB})
        for reference, moment in self.feed["gone"]:
            handler.addQuickElement(
                "at:deleted-entry", "", {"ref": reference, "when": rfc3339_date(moment)}
            )


def atom_response(
    request: HttpRequest,
    *,
    title: str,
    subtitle: str,
    author: str,
    page: str,
    address: str,
    entries: Sequence[FeedEntry],
    gone: Sequence[Tombstone],
    updated: dt.datetime,
) -> HttpResponse:
    """Return the response with a feed of these entries, newest change first.

    ``address`` is the URL of the feed and ``page`` that of its page. ``updated`` is the date of an
    empty feed.
    """
    address = request.build_absolute_uri(address)
    moments = [entry.updated for entry in entries] + [one.moment for one in gone]
    newest = max(moments, default=updated)
    feed = _Atom(
        title=strip_invalid_xml(f"{settings.SITE_NAME}: {isolate(title)}"),
        link=request.build_absolute_uri(page),
        description=None,
        language=get_language(),
        author_name=strip_invalid_xml(author),
        subtitle=strip_invalid_xml(subtitle) or None,
        feed_url=address,
        feed_guid=address,
        updated=newest,
        gone=[(tag_uri(request, one.key, one.created_on), one.moment) for one in gone],
    )
    for entry in sorted(entries, key=lambda entry: entry.updated, reverse=True):
        feed.add_item(
            title=strip_invalid_xml(entry.title),
            link=request.build_absolute_uri(entry.url),
            description=strip_invalid_xml(entry.html),
            unique_id=tag_uri(request, entry.key, entry.created_on),
            pubdate=entry.published,
            updateddate=entry.updated,
            categories=[entry.sort],
            author_name=strip_invalid_xml(entry.author) or None,
        )
    response = HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)
    hub = f', <{settings.WEBSUB_HUB}>; rel="hub"' if settings.WEBSUB_HUB else ""
    response.headers["Link"] = f'<{address}>; rel="self"{hub}'
    response.headers["Last-Modified"] = http_date(newest.timestamp())
    return response
