"""Rows of lists, cached by their values: after an edit, nearly all rows are unchanged."""

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from allies.models import Country, Event, VoteScope
from allies.page_cache.fragments import cache_fragment
from allies.templatetags.allies_tags import choice_label, issue_label, other_language
from allies.templatetags.flag_tags import flag
from allies.ties.allies_on_day import AllyRow
from allies.ties.ties_between import CountryPair

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()


class DisplayText(NamedTuple):
    """A bilingual text as shown; ``language`` is "" if it is the reader's."""

    text: str
    language: str

    @classmethod
    def of(cls, text: "StrOrPromise") -> "DisplayText":
        return cls(str(text), other_language(text))


class EventRow(NamedTuple):
    """The values that a list of events shows per event."""

    slug: str
    title: DisplayText
    date: str
    kind: str
    certainty: str
    certainty_label: str
    independent_sources: int
    disputes: int


class RollCallRow(NamedTuple):
    """The values that a list of UN votes shows per vote.

    ``totals`` are (role, its label, number of countries). ``cast`` are (name of a country, what it
    did) for the countries of the filter.
    """

    slug: str
    title: DisplayText
    date: str
    session: int | None
    resolution: str
    scope: str
    issues: tuple[str, ...]
    is_important: bool
    totals: tuple[tuple[str, str, int], ...]
    cast: tuple[tuple[str, str], ...]
    independent_sources: int
    disputes: int


class TieLabel(NamedTuple):
    """The values that a list of allies shows per alliance; ``label`` is that of ``kind``."""

    slug: str
    title: DisplayText
    kind: str
    label: str


class LatestEvent(NamedTuple):
    """The values that a list of allies shows of an ally's latest event."""

    slug: str
    title: DisplayText
    date: str


class AllyRowValues(NamedTuple):
    """The values that a list of allies shows per ally.

    ``focus`` is the name of the focus country. ``pair`` holds both slugs in the order of their
    page. ``on`` is the requested day (ISO 8601), "" if none was requested.
    """

    slug: str
    name: DisplayText
    flag: SafeString
    ties: tuple[TieLabel, ...]
    since: str
    standing: str
    last_confirmed: dt.date | None
    event: LatestEvent | None
    independent_sources: int
    disputed: bool
    focus: str
    pair: tuple[str, str]
    on: str


@register.simple_tag
def event_row(event: Event) -> SafeString:
    """Render an event as a row of a list; it needs its evidence annotated."""
    return _event_row(
        EventRow(
            event.slug,
            DisplayText.of(event.title),
            event.date,
            choice_label(event, "kind"),
            event.certainty,
            choice_label(event, "certainty"),
            event.independent_sources,  # type: ignore[attr-defined]
            event.disputes,  # type: ignore[attr-defined]
        )
    )


@cache_fragment
def _event_row(row: EventRow) -> SafeString:
    return render_to_string("allies/event/_row.html", {"row": row})


@register.simple_tag
def roll_call_row(event: Any) -> SafeString:
    """Render a UN vote as a row of a list: with evidence, ``role_counts`` and ``cast``."""
    is_part = event.scope in (VoteScope.AMENDMENT, VoteScope.PARAGRAPH)
    return _roll_call_row(
        RollCallRow(
            event.slug,
            DisplayText.of(event.title),
            event.date,
            event.session,
            event.resolution,
            choice_label(event, "scope") if is_part else "",
            tuple(issue_label(code) for code in event.issue_codes),
            bool(event.is_important),
            tuple((role.value, str(role.label), n) for role, n in event.role_counts.totals),
            tuple((str(part.country.name), choice_label(part, "role")) for part in event.cast),
            event.independent_sources,
            event.disputes,
        )
    )


@cache_fragment
def _roll_call_row(row: RollCallRow) -> SafeString:
    return render_to_string("allies/roll_call/_row.html", {"row": row})


@register.simple_tag
def ally_row(row: AllyRow, focus: Country, day: dt.date, is_asked: str | None) -> SafeString:
    """Render an ally as a row of a list; ``is_asked`` is the query parameter ``on``, if any."""
    event, pair = row.latest_event, CountryPair.of(focus, row.country)
    return _ally_row(
        AllyRowValues(
            row.country.slug,
            DisplayText.of(row.country.name),
            flag(row.country),
            tuple(
                TieLabel(one.slug, DisplayText.of(one.title), one.kind, choice_label(one, "kind"))
                for one in row.alliances
            ),
            row.since,
            str(row.standing),
            row.last_confirmed,
            LatestEvent(event.slug, DisplayText.of(event.title), event.date) if event else None,
            row.independent_sources,
            row.disputed,
            str(focus.name),
            (pair.first.slug, pair.second.slug),
            day.isoformat() if is_asked else "",
        )
    )


@cache_fragment
def _ally_row(row: AllyRowValues) -> SafeString:
    return render_to_string("allies/country/_ally_row.html", {"row": row})
