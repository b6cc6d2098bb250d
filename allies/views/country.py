"""Public pages of countries: list, detail and the allies of each."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import F, Max, Model, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.charts.world_map import WorldMap, build_world_map
from allies.datapackage.metadata import EDTF_NOTE, localized_callable
from allies.feeds.allies import build_ally_rows, removed_allies
from allies.feeds.entries import FeedRow, RemovedRow
from allies.filters import AllyFilterSet, CountryFilterSet
from allies.filters.aggregates import GroupBy
from allies.filters.tie_changes import ten_years_earlier
from allies.models import (
    CURRENT_STANDINGS,
    Alliance,
    AllyList,
    Country,
    Event,
    Membership,
    Standing,
)
from allies.models.alliance import kind_rank
from allies.models.base import count_distinct_subquery
from allies.ties.allies_on_day import (
    AllyRow,
    Ties,
    first_year_with_ties,
    group_by_alliance,
    standing_on_the_day,
)
from allies.ties.standing import StandingCounts
from allies.ties.voting import votes_of_country
from allies.views.as_of import AsOfDateMixin
from allies.views.charts import EventChart, build_country_timeline, build_events_chart
from allies.views.country_ties_listing import CountryTiesListing
from allies.views.detail import RecordDetailView
from allies.views.download_columns import (
    COUNTRY_CODE,
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)
from allies.views.listing import Listing
from allies.web.schema_org import DatasetRows

if TYPE_CHECKING:
    from allies.models.country import CountryQuerySet

#: Maximum number of events, and of alliances per status, on a country's page.
MAX_SHOWN = 12


def _ties() -> Coalesce:
    """Return a subquery with the number of published alliances a country is or was part of."""
    memberships = Membership.objects.published().filter(country=OuterRef("pk"))
    return count_distinct_subquery(memberships, "country", "alliance")


class CountryListing(Listing):
    filterset_class = CountryFilterSet
    template_name = "allies/country/list.html"
    per_page = 100
    columns = (
        DownloadColumn("country", lambda country: country.code, _("country"), COUNTRY_CODE),
        *model_columns(Country, "alpha3", "alpha2", "m49", "cow_code", "name_en", "name_ind"),
        *model_columns(Country, "region", "subregion", "existed_from", "existed_to"),
        DownloadColumn(
            "ties",
            lambda country: country.tie_count,
            _("ties"),
            _("Published alliances of the country, current and past."),
            "integer",
        ),
    )

    def queryset(self) -> "CountryQuerySet":
        return Country.objects.published().annotate(tie_count=_ties()).order_by_name()


class CountryDetailView(AsOfDateMixin, RecordDetailView):
    template_name = "allies/country/detail.html"
    context_object_name = "country"

    def get_queryset(self) -> "CountryQuerySet":
        return (
            self.base_queryset(Country)
            .select_related("successor")
            .prefetch_related("aliases", "predecessors", "spells")
        )

    def default_day(self) -> dt.date:
        """Return today, or the last day of a state that no longer exists."""
        return self.object.existed_to_latest or timezone.localdate()

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        country: Country = self.object
        alliances = (
            Alliance.objects.published()
            .with_member(country)
            .with_standing(country, self.day)
            .with_evidence()
            .newest_first()
        )
        events = Event.objects.published().except_roll_calls().with_participant(country)
        until = self.day if self.has_requested_day else None
        asked = {"country": country.code}
        if until:
            events = events.until(until)
            asked["date_before"] = until.isoformat()
        votes = votes_of_country(country, until=until)
        memberships = list(Membership.objects.published().filter(country=country).order_by_start())
        return super().get_context_data(
            timeline=build_country_timeline(country, memberships, until),
            by_year=build_events_chart(events.by_year(), asked),
            votes=votes,
            votes_by_year=build_events_chart(votes.by_year, asked, EventChart.VOTES),
            first_year=first_year_with_ties(country),
            last_day=country.existed_to_latest,
            existed=country.existed_on(self.day),
            ten_years_before=ten_years_earlier(self.day),
            allies=standing_on_the_day(Ties(country, self.day)),
            alliances=_by_standing(alliances, memberships),
            events=events.with_evidence().newest_first()[:MAX_SHOWN],
            event_count=events.count(),
            lists=AllyList.objects.published().filter(focus=country).featured_first(),
            named_in=AllyList.objects.published()
            .filter(pk__in=country.entries.published().values("ally_list"))
            .select_related("focus")
            .featured_first(),
            **kwargs,
        )


def _by_standing(
    alliances: Iterable[Any], memberships: Iterable[Membership]
) -> list[tuple[Standing, list[Alliance], int]]:
    """Return (standing, its first MAX_SHOWN alliances, their number), the confirmed first.

    Of the same standing, the stronger kinds come first. Each alliance has the country's
    ``memberships`` in it as ``of_country``.
    """
    own = group_by_alliance(memberships)
    found: dict[str, list[Alliance]] = {}
    for alliance in sorted(alliances, key=lambda one: kind_rank(one.kind)):
        alliance.of_country = own.get(alliance.pk, [])
        found.setdefault(alliance.standing, []).append(alliance)
    return [
        (standing, found[standing][:MAX_SHOWN], len(found[standing]))
        for standing in Standing
        if standing in found
    ]


class AllyListing(CountryTiesListing[AllyFilterSet, AllyRow]):
    """The allies of a country on a day, one row per ally."""

    filterset_class = AllyFilterSet
    template_name = "allies/country/allies.html"
    columns = (
        DownloadColumn("country", lambda row: row.country.code, _("country"), COUNTRY_CODE),
        *model_columns(Country, "name_en", "name_ind", of="country"),
        DownloadColumn(
            "kinds",
            lambda row: [str(kind) for kind in row.kinds],
            _("kinds of tie"),
            _("The kinds of alliance both countries belong to."),
            many=True,
        ),
        DownloadColumn("since", lambda row: row.since, _("since"), EDTF_NOTE),
        DownloadColumn(
            "standing",
            lambda row: str(row.standing),
            _("standing"),
            _("Whether a tie is confirmed on the date, last recorded before it, or possible."),
            choices=tuple(map(str, CURRENT_STANDINGS)),
        ),
        DownloadColumn(
            "certain",
            lambda row: row.certain,
            _("confirmed on the date"),
            _("Whether a tie was certainly in force on the date."),
            "boolean",
        ),
        DownloadColumn(
            "alliances",
            lambda row: [alliance.slug for alliance in row.alliances],
            _("alliances"),
            _("The slugs of the alliances both countries belong to."),
            many=True,
        ),
        DownloadColumn(
            "latest_event",
            lambda row: row.latest_event.slug if row.latest_event else "",
            _("latest event"),
            _("The slug of the latest event with both countries, which is never a UN vote."),
        ),
        DownloadColumn(
            "latest_event_date",
            lambda row: row.latest_event.date if row.latest_event else "",
            _("date of the latest event"),
            EDTF_NOTE,
        ),
        INDEPENDENT_SOURCES,
        DISPUTED._replace(value=lambda row: row.disputed),
    )

    def rows(self, queryset: Any) -> Iterable[AllyRow]:
        return self.asked.ties.rows(queryset)

    def title(self) -> Any:
        return _allies_in_words(self.country)

    def group_by(self) -> Mapping[str, GroupBy]:
        return {"standing_counts": GroupBy((F("standing"),))}

    def aggregate_ranges(self) -> dict[str, Any]:
        return {}  # the rows' own dates say nothing about the ties; see schema_org_subject

    def schema_org_subject(self) -> DatasetRows:
        """Return the allies of a day as a data set, dated by the last change of an alliance."""
        alliances = Alliance.objects.published().with_member(self.country)
        day = self.asked.day
        return DatasetRows(self.title(), alliances.aggregate(n=Max("updated_at"))["n"], day, day)

    def total_count(self) -> int:
        return int(Ties(self.country, timezone.localdate()).allies().count())

    def feed_rows(self, queryset: QuerySet[Model]) -> Iterable[FeedRow]:
        return build_ally_rows(self.country, self.all_rows)

    def feed_removed(self, filterset: Any) -> Iterable[RemovedRow]:
        return removed_allies(self.country, self.asked)

    def context(self) -> dict[str, Any]:
        day = self.asked.day if self.asked.is_valid() else None
        return {
            "country": self.country,
            "day": day,
            "ten_years_before": ten_years_earlier(day) if day else None,
            "standing": StandingCounts.of(self.sums.counts["standing_counts"]) if day else None,
            "first_year": first_year_with_ties(self.country),
            "map": self.map() if self.shown else None,
        }

    def map(self) -> WorldMap:
        """Return a map of the rows shown; no query."""
        region = self.asked.form.cleaned_data.get("region") or ""
        return build_world_map(self.country, self.shown, day=self.asked.day, region=region)


@localized_callable
def _allies_in_words(country: Country) -> str:
    return gettext("Allies of %(country)s") % {"country": country.name_in_text}
