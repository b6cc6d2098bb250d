"""The front page, and the choice of a language before it."""

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

from allies.figures.world import WorldMap, world_map
from allies.filters.facets import counted_at_once, grouped
from allies.filters.tie_changes import ten_years_before
from allies.models import (
    Alliance,
    AllyList,
    AllyRow,
    CertaintyCounts,
    Country,
    Entry,
    Event,
    Pair,
    Source,
    TieChange,
    Ties,
    TwoDays,
    changed_allies,
)
from allies.models.m49 import REGIONS

#: How many years ago the days are that the front page gives as examples.
YEARS_AGO = (100, 50, 25)


def choose_language(request: HttpRequest) -> HttpResponse:
    """Lead to the front page in the language the reader's browser asks for."""
    response = redirect(f"/{get_language_from_request(request)}/")
    patch_vary_headers(response, ["Accept-Language"])
    return response


#: What counts of certainty are made of, in their order.
_SURE = (True, False)


class Example(NamedTuple):
    """A pair of the featured list whose ties are best documented or disputed: ``row``."""

    pair: Pair
    row: AllyRow


class Featured(NamedTuple):
    """The featured list, and what of this site can be shown with its focus.

    ``entries`` each have their ``tie``, an AllyRow or None. ``map`` is None where nothing is tied
    to the focus; ``pair`` and ``changed`` likewise. ``days`` are (day, how many allies), none of
    zero; ``lists`` are the published lists about the focus; ``changed`` has how many of each
    TieChange since ``since``.
    """

    ally_list: AllyList
    entries: list[Entry]
    allies: CertaintyCounts
    map: WorldMap | None
    pair: Example | None
    days: list[tuple[dt.date, CertaintyCounts]]
    lists: list[AllyList]
    since: dt.date
    changed: list[tuple[TieChange, int]]


class FrontPage(TemplateView):
    template_name = "allies/front.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        counts = grouped(Country.objects.published(), "region")
        return super().get_context_data(
            featured=_featured(),
            events=Event.objects.published().with_evidence().newest_first()[:8],
            regions=[(code, name, counts.get(code, 0)) for code, name in REGIONS.items()],
            alliance_count=Alliance.objects.published().count(),
            event_count=Event.objects.published().count(),
            source_count=Source.objects.published().count(),
            **kwargs,
        )


def _featured() -> Featured | None:
    """Return the featured list with its examples; the number of queries is always the same."""
    entries = Entry.objects.published().with_evidence().in_order().select_related("country")
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
    rows = _tied(focus, today)
    ties = {row.country.pk: row for row in rows}
    for entry in ally_list.shown_entries:
        entry.tie = ties.get(entry.country_id)
    since = ten_years_before(today)
    changed = grouped(changed_allies(TwoDays.of(focus, since, today)), "change")
    return Featured(
        ally_list=ally_list,
        entries=ally_list.shown_entries,
        allies=CertaintyCounts.of_allies((row.certain, row.last_confirmed) for row in rows),
        map=world_map(focus, rows, day=today, region="") if rows else None,
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


def _tied(focus: Country, day: dt.date) -> list[AllyRow]:
    """Return the focus's allies; their latest events, which take longest to find, are left out."""
    ties = Ties(focus, day)
    return ties.rows(ties.allies(), with_events=False)


def _best_documented(focus: Country, entries: list[Any]) -> Example | None:
    """Return the listed ally with whom there is most to show: what is disputed before all else."""
    rows = [entry.tie for entry in entries if entry.tie]
    if not rows:
        return None
    best = max(rows, key=lambda row: (row.disputed, row.independent_sources))
    return Example(Pair.of(focus, best.country), best)


def _past_days(focus: Country, today: dt.date) -> list[tuple[dt.date, CertaintyCounts]]:
    days = [dt.date(today.year - years, 1, 1) for years in YEARS_AGO]
    allies: dict[dt.date, Any] = {day: Ties(focus, day).allies() for day in days}
    asked = {f"{day} {sure}": allies[day].filter(certain=sure) for day in days for sure in _SURE}
    counts = counted_at_once(asked)
    found = [
        (day, CertaintyCounts.of({sure: counts.get(f"{day} {sure}", 0) for sure in _SURE}))
        for day in days
    ]
    return [(day, certainty) for day, certainty in found if certainty.all]


def _by_change(counts: Mapping[str, int]) -> list[tuple[TieChange, int]]:
    return [(change, counts[change]) for change in TieChange if counts.get(change)]
