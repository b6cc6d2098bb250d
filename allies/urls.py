"""The readers' addresses: a noun's list, a record of it, and each list in every form."""

from typing import Any

from django.urls import URLPattern, path

from allies.models import Alliance, AllyList, Country, Event, Source
from allies.views.alliance import AllianceListing, AlliancePage
from allies.views.ally_list import AllyListListing, AllyListPage, EntryListing
from allies.views.changeset import ChangesetListing
from allies.views.correction import CorrectionFeed, CorrectionList, CorrectPage, SentPage
from allies.views.country import AllyListing, CountryListing, CountryPage
from allies.views.event import EventListing, EventPage
from allies.views.front import FrontPage
from allies.views.listing import FORMS
from allies.views.preview import preview
from allies.views.record import HistoryPage
from allies.views.source import SourceListing, SourcePage

app_name = "allies"


def _downloads(route: str, view: Any, name: str) -> list[URLPattern]:
    return [path(f"{route}.{fmt}", view, {"fmt": fmt}, name=f"{name}-{fmt}") for fmt in FORMS]


def _listing(route: str, view: Any, name: str) -> list[URLPattern]:
    return [path(f"{route}/", view, name=name), *_downloads(route, view, name)]


def _history(route: str, model: Any, noun: str) -> URLPattern:
    return path(f"{route}/history/", HistoryPage.as_view(model=model), name=f"{noun}-history")


def _correct(route: str, model: Any, noun: str) -> list[URLPattern]:
    return [
        path(f"{route}/correct/", CorrectPage.as_view(model=model), name=f"{noun}-correct"),
        path(f"{route}/correct/sent/", SentPage.as_view(model=model), name=f"{noun}-sent"),
    ]


urlpatterns = [
    path("", FrontPage.as_view(), name="front"),
    *_listing("lists", AllyListListing.as_view(), "allylist-list"),
    path("lists/<slug:slug>/", AllyListPage.as_view(), name="allylist-detail"),
    *_downloads("lists/<slug:slug>", EntryListing.as_view(), "allylist-entries"),
    *_listing("countries", CountryListing.as_view(), "country-list"),
    path("countries/<slug:slug>/", CountryPage.as_view(), name="country-detail"),
    *_listing("countries/<slug:slug>/allies", AllyListing.as_view(), "country-allies"),
    *_listing("alliances", AllianceListing.as_view(), "alliance-list"),
    path("alliances/<slug:slug>/", AlliancePage.as_view(), name="alliance-detail"),
    *_listing("events", EventListing.as_view(), "event-list"),
    path("events/<slug:slug>/", EventPage.as_view(), name="event-detail"),
    *_listing("sources", SourceListing.as_view(), "source-list"),
    path("sources/<slug:key>/", SourcePage.as_view(), name="source-detail"),
    _history("lists/<slug:slug>", AllyList, "allylist"),
    _history("countries/<slug:slug>", Country, "country"),
    _history("alliances/<slug:slug>", Alliance, "alliance"),
    _history("events/<slug:slug>", Event, "event"),
    _history("sources/<slug:key>", Source, "source"),
    *_correct("lists/<slug:slug>", AllyList, "allylist"),
    *_correct("countries/<slug:slug>", Country, "country"),
    *_correct("alliances/<slug:slug>", Alliance, "alliance"),
    *_correct("events/<slug:slug>", Event, "event"),
    *_correct("sources/<slug:key>", Source, "source"),
    path("corrections/", CorrectionList.as_view(), name="correction-list"),
    path("corrections/feed/", CorrectionFeed(), name="correction-feed"),
    path("preview/<str:token>/", preview, name="preview"),
    *_listing("changes", ChangesetListing.as_view(), "changeset-list"),
]
