"""The API under ``/api/v1/``: its collections, error handlers and URLs."""

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI, Router
from ninja.errors import ValidationError

from allies.api import changes, collections, records
from allies.api.collections import Paging, keyset_page, keyset_page_single, offset_page, single_page
from allies.api.responses import InvalidQuery, api_operation, moved_response, not_found_response
from allies.views.alliance import AllianceEvents, AllianceListing
from allies.views.ally_list import AllyListListing, EntryListing, ListEvents
from allies.views.changeset import ChangesetListing
from allies.views.compared_lists import ComparedListsListing
from allies.views.country import AllyListing, CountryListing
from allies.views.detail import MovedRecord
from allies.views.disagreement import DisagreementListing
from allies.views.event import AllEventsListing, AllEventYears
from allies.views.listing import Listing
from allies.views.membership import (
    AllianceMembershipListing,
    CountryMembershipListing,
    MembershipListing,
)
from allies.views.related_listings import (
    AliasListing,
    AllEntriesListing,
    CitationListing,
    KeyEventListing,
    ParticipationListing,
    SeeAlsoListing,
    SpellListing,
)
from allies.views.roll_call import RollCallListing, RollCallYears
from allies.views.search import SearchListing
from allies.views.source import SourceListing
from allies.views.tie_changes import TieChangeListing
from allies.views.vote_ranking import VoteRankingListing
from allies.views.voting import PairVotesListing

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Collection(NamedTuple):
    """A listing in the API, with its summary and its kind of pagination."""

    listing: type[Listing]
    summary: "StrOrPromise"
    paging: Paging = keyset_page


COLLECTIONS: dict[str, Collection] = {
    "/countries": Collection(CountryListing, _("Countries, current and former")),
    "/countries/{slug}/allies": Collection(AllyListing, _("Allies of a country on a given date")),
    "/countries/{slug}/allies/changes": Collection(
        TieChangeListing, _("Ties that began and ended between two dates")
    ),
    "/countries/{slug}/lists": Collection(
        ComparedListsListing, _("Published lists of a country’s allies, with ranks")
    ),
    "/countries/{slug}/memberships": Collection(
        CountryMembershipListing, _("The memberships of one country")
    ),
    "/countries/{slug}/votes-like": Collection(
        VoteRankingListing, _("Countries by how often they voted like one country"), single_page
    ),
    "/spells": Collection(SpellListing, _("Periods in which states existed")),
    "/aliases": Collection(AliasListing, _("Alternative names of countries and alliances")),
    "/alliances": Collection(AllianceListing, _("Alliances")),
    "/alliances/{slug}/memberships": Collection(
        AllianceMembershipListing, _("The members of one alliance")
    ),
    "/alliances/{slug}/events": Collection(AllianceEvents, _("The events of one alliance")),
    "/memberships": Collection(MembershipListing, _("Members of all alliances")),
    "/events": Collection(AllEventsListing, _("Events, with UN votes")),
    "/events/years": Collection(
        AllEventYears, _("Number of events per year, with UN votes"), single_page
    ),
    "/votes": Collection(RollCallListing, _("UN votes, with what was voted on and the result")),
    "/votes/years": Collection(RollCallYears, _("Number of UN votes per year"), single_page),
    "/participations": Collection(
        ParticipationListing, _("Participants of events and their roles"), keyset_page_single
    ),
    "/ties/{first}/{second}/votes": Collection(
        PairVotesListing, _("UN votes of two countries, by year or session"), single_page
    ),
    "/sources": Collection(SourceListing, _("Sources")),
    "/citations": Collection(
        CitationListing, _("Citations: which source supports or disputes which record")
    ),
    "/disagreements": Collection(
        DisagreementListing, _("Memberships for which a source says something else than we do")
    ),
    "/ally-lists": Collection(
        AllyListListing, _("Lists of allies, our own and published elsewhere")
    ),
    "/ally-lists/{slug}/entries": Collection(EntryListing, _("Entries of one list")),
    "/ally-lists/{slug}/events": Collection(ListEvents, _("Events shown on one list")),
    "/entries": Collection(AllEntriesListing, _("Entries of all lists")),
    "/key-events": Collection(KeyEventListing, _("Events chosen for entries of lists")),
    "/see-also": Collection(SeeAlsoListing, _("Further reading in lists")),
    "/search": Collection(SearchListing, _("Search results, best match first"), offset_page),
    "/changesets": Collection(ChangesetListing, _("Imports and rollbacks")),
}

DESCRIPTION = """
Who stands with whom, and how do we know? All public data, read-only and without a key. Each
collection has the filters of its page and the columns of its CSV. `next` leads to the next page.
Each response has an `ETag`. Send it back as `If-None-Match` to get a short 304 response if nothing
has changed.
"""

api = NinjaAPI(
    title="Allies",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    urls_namespace="api",
)


def _name_operation(address: str) -> str:
    words = re.sub(r"{\w+}", "of", address).strip("/")
    return collections.operation_name(words)


def _build() -> None:
    router = Router()
    for address, offered in COLLECTIONS.items():
        collections.add_collection(
            router,
            address,
            offered.listing,
            name=_name_operation(address),
            summary=offered.summary,
            paging=offered.paging,
        )
    records.add_record_operations(router)
    changes.add_changes_operation(router)
    api.add_router("", router)


_build()


@api.exception_handler(InvalidQuery)
def handle_invalid_query(request: HttpRequest, refused: InvalidQuery) -> HttpResponse:
    return refused.response()


@api.exception_handler(Http404)
def handle_404(request: HttpRequest, error: Http404) -> HttpResponse:
    return not_found_response(request)


@api.exception_handler(MovedRecord)
def redirect_moved(request: HttpRequest, renamed: MovedRecord) -> HttpResponse:
    return moved_response(request, renamed)


@api.exception_handler(ValidationError)
def handle_validation_error(request: HttpRequest, error: ValidationError) -> HttpResponse:
    said = gettext("This value is not allowed. The API description lists the allowed values.")
    return InvalidQuery({str(one["loc"][-1]): [said] for one in error.errors}).response()


def _patterns() -> list[URLPattern]:
    found: list[Any] = api.urls[0]
    for pattern in found:
        pattern.callback = api_operation(pattern.callback)
    return [*found, path("<path:rest>", api_operation(not_found_response), name="nothing")]


urls: tuple[list[URLPattern], str, str] = (_patterns(), "api", "api")
