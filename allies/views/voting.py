"""How two countries voted in the United Nations, year by year, as readers meet it."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.description import in_each_language
from allies.figures.years import YearChart, year_chart
from allies.filters import RollCallFilterSet
from allies.models import (
    ENOUGH_VOTES,
    VOTES,
    Pair,
    Source,
    VotesAlike,
    in_all,
    roll_calls_of_both,
    sources_of_votes,
    votes_by_year,
)
from allies.views.columns import COUNTRY_CODE, Column
from allies.views.downloads import DATA_FORMS, download_links
from allies.views.listing import Listing
from allies.views.record import Renameable, find_pair

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from allies.models.event import EventQuerySet


class ShownVotes(NamedTuple):
    """What a pair's page says of their votes.

    ``few`` is the number of joint votes below which a year is not compared, None where each has
    as many. ``table`` holds (vote of the first, how often the second voted each way then, in all).
    """

    years: list[VotesAlike]
    total: VotesAlike
    few: int | None
    headings: "list[StrOrPromise]"
    table: "list[tuple[StrOrPromise, list[int], int]]"
    chart: YearChart
    sources: list[Source]
    downloads: "list[tuple[StrOrPromise, str]]"


def votes_shown(pair: Pair, *, until: dt.date | None) -> ShownVotes | None:
    """Return how the two voted, until a day if one is given; None where both never did.

    Costs two queries.
    """
    roll_calls = roll_calls_of_both(pair.first, pair.second)
    if until:
        roll_calls = roll_calls.until(until)
    years = votes_by_year(roll_calls)
    if not years:
        return None
    total = in_all(years)
    address = reverse("allies:pair-votes-csv", args=[pair.first.slug, pair.second.slug])
    return ShownVotes(
        years=years,
        total=total,
        few=ENOUGH_VOTES if any(votes.is_thin for votes in years) else None,
        headings=[vote.label for vote in VOTES],
        table=[
            (mine.label, [total.cast.get((mine, theirs), 0) for theirs in VOTES], total.of(mine))
            for mine in VOTES
        ],
        chart=_chart(pair, years, total),
        sources=list(sources_of_votes(roll_calls)),
        downloads=download_links(
            address.removesuffix(".csv"), f"date_before={until}" if until else "", DATA_FORMS
        ),
    )


def _chart(pair: Pair, years: list[VotesAlike], total: VotesAlike) -> YearChart:
    names = {"first": pair.first.name_in_text, "second": pair.second.name_in_text}
    said = {**names, "start": years[0].year, "end": years[-1].year, "joint": total.joint}
    return year_chart(
        [(votes.year, votes.share) for votes in years if votes.year],
        name="votes",
        title=gettext("UN votes in agreement: %(first)s and %(second)s") % names,
        description=gettext(
            "By year, %(start)s to %(end)s; %(joint)s votes in which both took part."
        )
        % said,
        unit="percent",
        thin={votes.year for votes in years if votes.year and votes.is_thin},
    )


def _number(mine: Any, theirs: Any) -> Column:
    title = format_lazy("{} / {}", mine.label, theirs.label)
    note = _(
        "Number of votes with this combination: the first country’s "
        "vote, then the second country’s."
    )
    value = (mine, theirs)
    return Column(
        f"{mine}_{theirs}", lambda row: row.votes.cast.get(value, 0), title, note, "integer"
    )


class YearOfPair(NamedTuple):
    """A year of two countries’ votes."""

    pair: Pair
    votes: VotesAlike


class VotesListing(Renameable, Listing):
    """How two countries voted by year, for download."""

    filterset_class = RollCallFilterSet
    columns = (
        Column("first", lambda row: row.pair.first.code, _("first country"), COUNTRY_CODE),
        Column("second", lambda row: row.pair.second.code, _("second country"), COUNTRY_CODE),
        Column("year", lambda row: row.votes.year, _("year"), "", "integer"),
        Column(
            "joint",
            lambda row: row.votes.joint,
            _("joint votes"),
            _("Votes in which both countries voted yes, no or abstained."),
            "integer",
        ),
        Column(
            "identical",
            lambda row: row.votes.identical,
            _("votes in agreement"),
            _("Joint votes in which both countries voted the same."),
            "integer",
        ),
        Column(
            "share",
            lambda row: round(row.votes.share, 4),
            _("share in agreement"),
            _("Votes in agreement divided by joint votes, between 0 and 1."),
            "number",
        ),
        *(_number(mine, theirs) for mine in VOTES for theirs in VOTES),
    )

    def prepare(self, **kwargs: Any) -> None:
        self.pair = find_pair(kwargs["first"], kwargs["second"])

    def queryset(self) -> "EventQuerySet":
        return roll_calls_of_both(self.pair.first, self.pair.second)

    def rows(self, queryset: Any) -> Iterable[YearOfPair]:
        return [YearOfPair(self.pair, votes) for votes in votes_by_year(queryset)]

    def whole(self) -> int:
        return len(votes_by_year(self.queryset()))

    def title(self) -> "StrOrPromise":
        return _votes_in_words(self.pair)


@in_each_language
def _votes_in_words(pair: Pair) -> str:
    return gettext("Votes of %(first)s and %(second)s in the UN General Assembly, by year") % {
        "first": pair.first.name_in_text,
        "second": pair.second.name_in_text,
    }
