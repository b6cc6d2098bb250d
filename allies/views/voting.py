"""Votes of two countries in the UN General Assembly by year: summary, chart and downloads."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.charts.year_chart import YearChart, build_year_chart
from allies.datapackage.metadata import localized_callable
from allies.filters import RollCallFilterSet
from allies.models import Source
from allies.ties.ties_between import CountryPair
from allies.ties.voting import (
    MIN_VOTES,
    VOTE_ROLES,
    VoteAgreement,
    shared_roll_calls,
    total_agreement,
    vote_sources,
    votes_by_year,
)
from allies.views.detail import OldSlugRedirectMixin, find_pair
from allies.views.download_columns import COUNTRY_CODE, DownloadColumn
from allies.views.download_mixin import DATA_FORMATS, download_links
from allies.views.listing import Listing

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from allies.models.event import EventQuerySet


class VotingSummary(NamedTuple):
    """The votes section of a pair's page.

    ``few`` is the number of joint votes below which a year is not compared, or None if every year
    has at least that many. Each row of ``table`` is about one vote of the first country: (that
    vote, numbers of the second country's votes in the same roll calls, their sum).
    """

    years: list[VoteAgreement]
    total: VoteAgreement
    few: int | None
    headings: "list[StrOrPromise]"
    table: "list[tuple[StrOrPromise, list[int], int]]"
    chart: YearChart
    sources: list[Source]
    downloads: "list[tuple[StrOrPromise, str]]"


def voting_summary(pair: CountryPair, *, until: dt.date | None) -> VotingSummary | None:
    """Return the voting summary of a pair, or None if there is no roll call with both.

    ``until`` leaves out later votes. Runs two queries.
    """
    roll_calls = shared_roll_calls(pair.first, pair.second)
    if until:
        roll_calls = roll_calls.until(until)
    years = votes_by_year(roll_calls)
    if not years:
        return None
    total = total_agreement(years)
    address = reverse("allies:pair-votes-csv", args=[pair.first.slug, pair.second.slug])
    return VotingSummary(
        years=years,
        total=total,
        few=MIN_VOTES if any(votes.has_few_votes for votes in years) else None,
        headings=[vote.label for vote in VOTE_ROLES],
        table=[
            (
                mine.label,
                [total.cast.get((mine, theirs), 0) for theirs in VOTE_ROLES],
                total.of(mine),
            )
            for mine in VOTE_ROLES
        ],
        chart=_chart(pair, years, total),
        sources=list(vote_sources(roll_calls)),
        downloads=download_links(
            address.removesuffix(".csv"), f"date_before={until}" if until else "", DATA_FORMATS
        ),
    )


def _chart(pair: CountryPair, years: list[VoteAgreement], total: VoteAgreement) -> YearChart:
    names = {"first": pair.first.name_in_text, "second": pair.second.name_in_text}
    said = {**names, "start": years[0].year, "end": years[-1].year, "joint": total.both_cast}
    return build_year_chart(
        [(votes.year, votes.share) for votes in years if votes.year],
        name="votes",
        title=gettext("UN votes in agreement: %(first)s and %(second)s") % names,
        description=gettext(
            "By year, %(start)s to %(end)s; %(joint)s votes in which both took part."
        )
        % said,
        unit="percent",
        thin={votes.year for votes in years if votes.year and votes.has_few_votes},
    )


def _number(mine: Any, theirs: Any) -> DownloadColumn:
    title = format_lazy("{} / {}", mine.label, theirs.label)
    note = _(
        "Number of votes with this combination: the first country’s "
        "vote, then the second country’s."
    )
    value = (mine, theirs)
    return DownloadColumn(
        f"{mine}_{theirs}", lambda row: row.votes.cast.get(value, 0), title, note, "integer"
    )


class PairYear(NamedTuple):
    """The votes of two countries in one year."""

    pair: CountryPair
    votes: VoteAgreement


class VotingListing(OldSlugRedirectMixin, Listing):
    """Votes of two countries by year, for download."""

    filterset_class = RollCallFilterSet
    columns = (
        DownloadColumn("first", lambda row: row.pair.first.code, _("first country"), COUNTRY_CODE),
        DownloadColumn(
            "second", lambda row: row.pair.second.code, _("second country"), COUNTRY_CODE
        ),
        DownloadColumn("year", lambda row: row.votes.year, _("year"), "", "integer"),
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
        DownloadColumn(
            "share",
            lambda row: round(row.votes.share, 4),
            _("share in agreement"),
            _("Votes in agreement divided by joint votes, between 0 and 1."),
            "number",
        ),
        *(_number(mine, theirs) for mine in VOTE_ROLES for theirs in VOTE_ROLES),
    )

    def prepare(self, **kwargs: Any) -> None:
        self.pair = find_pair(kwargs["first"], kwargs["second"])

    def queryset(self) -> "EventQuerySet":
        return shared_roll_calls(self.pair.first, self.pair.second)

    def rows(self, queryset: Any) -> Iterable[PairYear]:
        return [PairYear(self.pair, votes) for votes in votes_by_year(queryset)]

    def total_count(self) -> int:
        return len(votes_by_year(self.queryset()))

    def title(self) -> "StrOrPromise":
        return _votes_in_words(self.pair)


@localized_callable
def _votes_in_words(pair: CountryPair) -> str:
    return gettext("Votes of %(first)s and %(second)s in the UN General Assembly, by year") % {
        "first": pair.first.name_in_text,
        "second": pair.second.name_in_text,
    }
