"""Who votes most like a country: all others, ranked by their agreement in UN votes."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.datapackage.metadata import localized_callable
from allies.filters.vote_ranking import VoteRankingFilterSet
from allies.models import Country, Event
from allies.ties.voting import VoteAgreement
from allies.views.detail import OldSlugRedirectMixin, find_record
from allies.views.download_columns import COUNTRY_CODE, DownloadColumn, model_columns
from allies.views.download_mixin import DATA_FORMATS, download_links, filter_query
from allies.views.listing import Listing
from allies.views.voting import AGREEMENT_COLUMNS
from allies.web.schema_org import DatasetRows

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from allies.filters.base import PublicFilterSet
    from allies.models.country import CountryQuerySet
    from allies.models.event import EventQuerySet

#: The years of the link to the latest votes.
LATEST_YEARS = 10


class RankedCountry(NamedTuple):
    """A country with its rank; countries with the same share have the same rank."""

    rank: int
    country: Country
    votes: VoteAgreement


def rank_countries(
    countries: Iterable[Country], votes: dict[int, VoteAgreement]
) -> list[RankedCountry]:
    """Rank countries by their share of identical votes, the highest first; more votes break ties.

    ``votes`` has the agreement of each country, by its id. The rank counts those among
    ``countries`` only.
    """

    def share(country: Country) -> float:
        return votes[country.pk].share or 0.0

    ranked: list[RankedCountry] = []
    order = sorted(countries, key=lambda c: (-share(c), -votes[c.pk].both_cast, c.sort_key, c.pk))
    for place, country in enumerate(order, start=1):
        before = ranked[-1] if ranked else None
        is_equal = before is not None and share(before.country) == share(country)
        rank = before.rank if before is not None and is_equal else place
        ranked.append(RankedCountry(rank, country, votes[country.pk]))
    return ranked


class VoteRankingListing(OldSlugRedirectMixin, Listing):
    """The countries that vote like one country, one row each."""

    filterset_class = VoteRankingFilterSet
    template_name = "allies/country/vote_ranking.html"
    per_page = 300  # more than there are countries, so everything is on one page
    columns = (
        DownloadColumn(
            "rank",
            lambda row: row.rank,
            _("rank"),
            _("1 for the country with the highest share; equal shares have the same rank."),
            "integer",
        ),
        DownloadColumn("country", lambda row: row.country.code, _("country"), COUNTRY_CODE),
        *model_columns(Country, "name_en", "name_ind", of="country"),
        DownloadColumn(
            "joint",
            lambda row: row.votes.both_cast,
            _("joint votes"),
            _("Votes in which both countries voted yes, no or abstained."),
            "integer",
        ),
        DownloadColumn(
            "identical",
            lambda row: row.votes.identical,
            _("votes in agreement"),
            _("Joint votes in which both countries voted the same."),
            "integer",
        ),
        *AGREEMENT_COLUMNS,
    )

    def prepare(self, **kwargs: Any) -> None:
        self.country = find_record(Country.objects.published(), kwargs["slug"])

    def queryset(self) -> "CountryQuerySet":
        return Country.objects.none()  # the filter builds the queryset for its years

    def filterset(self) -> VoteRankingFilterSet:
        self.asked = VoteRankingFilterSet(self.request.GET, focus=self.country)
        return self.asked

    def cited_rows(self, filterset: "PublicFilterSet") -> "EventQuerySet":
        return Event.objects.published().roll_calls()

    def rows(self, queryset: Any) -> list[RankedCountry]:
        return rank_countries(queryset, self.asked.votes.others)

    def page_rows(self, queryset: Any) -> list[RankedCountry]:
        return self.rows(queryset) if self.asked.is_valid() else []

    def total_count(self) -> int:
        whole = VoteRankingFilterSet({}, focus=self.country)
        return int(whole.qs.count())

    def downloads(self, filterset: "PublicFilterSet") -> "list[tuple[StrOrPromise, str]]":
        return download_links(self.address(), filter_query(filterset), DATA_FORMATS)

    def title(self) -> Any:
        return _title(self.country)

    def aggregate_ranges(self) -> dict[str, Any]:
        return {}  # when a country was written says nothing about its votes

    def schema_org_subject(self) -> DatasetRows:
        return DatasetRows(self.title())

    def context(self) -> dict[str, Any]:
        found: dict[str, Any] = {"country": self.country}
        if self.asked.is_valid():
            votes = self.asked.votes
            found |= {
                "votes": votes,
                "minimum": self.asked.minimum,
                "too_few": self.asked.too_few,
                "latest_from": votes.last - LATEST_YEARS + 1 if votes.last else None,
            }
        return found


@localized_callable
def _title(country: Country) -> str:
    return gettext("Who votes most like %(country)s?") % {"country": country.name_in_text}
