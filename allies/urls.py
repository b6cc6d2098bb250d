"""URLs for readers: lists, records, and every list in every file format."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model
from django.http import HttpResponseBase
from django.urls import URLPattern, path
from django.views import View

from allies.api.docs_page import ApiDocsView
from allies.citations.targets import FILE_FORMATS as CITE_FORMS
from allies.feeds.corrections import CorrectionFeed
from allies.models import Alliance, AllyList, Country, Event, Source
from allies.views.alliance import AllianceDetailView, AllianceEvents, AllianceListing
from allies.views.ally_list import AllyListDetailView, AllyListListing, EntryListing, ListEvents
from allies.views.blocs import BlocMapView
from allies.views.changeset import ChangesetListing
from allies.views.cite import CitationFileView, EditionCitationFileView
from allies.views.compared_lists import ComparedListsListing
from allies.views.comparison import ComparisonView
from allies.views.correction import CorrectionFormView, CorrectionLogView, CorrectionThanksView
from allies.views.country import AllyListing, CountryDetailView, CountryListing
from allies.views.detail import HistoryView
from allies.views.disagreement import DisagreementListing
from allies.views.download_mixin import DATA_FORMATS, FORMATS
from allies.views.draft_preview import preview
from allies.views.edition import (
    EditionDetailView,
    EditionDiffView,
    EditionFileView,
    EditionListView,
)
from allies.views.embed import (
    AllianceTimelineEmbed,
    AlliesEmbed,
    CountryTimelineEmbed,
    EditionEmbed,
    ListEmbed,
    ListTimelineEmbed,
    MapEmbed,
)
from allies.views.event import EventDetailView, EventListing, EventYears
from allies.views.home import HomeView
from allies.views.map import AllyMapView
from allies.views.membership import AllianceMembershipListing, CountryMembershipListing
from allies.views.methodology import MethodologyView
from allies.views.pair import CountryPairView
from allies.views.roll_call import RollCallListing, RollCallYears
from allies.views.search import SearchListing, SuggestionsView
from allies.views.share_image import (
    AllianceShareImage,
    AlliesShareImage,
    AllyListShareImage,
    CountryPairShareImage,
    CountryShareImage,
    EditionShareImage,
    EventShareImage,
    SiteShareImage,
    SourceShareImage,
)
from allies.views.source import SourceDetailView, SourceListing
from allies.views.tie_changes import TieChangeListing
from allies.views.vote_ranking import VoteRankingListing
from allies.views.voting import PairVotesListing

app_name = "allies"


def _forms(
    forms: Iterable[str], route: str, view: Callable[..., HttpResponseBase], name: str
) -> list[URLPattern]:
    return [path(f"{route}.{fmt}", view, {"fmt": fmt}, name=f"{name}-{fmt}") for fmt in forms]


def _downloads(route: str, view: Any, name: str) -> list[URLPattern]:
    return _forms(DATA_FORMATS, route, view, name)


def _listing(route: str, view: Any, name: str) -> list[URLPattern]:
    return [path(f"{route}/", view, name=name), *_forms(FORMATS, route, view, name)]


def _history(route: str, model: type[Model], noun: str) -> URLPattern:
    return path(f"{route}/history/", HistoryView.as_view(model=model), name=f"{noun}-history")


def _card(route: str, view: Any, noun: str) -> URLPattern:
    return path(f"{route}/card.png", view, name=f"{noun}-card")


def _correct(route: str, model: type[Model], noun: str) -> list[URLPattern]:
    return [
        path(f"{route}/correct/", CorrectionFormView.as_view(model=model), name=f"{noun}-correct"),
        path(
            f"{route}/correct/sent/", CorrectionThanksView.as_view(model=model), name=f"{noun}-sent"
        ),
    ]


def _cite(route: str, name: str) -> list[URLPattern]:
    view = (
        EditionCitationFileView.as_view()
        if name == "edition"
        else CitationFileView.as_view(citable=name)
    )
    return [
        path(f"{route}/cite.{form}", view, {"form": form}, name=f"{name}-cite-{form.split('.')[0]}")
        for form in CITE_FORMS
    ]


def _embed(route: str, view: type[View], name: str) -> URLPattern:
    return path(f"embed/{route}/", view.as_view(), name=f"{name}-embed")


urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    *_listing("lists", AllyListListing.as_view(), "allylist-list"),
    path("lists/<slug:slug>/", AllyListDetailView.as_view(), name="allylist-detail"),
    *_forms(FORMATS, "lists/<slug:slug>", EntryListing.as_view(), "allylist-entries"),
    *_downloads("lists/<slug:slug>/events", ListEvents.as_view(), "allylist-events"),
    *_listing("countries", CountryListing.as_view(), "country-list"),
    *_downloads(
        "countries/<slug:slug>/memberships",
        CountryMembershipListing.as_view(),
        "country-memberships",
    ),
    path("countries/<slug:slug>/", CountryDetailView.as_view(), name="country-detail"),
    *_listing("countries/<slug:slug>/allies", AllyListing.as_view(), "country-allies"),
    path("countries/<slug:slug>/allies/map/", AllyMapView.as_view(), name="country-map"),
    *_listing(
        "countries/<slug:slug>/allies/changes", TieChangeListing.as_view(), "country-changes"
    ),
    path(
        "countries/<slug:slug>/votes-like/",
        VoteRankingListing.as_view(),
        name="country-vote-ranking",
    ),
    *_downloads(
        "countries/<slug:slug>/votes-like", VoteRankingListing.as_view(), "country-vote-ranking"
    ),
    *_listing("countries/<slug:slug>/lists", ComparedListsListing.as_view(), "country-lists"),
    *_listing("alliances", AllianceListing.as_view(), "alliance-list"),
    *_downloads(
        "alliances/<slug:slug>/memberships",
        AllianceMembershipListing.as_view(),
        "alliance-memberships",
    ),
    *_downloads("alliances/<slug:slug>/events", AllianceEvents.as_view(), "alliance-events"),
    path("alliances/<slug:slug>/", AllianceDetailView.as_view(), name="alliance-detail"),
    path("blocs/", BlocMapView.as_view(), name="blocs"),
    path("ties/", ComparisonView.as_view(), name="comparison"),
    path("ties/<slug:first>/<slug:second>/", CountryPairView.as_view(), name="pair-detail"),
    path("ties/<slug:first>/<slug:second>/votes/", PairVotesListing.as_view(), name="pair-votes"),
    *_downloads("ties/<slug:first>/<slug:second>/votes", PairVotesListing.as_view(), "pair-votes"),
    *_listing("events", EventListing.as_view(), "event-list"),
    *_downloads("events/years", EventYears.as_view(), "event-years"),
    path("events/<slug:slug>/", EventDetailView.as_view(), name="event-detail"),
    *_listing("votes", RollCallListing.as_view(), "vote-list"),
    *_downloads("votes/years", RollCallYears.as_view(), "vote-years"),
    *_listing("sources", SourceListing.as_view(), "source-list"),
    path("sources/<slug:key>/", SourceDetailView.as_view(), name="source-detail"),
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
    path("lists/<slug:slug>/editions/", EditionListView.as_view(), name="allylist-editions"),
    path("editions/<slug:key>/", EditionDetailView.as_view(), name="edition-detail"),
    path("editions/<slug:key>.json", EditionFileView.as_view(), name="edition-json"),
    path("editions/<slug:key>/compare/", EditionDiffView.as_view(), name="edition-compare"),
    *_cite("lists/<slug:slug>", "allylist"),
    *_cite("countries/<slug:slug>/allies", "country-allies"),
    *_cite("ties/<slug:first>/<slug:second>", "pair"),
    *_cite("alliances/<slug:slug>", "alliance"),
    *_cite("events/<slug:slug>", "event"),
    *_cite("sources/<slug:key>", "source"),
    *_cite("editions/<slug:key>", "edition"),
    path("corrections/", CorrectionLogView.as_view(), name="correction-list"),
    path("corrections/feed/", CorrectionFeed(), name="correction-feed"),
    *_listing("search", SearchListing.as_view(), "search-list"),
    path("search/suggest.json", SuggestionsView.as_view(), name="search-suggest"),
    path("methods/", MethodologyView.as_view(), name="methodology"),
    path("preview/<str:token>/", preview, name="preview"),
    *_listing("data/disagreements", DisagreementListing.as_view(), "disagreement-list"),
    *_listing("changes", ChangesetListing.as_view(), "import-history"),
    path("api/", ApiDocsView.as_view(), name="api-reference"),
    path("card.png", SiteShareImage.as_view(), name="card"),
    _card("lists/<slug:slug>", AllyListShareImage.as_view(), "allylist"),
    _card("countries/<slug:slug>", CountryShareImage.as_view(), "country"),
    _card("countries/<slug:slug>/allies", AlliesShareImage.as_view(), "country-allies"),
    _card("countries/<slug:slug>/allies/map", AlliesShareImage.as_view(), "country-map"),
    _card("alliances/<slug:slug>", AllianceShareImage.as_view(), "alliance"),
    _card("ties/<slug:first>/<slug:second>", CountryPairShareImage.as_view(), "pair"),
    _card("events/<slug:slug>", EventShareImage.as_view(), "event"),
    _card("sources/<slug:key>", SourceShareImage.as_view(), "source"),
    _card("editions/<slug:key>", EditionShareImage.as_view(), "edition"),
    _embed("lists/<slug:slug>", ListEmbed, "allylist"),
    _embed("lists/<slug:slug>/timeline", ListTimelineEmbed, "allylist-timeline"),
    _embed("editions/<slug:key>", EditionEmbed, "edition"),
    _embed("countries/<slug:slug>/allies", AlliesEmbed, "country-allies"),
    _embed("countries/<slug:slug>/allies/map", MapEmbed, "country-map"),
    _embed("countries/<slug:slug>/timeline", CountryTimelineEmbed, "country-timeline"),
    _embed("alliances/<slug:slug>/timeline", AllianceTimelineEmbed, "alliance-timeline"),
]
