"""The readers' addresses: a noun's list, a record of it, and each list in every form."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model
from django.http import HttpResponseBase
from django.urls import URLPattern, path
from django.views import View

from allies.api.reference import ReferencePage
from allies.citable import FORMS as CITE_FORMS
from allies.feeds.corrections import CorrectionFeed
from allies.models import Alliance, AllyList, Country, Event, Source
from allies.views.alliance import AllianceEvents, AllianceListing, AlliancePage
from allies.views.ally_list import AllyListListing, AllyListPage, EntryListing, ListEvents
from allies.views.card import (
    AllianceCard,
    AlliesCard,
    CountryCard,
    EditionCard,
    EventCard,
    ListCard,
    PairCard,
    SiteCard,
    SourceCard,
)
from allies.views.changeset import ChangesetListing
from allies.views.cite import CiteEdition, CiteFile
from allies.views.compared_lists import ComparedLists
from allies.views.correction import CorrectionList, CorrectPage, SentPage
from allies.views.country import AllyListing, CountryListing, CountryPage
from allies.views.downloads import DATA_FORMS, FORMS
from allies.views.edition import EditionComparison, EditionFile, EditionPage, ListEditions
from allies.views.embed import (
    AllianceTimelineEmbed,
    AlliesEmbed,
    CountryTimelineEmbed,
    EditionEmbed,
    ListEmbed,
    ListTimelineEmbed,
    MapEmbed,
)
from allies.views.event import EventListing, EventPage, YearListing
from allies.views.front import FrontPage
from allies.views.map import AllyMap
from allies.views.membership import AllianceMemberships, CountryMemberships
from allies.views.methods import MethodsPage
from allies.views.pair import PairPage
from allies.views.preview import preview
from allies.views.record import HistoryPage
from allies.views.search import SearchListing, Suggestions
from allies.views.source import SourceListing, SourcePage
from allies.views.tie_changes import TieChangeListing
from allies.views.voting import VotesListing

app_name = "allies"


def _forms(
    forms: Iterable[str], route: str, view: Callable[..., HttpResponseBase], name: str
) -> list[URLPattern]:
    return [path(f"{route}.{fmt}", view, {"fmt": fmt}, name=f"{name}-{fmt}") for fmt in forms]


def _downloads(route: str, view: Any, name: str) -> list[URLPattern]:
    return _forms(DATA_FORMS, route, view, name)


def _listing(route: str, view: Any, name: str) -> list[URLPattern]:
    return [path(f"{route}/", view, name=name), *_forms(FORMS, route, view, name)]


def _history(route: str, model: type[Model], noun: str) -> URLPattern:
    return path(f"{route}/history/", HistoryPage.as_view(model=model), name=f"{noun}-history")


def _card(route: str, view: Any, noun: str) -> URLPattern:
    return path(f"{route}/card.png", view, name=f"{noun}-card")


def _correct(route: str, model: type[Model], noun: str) -> list[URLPattern]:
    return [
        path(f"{route}/correct/", CorrectPage.as_view(model=model), name=f"{noun}-correct"),
        path(f"{route}/correct/sent/", SentPage.as_view(model=model), name=f"{noun}-sent"),
    ]


def _cite(route: str, name: str) -> list[URLPattern]:
    view = CiteEdition.as_view() if name == "edition" else CiteFile.as_view(citable=name)
    return [
        path(f"{route}/cite.{form}", view, {"form": form}, name=f"{name}-cite-{form.split('.')[0]}")
        for form in CITE_FORMS
    ]


def _embed(route: str, view: type[View], name: str) -> URLPattern:
    return path(f"embed/{route}/", view.as_view(), name=f"{name}-embed")


urlpatterns = [
    path("", FrontPage.as_view(), name="front"),
    *_listing("lists", AllyListListing.as_view(), "allylist-list"),
    path("lists/<slug:slug>/", AllyListPage.as_view(), name="allylist-detail"),
    *_forms(FORMS, "lists/<slug:slug>", EntryListing.as_view(), "allylist-entries"),
    *_downloads("lists/<slug:slug>/events", ListEvents.as_view(), "allylist-events"),
    *_listing("countries", CountryListing.as_view(), "country-list"),
    *_downloads(
        "countries/<slug:slug>/memberships", CountryMemberships.as_view(), "country-memberships"
    ),
    path("countries/<slug:slug>/", CountryPage.as_view(), name="country-detail"),
    *_listing("countries/<slug:slug>/allies", AllyListing.as_view(), "country-allies"),
    path("countries/<slug:slug>/allies/map/", AllyMap.as_view(), name="country-map"),
    *_listing(
        "countries/<slug:slug>/allies/changes", TieChangeListing.as_view(), "country-changes"
    ),
    *_listing("countries/<slug:slug>/lists", ComparedLists.as_view(), "country-lists"),
    *_listing("alliances", AllianceListing.as_view(), "alliance-list"),
    *_downloads(
        "alliances/<slug:slug>/memberships", AllianceMemberships.as_view(), "alliance-memberships"
    ),
    *_downloads("alliances/<slug:slug>/events", AllianceEvents.as_view(), "alliance-events"),
    path("alliances/<slug:slug>/", AlliancePage.as_view(), name="alliance-detail"),
    path("ties/<slug:first>/<slug:second>/", PairPage.as_view(), name="pair-detail"),
    *_downloads("ties/<slug:first>/<slug:second>/votes", VotesListing.as_view(), "pair-votes"),
    *_listing("events", EventListing.as_view(), "event-list"),
    *_downloads("events/years", YearListing.as_view(), "event-years"),
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
    path("lists/<slug:slug>/editions/", ListEditions.as_view(), name="allylist-editions"),
    path("editions/<slug:key>/", EditionPage.as_view(), name="edition-detail"),
    path("editions/<slug:key>.json", EditionFile.as_view(), name="edition-json"),
    path("editions/<slug:key>/compare/", EditionComparison.as_view(), name="edition-compare"),
    *_cite("lists/<slug:slug>", "allylist"),
    *_cite("countries/<slug:slug>/allies", "country-allies"),
    *_cite("ties/<slug:first>/<slug:second>", "pair"),
    *_cite("alliances/<slug:slug>", "alliance"),
    *_cite("events/<slug:slug>", "event"),
    *_cite("sources/<slug:key>", "source"),
    *_cite("editions/<slug:key>", "edition"),
    path("corrections/", CorrectionList.as_view(), name="correction-list"),
    path("corrections/feed/", CorrectionFeed(), name="correction-feed"),
    *_listing("search", SearchListing.as_view(), "search-list"),
    path("search/suggest.json", Suggestions.as_view(), name="search-suggest"),
    path("methods/", MethodsPage.as_view(), name="methods"),
    path("preview/<str:token>/", preview, name="preview"),
    *_listing("changes", ChangesetListing.as_view(), "changeset-list"),
    path("api/", ReferencePage.as_view(), name="api-reference"),
    path("card.png", SiteCard.as_view(), name="card"),
    _card("lists/<slug:slug>", ListCard.as_view(), "allylist"),
    _card("countries/<slug:slug>", CountryCard.as_view(), "country"),
    _card("countries/<slug:slug>/allies", AlliesCard.as_view(), "country-allies"),
    _card("countries/<slug:slug>/allies/map", AlliesCard.as_view(), "country-map"),
    _card("alliances/<slug:slug>", AllianceCard.as_view(), "alliance"),
    _card("ties/<slug:first>/<slug:second>", PairCard.as_view(), "pair"),
    _card("events/<slug:slug>", EventCard.as_view(), "event"),
    _card("sources/<slug:key>", SourceCard.as_view(), "source"),
    _card("editions/<slug:key>", EditionCard.as_view(), "edition"),
    _embed("lists/<slug:slug>", ListEmbed, "allylist"),
    _embed("lists/<slug:slug>/timeline", ListTimelineEmbed, "allylist-timeline"),
    _embed("editions/<slug:key>", EditionEmbed, "edition"),
    _embed("countries/<slug:slug>/allies", AlliesEmbed, "country-allies"),
    _embed("countries/<slug:slug>/allies/map", MapEmbed, "country-map"),
    _embed("countries/<slug:slug>/timeline", CountryTimelineEmbed, "country-timeline"),
    _embed("alliances/<slug:slug>/timeline", AllianceTimelineEmbed, "alliance-timeline"),
]
