"""Public list of UN votes, and their number by year."""

from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters import RollCallFilterSet
from allies.models import Country, Event, EventKind, Participation, ParticipationRole
from allies.ties.ties_between import CountryPair
from allies.ties.voting import count_roles
from allies.views.charts import EventChart
from allies.views.download_columns import (
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)
from allies.views.event import EVENT, PARTICIPATIONS, AllEventYears, DatedPage

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet

#: Fields of a vote that the list shows.
_SHOWN = (
    *("slug", "title_en", "title_ind", "date"),
    *("session", "resolution", "scope", "issues", "is_important"),
)


def _count(name: str, role: ParticipationRole, title: Any) -> DownloadColumn:
    note = _("Number of countries.")
    return DownloadColumn(name, lambda event: event.role_counts[role], title, note, "integer")


class RollCallListing(DatedPage):
    filterset_class = RollCallFilterSet
    template_name = "allies/roll_call/list.html"
    withdrawn_condition = Q(kind=EventKind.UN_VOTE)
    chart = EventChart.VOTES
    columns = (
        EVENT,
        *model_columns(Event, "identifier", "title_en", "title_ind", "date"),
        *model_columns(Event, "session", "resolution", "scope"),
        DownloadColumn(
            "issues",
            lambda event: event.issue_codes,
            _("issues"),
            _("Codes of issues: me, nu, di, hr, co or ec."),
            many=True,
        ),
        *model_columns(Event, "is_important"),
        _count("votes_for", ParticipationRole.FOR, _("voted for")),
        _count("votes_against", ParticipationRole.AGAINST, _("voted against")),
        _count("abstentions", ParticipationRole.ABSTAINED, _("abstained")),
        _count("absent", ParticipationRole.ABSENT, _("absent")),
        DownloadColumn(
            "unanimous",
            lambda event: event.role_counts.is_unanimous,
            _("unanimous"),
            _("Whether all who voted cast the same vote."),
            "boolean",
        ),
        PARTICIPATIONS,
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def queryset(self) -> "EventQuerySet":
        return super().queryset().roll_calls()

    def title(self) -> Any:
        return _("UN votes")

    def context(self) -> dict[str, object]:
        """Add the pair of the filter, if there is one, to link to its agreement."""
        given = self.asked.form.cleaned_data if self.asked.is_valid() else {}
        one, other = given.get("country"), given.get("with")
        pair = CountryPair.of(one, other) if one and other and one != other else None
        return {**super().context(), "pair": pair}

    def page_rows(self, queryset: QuerySet[Event]) -> list[Any]:
        """Return the votes of a page with ``role_counts`` and ``cast``; two more queries.

        ``cast`` are the participations of the countries of the filter.
        """
        shown: list[Any] = self.shown_events(queryset, *_SHOWN)
        counts = count_roles(event.pk for event in shown)
        cast = self._votes_of_countries([event.pk for event in shown])
        for event in shown:
            event.role_counts, event.cast = counts[event.pk], cast.get(event.pk, [])
        return shown

    def _votes_of_countries(self, events: list[int]) -> dict[int, list[Participation]]:
        """Return event id → participations of the countries of the filter; at most one query."""
        given = self.asked.form.cleaned_data
        countries: list[Country] = [c for name in ("country", "with") if (c := given.get(name))]
        found: dict[int, list[Participation]] = {}
        if countries and events:
            parts = Participation.objects.filter(event__in=events, country__in=countries)
            for part in parts.select_related("country").order_by("country__slug", "role"):
                found.setdefault(part.event_id, []).append(part)
        return found


class RollCallYears(AllEventYears):
    """Number of UN votes per year, for download."""

    filterset_class = RollCallFilterSet

    def queryset(self) -> "EventQuerySet":
        return super().queryset().roll_calls()

    def title(self) -> Any:
        return _("UN votes by year")
