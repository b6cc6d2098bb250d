"""Charts and timelines of pages, built from records, with their titles and descriptions."""

import datetime as dt
from collections.abc import Iterable, Mapping
from enum import Enum

from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from allies.charts.timeline import Timeline, TimelineItem, build_timeline
from allies.charts.year_chart import build_year_chart
from allies.models import (
    Alliance,
    AllianceKind,
    Certainty,
    Country,
    Event,
    Membership,
    YearlyCounts,
)
from allies.page_cache.fragments import cache_fragment
from allies.text.bidi import isolate
from allies.text.edtf import bounds

#: Minimum numbers of events and of years for a chart; below, the list says more.
ENOUGH_EVENTS, ENOUGH_YEARS = 5, 2

#: Shade of each kind of tie: the stronger the obligation, the darker.
_TONES: dict[str, str] = {
    AllianceKind.DEFENCE_PACT: "tone-1",
    AllianceKind.NEUTRALITY_PACT: "tone-2",
    AllianceKind.NON_AGGRESSION_PACT: "tone-2",
    AllianceKind.ENTENTE: "tone-2",
    AllianceKind.STRATEGIC_PARTNERSHIP: "tone-3",
    AllianceKind.INFORMAL_ALIGNMENT: "tone-3",
    AllianceKind.ORGANISATION: "tone-3",
}


class EventChart(Enum):
    """What a chart by year counts; the value is the first part of the names of its views."""

    EVENTS = "event"
    VOTES = "vote"


def build_events_chart(
    events: YearlyCounts, asked: Mapping[str, str], chart: EventChart = EventChart.EVENTS
) -> SafeString:
    """Render the chart of events by year; "" if there are too few. Bars link to their year's list.

    ``asked`` are the filters of the list that gives these events.
    """
    if sum(events.counts.values()) < ENOUGH_EVENTS or len(events.counts) < ENOUGH_YEARS:
        return SafeString("")
    counts = tuple(sorted(events.counts.items()))
    return _events_by_year(chart.value, counts, events.uncertain, tuple(asked.items()))


@cache_fragment
def _events_by_year(
    kind: str, counts: tuple[tuple[int, int], ...], unsure: int, asked: tuple[tuple[str, str], ...]
) -> SafeString:
    years = YearlyCounts(dict(counts), unsure).total
    most = max(years, key=lambda point: point[1])
    said = {
        "total": number_format(sum(number for _year, number in counts), force_grouping=True),
        "first": years[0][0],
        "last": years[-1][0],
        "most": number_format(most[1], force_grouping=True),
        "year": most[0],
    }
    if kind == EventChart.VOTES.value:
        title = _("UN votes by year")
        description = _(
            "%(total)s votes from %(first)s to %(last)s, one bar per year. The year "
            "with the most votes is %(year)s (%(most)s)."
        )
    else:
        title = _("Events by year")
        description = _(
            "%(total)s events from %(first)s to %(last)s, one bar per year. The year "
            "with the most events is %(year)s (%(most)s)."
        )
    every = reverse(f"allies:{kind}-list")
    chart = build_year_chart(
        years,
        name=f"{kind}s-by-year",
        title=title,
        description=description % said,
        unit="count",
        links={year: _list_of_year(every, dict(asked), year) for year, number in years if number},
    )
    csv = _with_query(reverse(f"allies:{kind}-years-csv"), dict(asked))
    shown = {"chart": chart, "csv": csv, "note": _how_counted(unsure)}
    return render_to_string("allies/charts/_year_chart.html", shown)


def _list_of_year(events: str, asked: Mapping[str, str], year: int) -> str:
    """Return the URL of the event list of a year, within the days already filtered for."""
    after = max(asked.get("date_after", ""), f"{year:04}-01-01")
    before = min(asked.get("date_before") or "9999-12-31", f"{year:04}-12-31")
    days = {"date_after": after, "date_before": before}
    return _with_query(events, {**asked, **days})


def _with_query(address: str, asked: Mapping[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update(asked)
    return f"{address}?{query.urlencode()}" if query else address


def _how_counted(unsure: int) -> str:
    """Return a note on how many events are not counted because their year is uncertain."""
    if not unsure:
        return ""
    return ngettext(
        "Each event counts in its year. %(n)s event that may belong to "
        "more than one year is left out.",
        "Each event counts in its year. %(n)s events that may belong "
        "to more than one year are left out.",
        unsure,
    ) % {"n": number_format(unsure, force_grouping=True)}


def build_country_timeline(
    country: Country, memberships: Iterable[Membership], day: dt.date | None
) -> Timeline:
    """Return the timeline of a country's memberships, one bar per membership."""
    spans = [
        TimelineItem(
            isolate(str(membership.alliance.title)),
            membership.alliance.get_absolute_url(),
            membership.began,
            membership.ended,
            _TONES[membership.alliance.kind],
            membership.alliance.get_kind_display(),
        )
        for membership in memberships
    ]
    return build_timeline(
        spans,
        name="memberships",
        title=_("Memberships of %(country)s") % {"country": country.name_in_text},
        description=_describe_timeline(spans),
        day=day,
        legend=_legend(spans),
    )


def _legend(spans: list[TimelineItem]) -> dict[str, str]:
    """Return the meaning of the bars' shades, if there are several."""
    said = {
        "tone-1": _("defence pact"),
        "tone-2": _("non-aggression pact, neutrality pact or entente"),
        "tone-3": _("partnership, alignment or organisation"),
    }
    tones = {span.css_class for span in spans}
    return {tone: words for tone, words in said.items() if tone in tones} if len(tones) > 1 else {}


def build_members_timeline(alliance: Alliance, memberships: Iterable[Membership]) -> Timeline:
    """Return the timeline of an alliance's members, one bar per membership."""
    in_time = sorted(memberships, key=_began)
    spans = [
        TimelineItem(
            str(membership.country.name),
            membership.country.get_absolute_url(),
            membership.began,
            membership.ended,
            note=membership.get_role_display() if membership.role != "member" else "",
        )
        for membership in in_time
    ]
    return build_timeline(
        spans,
        name="members",
        title=_("Members of %(alliance)s") % {"alliance": isolate(str(alliance.title))},
        description=_describe_timeline(spans),
    )


def _began(membership: Membership) -> dt.date:
    earliest, latest = bounds(membership.began)
    return earliest or latest or dt.date.min


def build_events_timeline(
    events: Iterable[Event], *, title: str, day: dt.date | None = None
) -> Timeline:
    """Return the timeline of events; several share a line if they do not overlap."""
    in_time = sorted(events, key=lambda event: (event.date_earliest or dt.date.min, event.slug))
    spans = [
        TimelineItem(
            isolate(str(event.title)),
            event.get_absolute_url(),
            event.date,
            event.date,
            f"certainty-{event.certainty}",
            f"{event.get_kind_display()}, {event.get_certainty_display()}"
            if event.certainty in (Certainty.ALLEGED, Certainty.DISPUTED)
            else event.get_kind_display(),
        )
        for event in in_time
    ]
    return build_timeline(
        spans,
        name="events",
        title=title,
        description=_describe_timeline(spans),
        packed=True,
        day=day,
    )


def _describe_timeline(spans: list[TimelineItem]) -> str:
    """Describe a timeline for readers who cannot see it."""
    number = len({(span.label, span.url) for span in spans})
    return ngettext(
        "A timeline with %(n)s entry. The table on this page shows the same data.",
        "A timeline with %(n)s entries. The table on this page shows the same data.",
        number,
    ) % {"n": number_format(number)}
