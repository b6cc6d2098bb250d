"""Drafts shown as public pages, for anyone with a preview link."""

from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS as PRIMARY
from django.http import Http404, HttpRequest, HttpResponseBase

from allies.db.router import use_database
from allies.models import Alliance, AllyList, Event, PreviewLink, Record, Source
from allies.views.alliance import AllianceDetailView
from allies.views.ally_list import AllyListDetailView
from allies.views.event import EventDetailView
from allies.views.source import SourceDetailView

if TYPE_CHECKING:
    from allies.views.detail import RecordDetailView

#: Model → the view of its public page, and the field that is in its URL.
DETAIL_VIEWS: "dict[type[Record], tuple[type[RecordDetailView], str]]" = {
    Alliance: (AllianceDetailView, "slug"),
    AllyList: (AllyListDetailView, "slug"),
    Event: (EventDetailView, "slug"),
    Source: (SourceDetailView, "key"),
}


def draft_response(request: HttpRequest, record: Record) -> HttpResponseBase:
    """Render a record's page whatever its status; not cached, not indexed, without a referrer."""
    view, key = DETAIL_VIEWS[type(record)]
    response: HttpResponseBase = view.as_view(preview=True)(request, **{key: getattr(record, key)})
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def preview(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the draft of a preview link; raise Http404 if the link is not valid."""
    use_database(PRIMARY)  # a replica may not have a new link yet
    link = PreviewLink.objects.signed(token)
    record = link.record if link else None
    if record is None:
        raise Http404
    return draft_response(request, record)
