"""Rows of lists, drawn once for the same values: after an edit, nearly all are what they were."""

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from allies.models import Country, Event
from allies.page_cache.fragments import cache_fragment
from allies.templatetags.allies_tags import choice_label, other_language
from allies.ties.pairs import CountryPair
from allies.ties.ties import AllyRow

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()


class DisplayText(NamedTuple):
    """A bilingual text as it is shown; ``language`` is its own, where it is not the reader's."""

    text: str
    language: str

    @classmethod
    def of(cls, text: "StrOrPromise") -> "DisplayText":
        return cls(str(text), other_language(text))


class EventRow(NamedTuple):
    """What a list of events shows of one."""

    slug: str
    title: DisplayText
    date: str
    kind: str
    certainty: str
    certainty_label: str
    independent_sources: int
    disputes: int


class TieLabel(NamedTuple):
    """What a list of allies shows of an alliance; ``label`` is what the word ``kind`` means."""

    slug: str
    title: DisplayText
    kind: str
    label: str


class LatestEvent(NamedTuple):
    """What a list of allies shows of an event."""

    slug: str
    title: DisplayText
    date: str


class AllyRowValues(NamedTuple):
    """What a list of allies shows of one country.

    ``focus`` is the name of the country whose list it is, ``pair`` the slugs of both as their page
    has them, ``on`` the day that was asked for as in an address, "" where none was.
    """

    slug: str
    name: DisplayText
    ties: tuple[TieLabel, ...]
    since: str
    certain: bool
    last_confirmed: dt.date | None
    event: LatestEvent | None
    independent_sources: int
    disputed: bool
    focus: str
    pair: tuple[str, str]
    on: str


@register.simple_tag
def event_row(event: Event) -> SafeString:
    """Show an event, with its evidence counted, as a row of a list."""
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
def ally_row(row: AllyRow, focus: Country, day: dt.date, is_asked: str | None) -> SafeString:
    """Show a country as a row of the list of another's allies; was its day asked for?"""
    event, pair = row.latest_event, CountryPair.of(focus, row.country)
    return _ally_row(
        AllyRowValues(
            row.country.slug,
            DisplayText.of(row.country.name),
            tuple(
                TieLabel(one.slug, DisplayText.of(one.title), one.kind, choice_label(one, "kind"))
                for one in row.alliances
            ),
            row.since,
            row.certain,
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
