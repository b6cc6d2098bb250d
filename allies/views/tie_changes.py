"""Ties of a country that began or ended between two days."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.datapackage.metadata import localized_callable
from allies.feeds.allies import build_ally_rows
from allies.feeds.entries import FeedRow
from allies.filters import TieChangeFilterSet
from allies.models import Alliance, Country
from allies.ties.allies_on_day import count_by_standing
from allies.ties.tie_changes import ChangedAlly, TieChange, build_change_rows, get_changed_allies
from allies.views.country_ties_listing import CountryTiesListing
from allies.views.download_columns import (
    COUNTRY_CODE,
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)

#: Unknown date in EDTF; it keeps the dates in the same order as the alliances.
UNKNOWN = "XXXX"


#: Filters that the list of allies has too.
SHARED = ("kind", "region", "q")


@dataclass
class AllianceChange:
    """An alliance that began or ended, with (country, date) of each country concerned."""

    alliance: Alliance
    independent_sources: int
    disputes: int
    countries: list[tuple[Country, str]] = field(default_factory=list)


def _ties(part: str, label: object, dates: Any) -> tuple[DownloadColumn, ...]:
    """Return columns for the alliances that began or ended: slugs, dates, numbers of sources."""
    at_their_place = _("In the same order as the alliances.")
    return (
        DownloadColumn(
            part,
            lambda row: [tie.alliance.slug for tie in getattr(row, part)],
            label,
            _("The slugs of the alliances, oldest first."),
            many=True,
        ),
        DownloadColumn(
            f"{part}_dates",
            lambda row: [tie.date or UNKNOWN for tie in getattr(row, part)],
            dates,
            _("In the same order as the alliances; EDTF (ISO 8601-2), XXXX if not known."),
            many=True,
        ),
        DownloadColumn(
            f"{part}_sources",
            lambda row: [tie.independent_sources for tie in getattr(row, part)],
            _("independent sources per alliance"),
            at_their_place,
            "integer",
            many=True,
        ),
    )


class TieChangeListing(CountryTiesListing[TieChangeFilterSet, ChangedAlly]):
    """The countries whose ties to one country differ between two days, one row per country."""

    filterset_class = TieChangeFilterSet
    template_name = "allies/country/tie_changes.html"
    columns = (
        DownloadColumn("country", lambda row: row.country.code, _("country"), COUNTRY_CODE),
        *model_columns(Country, "name_en", "name_ind", of="country"),
        DownloadColumn(
            "change",
            lambda row: row.change.value,
            _("change"),
            _("How the country’s status as an ally changed between the two dates."),
            choices=tuple(TieChange.values),
        ),
        DownloadColumn(
            "kinds_gained",
            lambda row: [str(kind) for kind in row.kinds_gained],
            _("kinds of tie gained"),
            _("Kinds of tie on the end date that did not exist on the start date."),
            many=True,
        ),
        DownloadColumn(
            "kinds_lost",
            lambda row: [str(kind) for kind in row.kinds_lost],
            _("kinds of tie lost"),
            _("Kinds of tie on the start date that did not exist on the end date."),
            many=True,
        ),
        *_ties("began", _("alliances that began"), _("start dates")),
        *_ties("ended", _("alliances that ended"), _("end dates")),
        INDEPENDENT_SOURCES._replace(
            note=_(
                "For all alliances that began or ended; sources that reprint "
                "one another count once."
            )
        ),
        DISPUTED._replace(value=lambda row: row.disputed),
    )

    def rows(self, queryset: Any) -> Iterable[ChangedAlly]:
        return build_change_rows(self.asked.days, queryset)

    def feed_rows(self, queryset: QuerySet[Model]) -> Iterable[FeedRow]:
        return build_ally_rows(self.country, self.all_rows, sort="change")

    def title(self) -> Any:
        return _changes_in_words(self.country)

    def total_count(self) -> int:
        return int(get_changed_allies(self.asked.days).count())

    def context(self) -> dict[str, object]:
        if not self.asked.is_valid():
            return {"country": self.country}
        days = self.asked.days
        return {
            "country": self.country,
            "days": days,
            "at_start": count_by_standing(self.asked.allies_among(days.at_start)),
            "at_end": count_by_standing(self.asked.allies_among(days.at_end)),
            "narrowed": _query_without_days(self.asked),
            "by_change": [
                (change, [row for row in self.shown if row.change == change])
                for change in TieChange
            ],
            "begun": _by_alliance(self.shown, "began"),
            "ended": _by_alliance(self.shown, "ended"),
        }


def _query_without_days(asked: TieChangeFilterSet) -> str:
    """Return the other filters as a query string for the list of allies on one of the days."""
    return urlencode(
        {name: asked.applied_values[name] for name in SHARED if name in asked.applied_values}
    )


def _by_alliance(rows: Iterable[ChangedAlly], part: str) -> list[AllianceChange]:
    """Return the alliances that began or ended, those with the most countries first."""
    found: dict[int, AllianceChange] = {}
    for row in rows:
        for tie in getattr(row, part):
            alliance = found.setdefault(
                tie.alliance.pk,
                AllianceChange(tie.alliance, tie.independent_sources, tie.disputes),
            )
            alliance.countries.append((row.country, tie.date))
    return sorted(found.values(), key=lambda change: -len(change.countries))


@localized_callable
def _changes_in_words(country: Country) -> str:
    return gettext("Changes among the allies of %(country)s") % {"country": country.name_in_text}
