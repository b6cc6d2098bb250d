"""The page of a pair of countries: ties, events, votes, lists, and the evidence."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView

from allies.citations.footnotes import FootnoteNumbering, citation_notes, localized_texts
from allies.evidence.grouping import with_citations
from allies.models import Citation, Entry, Event, Participation, Stance, Standing
from allies.models.source import origin_of
from allies.ties.allies_on_day import first_year_with_ties
from allies.ties.obligations_text import obligation_sentences
from allies.ties.ties_between import CountryPair, PairTie, count_ties, get_ties_between
from allies.views.as_of import AsOfDateMixin
from allies.views.detail import OldSlugRedirectMixin, find_pair
from allies.views.voting import pair_votes_url, voting_summary

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet

#: Maximum number of events shown, and of UN votes shown one by one; a link leads to the rest.
MAX_SHOWN = 12


def pair_events_url(pair: CountryPair, **asked: str) -> str:
    """Return the URL of the events with both countries and these further filters."""
    query = QueryDict(mutable=True)
    query.update({"country": pair.first.code, "with": pair.second.code, **asked})
    return f"{reverse('allies:event-list')}?{query.urlencode()}"


class TieWithObligations(NamedTuple):
    """A tie, with its obligations as sentences."""

    tie: PairTie
    duties: list[str]


class CountryPairView(AsOfDateMixin, OldSlugRedirectMixin, TemplateView):
    """The page of a pair: everything known between two countries."""

    template_name = "allies/pair/detail.html"

    def default_day(self) -> dt.date:
        """Return today, or the last day on which both countries existed."""
        ends = [country.existed_to_latest for country in self.pair.countries]
        return min([end for end in ends if end], default=timezone.localdate())

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        pair = self.pair = find_pair(self.kwargs["first"], self.kwargs["second"])
        until = {"date_before": self.day.isoformat()} if self.has_requested_day else {}
        alliances = with_citations(pair.alliances()).newest_first()
        ties = get_ties_between(pair, alliances, on=self.day)
        events, roll_calls = pair.events(), pair.roll_calls()
        if self.has_requested_day:
            events, roll_calls = events.until(self.day), roll_calls.until(self.day)
        # Shown one by one are votes that no data set has, and those that a source disputes.
        votes = roll_calls.filter(Q(identifier="") | roll_calls.is_disputed())
        shown_events, shown_votes = _statements(pair, events), _statements(pair, votes)
        entries = list(
            with_citations(pair.entries())
            .select_related("country", "ally_list__focus", "ally_list__recorded_from__derived_from")
            .order_by("ally_list__slug")
        )
        cited = [*(tie.alliance for tie in ties), *shown_events, *shown_votes, *entries]
        return super().get_context_data(
            pair=pair,
            absent=[c for c in pair.countries if not c.existed_on(self.day)],
            first_year=first_year_with_ties(*pair.countries),
            ties=_by_standing(ties, pair),
            in_force=count_ties(ties),
            events=shown_events,
            event_count=events.count(),
            events_address=pair_events_url(pair, **until),
            votes=voting_summary(pair, until=self.day if self.has_requested_day else None),
            votes_address=_votes_address(pair, until),
            all_votes_address=pair_votes_url(pair, **until),
            told_votes=shown_votes,
            entries=entries,
            evidence=_evidence(ties, events, votes, entries),
            notes=FootnoteNumbering(_prose([*shown_events, *shown_votes], ties, cited)),
            **kwargs,
        )


def _votes_address(pair: CountryPair, asked: dict[str, str]) -> str:
    address = reverse("allies:pair-votes", args=[pair.first.slug, pair.second.slug])
    return f"{address}?{urlencode(asked)}" if asked else address


def _statements(pair: CountryPair, events: "EventQuerySet") -> list[Event]:
    """Return the latest events with their evidence; ``parts`` are the participations of both."""
    parts = (
        Participation.objects.filter(country__in=pair.countries)
        .select_related("country")
        .order_by("country__slug", "role")
    )
    shown = with_citations(events).prefetch_related(
        Prefetch("participations", parts, to_attr="parts")
    )
    return list(shown.newest_first()[:MAX_SHOWN])


def _by_standing(
    ties: list[PairTie], pair: CountryPair
) -> list[tuple[Standing, list[TieWithObligations]]]:
    """Group the ties by their standing on the day, the confirmed first."""
    found: dict[Standing, list[TieWithObligations]] = {standing: [] for standing in Standing}
    for tie in ties:
        duties = [text for duty in tie.obligations for text in obligation_sentences(duty, pair)]
        found[tie.standing].append(TieWithObligations(tie, duties))
    return [(standing, shown) for standing, shown in found.items() if shown]


def _evidence(
    ties: list[PairTie], events: QuerySet[Event], votes: Any, entries: list[Entry]
) -> dict[str, int]:
    """Count sources and disputes of everything shown, except votes shown as totals; one query."""
    about = Q(alliance__in=[tie.alliance.pk for tie in ties])
    about |= Q(event__in=events.values("pk")) | Q(event__in=votes.values("pk"))
    about |= Q(entry__in=[entry.pk for entry in entries])
    citations = Citation.objects.from_published_sources().filter(about)
    return citations.aggregate(
        independent_sources=Count(
            origin_of("source__"), distinct=True, filter=Q(stance=Stance.SUPPORTS)
        ),
        disputes=Count("pk", filter=Q(stance=Stance.DISPUTES)),
    )


def _prose(events: list[Event], ties: list[PairTie], cited: list[Any]) -> Iterable[str]:
    yield from localized_texts([*(tie.alliance for tie in ties), *events], "summary")
    yield from citation_notes(cited)
