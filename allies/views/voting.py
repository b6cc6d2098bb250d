"""Votes of two countries in the UN General Assembly: summary, page, chart and downloads."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.charts.year_chart import YearChart, build_year_chart
from allies.datapackage.metadata import localized_callable
from allies.filters import PairVotesFilterSet, PublicFilterSet
from allies.ties.ties_between import CountryPair
from allies.ties.voting import (
    MIN_VOTES,
    VOTE_ROLES,
    AgreementMeasure,
    Period,
    VoteAgreement,
    agreement_by_period,
    shared_roll_calls,
    total_agreement,
    vote_sources,
)
from allies.views.detail import OldSlugRedirectMixin, find_pair
from allies.views.download_columns import COUNTRY_CODE, DownloadColumn
from allies.views.download_mixin import DATA_FORMATS, download_links, filter_query
from allies.views.listing import Listing

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from allies.models.event import EventQuerySet


class VotingSummary(NamedTuple):
    """How far two countries agreed, by year or by session.

    ``value`` is the agreement over all periods in percent, by the chosen measure. ``few`` is the
    number of joint votes below which a period is not compared, or None if every period has at
    least that many.
    """

    periods: list[VoteAgreement]
    total: VoteAgreement
    value: float
    few: int | None
    chart: YearChart


def summarize_votes(
    pair: CountryPair,
    roll_calls: "EventQuerySet",
    *,
    period: str = Period.YEAR,
    measure: str = AgreementMeasure.IDENTICAL,
) -> VotingSummary | None:
    """Return the summary of these roll calls of a pair, or None if there are none; one query."""
    periods = agreement_by_period(roll_calls, period)
    if not periods:
        return None
    total = total_agreement(periods)
    return VotingSummary(
        periods=periods,
        total=total,
        value=100 * (total.measured(measure) or 0),
        few=MIN_VOTES if any(votes.has_few_votes for votes in periods) else None,
        chart=_chart(pair, periods, total, period, measure),
    )


def voting_summary(pair: CountryPair, *, until: dt.date | None) -> VotingSummary | None:
    """Return the summary by year of all votes of a pair, or None if there are none; one query.

    ``until`` leaves out later votes.
    """
    roll_calls = shared_roll_calls(pair.first, pair.second)
    return summarize_votes(pair, roll_calls.until(until) if until else roll_calls)


def _chart(
    pair: CountryPair,
    periods: list[VoteAgreement],
    total: VoteAgreement,
    period: str,
    measure: str,
) -> YearChart:
    names = {"first": pair.first.name_in_text, "second": pair.second.name_in_text}
    span = {"start": periods[0].period, "end": periods[-1].period, "joint": total.both_cast}
    if measure == AgreementMeasure.LIJPHART:
        title = gettext("Lijphart’s index of UN votes: %(first)s and %(second)s")
    else:
        title = gettext("UN votes in agreement: %(first)s and %(second)s")
    if period == Period.SESSION:
        description = gettext(
            "By session, %(start)s to %(end)s; %(joint)s votes in which both took part."
        )
    else:
        description = gettext(
            "By year, %(start)s to %(end)s; %(joint)s votes in which both took part."
        )
    return build_year_chart(
        [(votes.period, votes.measured(measure)) for votes in periods if votes.period],
        name="votes",
        title=title % names,
        description=description % span,
        unit="percent",
        thin={votes.period for votes in periods if votes.period and votes.has_few_votes},
    )


class CrossTable(NamedTuple):
    """How both countries voted. Each row is about one vote of the first country.

    A row holds that vote, the numbers of the second country's votes in the same roll calls, and
    their sum.
    """

    headings: "list[StrOrPromise]"
    rows: "list[tuple[StrOrPromise, list[int], int]]"

    @classmethod
    def of(cls, total: VoteAgreement) -> "CrossTable":
        rows: list[tuple[StrOrPromise, list[int], int]] = [
            (
                mine.label,
                [total.cast.get((mine, theirs), 0) for theirs in VOTE_ROLES],
                total.of(mine),
            )
            for mine in VOTE_ROLES
        ]
        return cls([vote.label for vote in VOTE_ROLES], rows)


def pair_votes_url(pair: CountryPair, **asked: str) -> str:
    """Return the URL of the list of UN votes of both countries, with these further filters."""
    query = QueryDict(mutable=True)
    query.update({"country": pair.first.code, "with": pair.second.code, **asked})
    return f"{reverse('allies:vote-list')}?{query.urlencode()}"


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


class PairVotes(NamedTuple):
    """The votes of two countries in one year or session."""

    pair: CountryPair
    grouped_by: str
    votes: VoteAgreement

    def number(self, period: Period) -> int | None:
        """Return the year or session; None if the votes are grouped by the other one."""
        return self.votes.period if self.grouped_by == period else None


#: Decimal places of a share in downloads.
_DECIMALS = 7

#: Columns of two measures of agreement, for rows with ``votes``, a VoteAgreement.
AGREEMENT_COLUMNS = (
    DownloadColumn(
        "share",
        lambda row: round(row.votes.share, _DECIMALS),
        _("share in agreement"),
        _("Votes in agreement divided by joint votes, between 0 and 1."),
        "number",
    ),
    DownloadColumn(
        "lijphart",
        lambda row: round(row.votes.lijphart, _DECIMALS),
        _("Lijphart’s index"),
        _(
            "Votes in agreement, and half of those in which one abstained, divided by joint "
            "votes, between 0 and 1."
        ),
        "number",
    ),
)


class PairVotesListing(OldSlugRedirectMixin, Listing):
    """Votes of two countries by year or by session."""

    filterset_class = PairVotesFilterSet
    template_name = "allies/pair/votes.html"
    columns = (
        DownloadColumn("first", lambda row: row.pair.first.code, _("first country"), COUNTRY_CODE),
        DownloadColumn(
            "second", lambda row: row.pair.second.code, _("second country"), COUNTRY_CODE
        ),
        DownloadColumn(
            "year",
            lambda row: row.number(Period.YEAR),
            _("year"),
            _("Empty if the votes are grouped by session."),
            "integer",
        ),
        DownloadColumn(
            "session",
            lambda row: row.number(Period.SESSION),
            _("session"),
            _("Empty if the votes are grouped by year."),
            "integer",
        ),
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
            "partial",
            lambda row: row.votes.partial,
            _("votes in which one abstained"),
            _("Joint votes in which exactly one of the two countries abstained."),
            "integer",
        ),
        DownloadColumn(
            "opposite",
            lambda row: row.votes.opposite,
            _("opposite votes"),
            _("Joint votes in which one country voted yes and the other no."),
            "integer",
        ),
        *AGREEMENT_COLUMNS,
        *(_number(mine, theirs) for mine in VOTE_ROLES for theirs in VOTE_ROLES),
    )

    def prepare(self, **kwargs: Any) -> None:
        self.pair = find_pair(kwargs["first"], kwargs["second"])

    def queryset(self) -> "EventQuerySet":
        return shared_roll_calls(self.pair.first, self.pair.second)

    def filterset(self) -> PairVotesFilterSet:
        self.asked = self.filterset_class(self.request.GET, queryset=self.queryset())
        return self.asked

    def page(self, filterset: PublicFilterSet, status: int) -> HttpResponse:
        asked, votes = self.asked, None
        if valid := status == 200:
            votes = summarize_votes(
                self.pair, asked.qs, period=asked.period, measure=asked.chosen_measure
            )
        which = {k: v for k, v in asked.applied_values.items() if k not in ("measure", "by")}
        context = {
            "pair": self.pair,
            "filterset": asked,
            "valid": valid,
            "unknown": asked.unknown_parameters,
            "downloads": self.downloads(asked),
            "votes": votes,
            "crossed": CrossTable.of(votes.total) if votes else None,
            "sources": vote_sources(asked.qs) if votes else [],
            "by_session": valid and asked.period == Period.SESSION,
            "by_lijphart": valid and asked.chosen_measure == AgreementMeasure.LIJPHART,
            "all_address": pair_votes_url(self.pair, **which),
            "differing_address": pair_votes_url(self.pair, **which, votes="different"),
        }
        return render(self.request, self.template_name, context, status=status)

    def downloads(self, filterset: PublicFilterSet) -> "list[tuple[StrOrPromise, str]]":
        """Return (label, URL) of the downloads; there is no feed, because rows are counts."""
        return download_links(self.address(), filter_query(filterset), DATA_FORMATS)

    def rows(self, queryset: Any) -> Iterable[PairVotes]:
        period = self.asked.period
        found = agreement_by_period(queryset, period)
        return [PairVotes(self.pair, period, votes) for votes in found]

    def total_count(self) -> int:
        return len(agreement_by_period(self.queryset(), self.asked.period))

    def title(self) -> "StrOrPromise":
        return _votes_in_words(self.pair)


@localized_callable
def _votes_in_words(pair: CountryPair) -> str:
    return gettext("Votes of %(first)s and %(second)s in the UN General Assembly") % {
        "first": pair.first.name_in_text,
        "second": pair.second.name_in_text,
    }
