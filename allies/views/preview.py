"""A draft as its public page, for who has a link to it."""

from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS as PRIMARY
from django.http import Http404, HttpRequest, HttpResponseBase

from allies.models import Alliance, AllyList, Event, PreviewLink, Record, Source
from allies.replicas import read_from
from allies.views.alliance import AlliancePage
from allies.views.ally_list import AllyListPage
from allies.views.event import EventPage
from allies.views.source import SourcePage

if TYPE_CHECKING:
    from allies.views.record import RecordView

#: Model → the view of its public page, and the attribute its address names it by.
PAGES: "dict[type[Record], tuple[type[RecordView], str]]" = {
    Alliance: (AlliancePage, "slug"),
    AllyList: (AllyListPage, "slug"),
    Event: (EventPage, "slug"),
    Source: (SourcePage, "key"),
}


def draft_page(request: HttpRequest, record: Record) -> HttpResponseBase:
    """Answer with a record's page, whatever its status: not kept, not indexed, not told on."""
    view, key = PAGES[type(record)]
    response: HttpResponseBase = view.as_view(preview=True)(request, **{key: getattr(record, key)})
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def preview(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the draft a link was made for, while the link is valid."""
    read_from(PRIMARY)  # the link may have been made a moment ago
    link = PreviewLink.objects.signed(token)
    record = link.record if link else None
    if record is None:
        raise Http404
    return draft_page(request, record)
