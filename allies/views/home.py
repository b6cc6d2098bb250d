"""The front page, and the redirect to it in the reader's language."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request
from django.views.generic import TemplateView

from allies.charts.world_map import WorldMap, build_world_map
from allies.filters.facets import count_by_field, count_many
from allies.filters.tie_changes import ten_years_earlier
from allies.models import (
    CURRENT_STANDINGS,
    Alliance,
    AllyList,
    Country,
    Entry,
    Event,
    EventKind,
    Source,
)
from allies.models.m49 import REGIONS
from allies.ties.allies_on_day import AllyRow, Ties, standing_on_the_day
from allies.ties.standing import StandingCounts
from allies.ties.tie_changes import TieChange, TieComparison, get_changed_allies
from allies.ties.ties_between import CountryPair

#: How many years ago the example days of the front page are.
SUGGESTED_YEARS_AGO = (100, 50, 25)


def choose_language(request: HttpRequest) -> HttpResponse:
    """Redirect to the front page in the language of Accept-Language."""
    response = redirect(f"/{get_language_from_request(request)}/")
    patch_vary_headers(response, ["Accept-Language"])
    return response


class FeaturedPair(NamedTuple):
    """The focus and a listed ally; ``row`` is the ally's row in the focus's ally list."""

    pair: CountryPair
    row: AllyRow


class FeaturedList(NamedTuple):
    """The featured list, with examples of what this site shows about its focus country.

    Each of ``entries`` has a ``tie``, an AllyRow or None. ``map`` is None if the focus has no
    allies today. ``pair`` is None if no entry has a tie. ``days`` holds (day, allies), without days
    that have none. ``lists`` are the published lists about the focus. ``changed`` holds (TieChange,
    number of countries) since ``since``, without zeros.
    """

    ally_list: AllyList
    entries: list[Entry]
    allies: StandingCounts
    map: WorldMap | None
    pair: FeaturedPair | None
    days: list[tuple[dt.date, StandingCounts]]
    lists: list[AllyList]
    since: dt.date
    changed: list[tuple[TieChange, int]]


class HomeView(TemplateView):
    template_name = "allies/home.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        counts = count_by_field(Country.objects.published(), "region")
        by_kind = count_by_field(Event.objects.published(), "kind")
        vote_count = by_kind.pop(EventKind.UN_VOTE, 0)
        return super().get_context_data(
            featured=_featured(),
            events=Event.objects.published().except_roll_calls().with_evidence().newest_first()[:8],
            regions=[(code, name, counts.get(code, 0)) for code, name in REGIONS.items()],
            alliance_count=Alliance.objects.published().count(),
            event_count=sum(by_kind.values()),
            vote_count=vote_count,
            source_count=Source.objects.published().count(),
            **kwargs,
        )


def _featured() -> FeaturedList | None:
    """Return the featured list with its examples; the number of queries is constant."""
    entries = (
        Entry.objects.published().with_evidence().order_by_position().select_related("country")
    )
    ally_list: Any = (
        AllyList.objects.published()
        .filter(featured=True)
        .select_related("focus", "recorded_from")
        .prefetch_related(Prefetch("entries", entries, to_attr="shown_entries"))
        .featured_first()
        .first()
    )
    if ally_list is None:
        return None
    focus, today = ally_list.focus, timezone.localdate()
    rows = _focus_allies(focus, today)
    ties = {row.country.pk: row for row in rows}
    for entry in ally_list.shown_entries:
        entry.tie = ties.get(entry.country_id)
    since = ten_years_earlier(today)
    changed = count_by_field(get_changed_allies(TieComparison.of(focus, since, today)), "change")
    return FeaturedList(
        ally_list=ally_list,
        entries=ally_list.shown_entries,
        allies=standing_on_the_day(Ties(focus, today)),
        map=build_world_map(focus, rows, day=today, region="") if rows else None,
        pair=_best_documented(focus, ally_list.shown_entries),
        days=_past_days(focus, today),
        lists=list(
            AllyList.objects.published()
            .filter(focus=focus)
            .select_related("recorded_from")
            .featured_first()
        ),
        since=since,
        changed=_by_change(changed),
    )


def _focus_allies(focus: Country, day: dt.date) -> list[AllyRow]:
    """Return the focus's allies without their latest events, which are the slowest to find."""
    ties = Ties(focus, day)
    return ties.rows(ties.allies(), with_events=False)


def _best_documented(focus: Country, entries: list[Any]) -> FeaturedPair | None:
    """Return the pair with the best-documented listed ally; disputed ties come first."""
    rows = [entry.tie for entry in entries if entry.tie]
    if not rows:
        return None
    best = max(rows, key=lambda row: (row.disputed, row.independent_sources))
    return FeaturedPair(CountryPair.of(focus, best.country), best)


def _past_days(focus: Country, today: dt.date) -> list[tuple[dt.date, StandingCounts]]:
    days = [dt.date(today.year - years, 1, 1) for years in SUGGESTED_YEARS_AGO]
    allies: dict[dt.date, Any] = {day: Ties(focus, day).allies() for day in days}
    asked = {
        f"{day} {standing}": allies[day].filter(standing=standing)
        for day in days
        for standing in CURRENT_STANDINGS
    }
    counts = count_many(asked)
    found = [
        (
            day,
            StandingCounts.of({one: counts.get(f"{day} {one}", 0) for one in CURRENT_STANDINGS}),
        )
        for day in days
    ]
    return [(day, standing) for day, standing in found if standing.total]


def _by_change(counts: Mapping[str, int]) -> list[tuple[TieChange, int]]:
    return [(change, counts[change]) for change in TieChange if counts.get(change)]
