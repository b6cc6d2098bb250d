"""Countries, and the ally list of any of them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import F, Max, Model, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.description import EDTF_NOTE, in_each_language
from allies.feeds.entries import Gone, Row
from allies.feeds.ties import allies_gone, rows_of_ties
from allies.figures.world import WorldMap, world_map
from allies.filters import AllyFilterSet, CountryFilterSet
from allies.filters.sums import Grouping
from allies.filters.tie_changes import ten_years_before
from allies.models import (
    Alliance,
    AllyList,
    AllyRow,
    CertaintyCounts,
    Country,
    Event,
    Membership,
    Participation,
    Standing,
    Ties,
    certainty_on_the_day,
    first_year_of,
)
from allies.models.base import counted
from allies.structured import Rows
from allies.views.as_of import OnADay
from allies.views.columns import COUNTRY_CODE, DISPUTED, INDEPENDENT_SOURCES, Column, stored
from allies.views.figures import country_timeline, events_by_year
from allies.views.focus import FocusListing
from allies.views.listing import Listing
from allies.views.record import RecordView

if TYPE_CHECKING:
    from allies.models.country import CountryQuerySet

#: Alliances and events a country's page shows; the rest is a link away.
SHOWN = 12


def _ties() -> Coalesce:
    """Return the number of published alliances a country is or was part of."""
    memberships = Membership.objects.published().filter(country=OuterRef("pk"))
    return counted(memberships, "country", "alliance")


class CountryListing(Listing):
    filterset_class = CountryFilterSet
    template_name = "allies/country/list.html"
    per_page = 100
    columns = (
        Column("country", lambda country: country.code, _("country"), COUNTRY_CODE),
        *stored(Country, "alpha3", "alpha2", "m49", "cow_code", "name_en", "name_ind"),
        *stored(Country, "region", "subregion", "existed_from", "existed_to"),
        Column(
            "ties",
            lambda country: country.tie_count,
            _("ties"),
            _("Published alliances of the country, current and past."),
            "integer",
        ),
    )

    def queryset(self) -> "CountryQuerySet":
        return Country.objects.published().annotate(tie_count=_ties()).by_name()


class CountryPage(OnADay, RecordView):
    template_name = "allies/country/detail.html"
    context_object_name = "country"

    def get_queryset(self) -> "CountryQuerySet":
        return (
            self.records(Country)
            .select_related("successor")
            .prefetch_related("aliases", "predecessors")
        )

    def usual_day(self) -> dt.date:
        """Return today, or a historic state's last day."""
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
        events = Event.objects.published().filter(
            pk__in=Participation.objects.filter(country=country).values("event")
        )
        if self.asks_for_a_day:
            events = events.until(self.day)
        asked = {"country": country.code}
        if self.asks_for_a_day:
            asked["date_before"] = f"{self.day:%Y-%m-%d}"
        memberships = Membership.objects.published().filter(country=country).in_time()
        return super().get_context_data(
            timeline=country_timeline(
                country, memberships, self.day if self.asks_for_a_day else None
            ),
            by_year=events_by_year(events.by_year(), asked),
            first_year=first_year_of(country),
            last_day=country.existed_to_latest,
            existed=country.existed_on(self.day),
            ten_years_before=ten_years_before(self.day),
            allies=certainty_on_the_day(Ties(country, self.day)),
            alliances=_by_standing(alliances),
            events=events.with_evidence().newest_first()[:SHOWN],
            event_count=events.count(),
            lists=AllyList.objects.published().filter(focus=country).featured_first(),
            named_in=AllyList.objects.published()
            .filter(pk__in=country.entries.published().values("ally_list"))
            .select_related("focus")
            .featured_first(),
            **kwargs,
        )


def _by_standing(alliances: Iterable[Any]) -> list[tuple[Standing, list[Alliance], int]]:
    """Return (standing, the first alliances that have it, how many have it), in force first."""
    found: dict[str, list[Alliance]] = {}
    for alliance in alliances:
        found.setdefault(alliance.standing, []).append(alliance)
    return [
        (standing, found[standing][:SHOWN], len(found[standing]))
        for standing in Standing
        if standing in found
    ]


class AllyListing(FocusListing[AllyFilterSet, AllyRow]):
    """The ally list of a country: one row a country bound to it on a day."""

    filterset_class = AllyFilterSet
    template_name = "allies/country/allies.html"
    columns = (
        Column("country", lambda row: row.country.code, _("country"), COUNTRY_CODE),
        *stored(Country, "name_en", "name_ind", of="country"),
        Column(
            "kinds",
            lambda row: [str(kind) for kind in row.kinds],
            _("kinds of tie"),
            _("The kinds of alliance both countries belong to."),
            many=True,
        ),
        Column("since", lambda row: row.since, _("since"), EDTF_NOTE),
        Column(
            "certain",
            lambda row: row.certain,
            _("confirmed on the date"),
            _("Whether a tie was in force on the date beyond doubt."),
            "boolean",
        ),
        Column(
            "alliances",
            lambda row: [alliance.slug for alliance in row.alliances],
            _("alliances"),
            _("The slugs of the alliances both countries belong to."),
            many=True,
        ),
        Column(
            "latest_event",
            lambda row: row.latest_event.slug if row.latest_event else "",
            _("latest event"),
            _("The slug of the latest event with both countries."),
        ),
        Column(
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

    def groups(self) -> Mapping[str, Grouping]:
        return {"certainty": Grouping((F("certain"),))}

    def spans(self) -> dict[str, Any]:
        return {}  # what is said of the rows is not theirs

    def described(self) -> Rows:
        """Return the ally list of a day: it changes as the country's alliances do."""
        alliances = Alliance.objects.published().with_member(self.country)
        day = self.asked.day
        return Rows(self.title(), alliances.aggregate(n=Max("updated_at"))["n"], day, day)

    def whole(self) -> int:
        return int(Ties(self.country, timezone.localdate()).allies().count())

    def feed_rows(self, queryset: QuerySet[Model]) -> Iterable[Row]:
        return rows_of_ties(self.country, self.all_rows)

    def feed_gone(self, filterset: Any) -> Iterable[Gone]:
        return allies_gone(self.country, self.asked)

    def context(self) -> dict[str, Any]:
        day = self.asked.day if self.asked.is_valid() else None
        return {
            "country": self.country,
            "day": day,
            "ten_years_before": ten_years_before(day) if day else None,
            "certainty": CertaintyCounts.of(self.sums.counts["certainty"]) if day else None,
            "first_year": first_year_of(self.country),
            "map": self.map() if self.shown else None,
        }

    def map(self) -> WorldMap:
        """Return the rows shown as a map; it costs no query."""
        region = self.asked.form.cleaned_data.get("region") or ""
        return world_map(self.country, self.shown, day=self.asked.day, region=region)


@in_each_language
def _allies_in_words(country: Country) -> str:
    return gettext("Allies of %(country)s") % {"country": country.name_in_text}
