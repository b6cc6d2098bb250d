"""Everything between two countries on one page: ties, events, votes, lists, and the evidence."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView

from allies.evidence import with_citations
from allies.models import (
    Citation,
    Entry,
    Event,
    EventKind,
    Pair,
    Participation,
    Stance,
    Standing,
    Tie,
    certainty_of_ties,
    first_year_of,
    ties_between,
)
from allies.models.source import origin_of
from allies.notes import Notes, prose_of, prose_of_citations
from allies.views.as_of import OnADay
from allies.views.duties import in_sentences
from allies.views.record import Renameable, find_pair
from allies.views.voting import votes_shown

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet

#: Events the page shows, and UN votes with evidence of their own; the rest is a link away.
SHOWN = 12

#: A UN vote that came with a data set is summed up, unless a source disputes it.
_TOLD_APART = Q(identifier="") | Q(disputes__gt=0)


def events_of(pair: Pair, **asked: str) -> str:
    """Return the address of the events of both, narrowed by what else is asked."""
    query = QueryDict(mutable=True)
    query.update({"country": pair.first.code, "with": pair.second.code, **asked})
    return f"{reverse('allies:event-list')}?{query.urlencode()}"


class ShownTie(NamedTuple):
    """A tie, and what is owed in it, as sentences."""

    tie: Tie
    duties: list[str]


class PairPage(OnADay, Renameable, TemplateView):
    """Two countries, and all that is known between them."""

    template_name = "allies/pair/detail.html"

    def usual_day(self) -> dt.date:
        """Return today, or the last day on which both were there."""
        ends = [country.existed_to_latest for country in self.pair.both]
        return min([end for end in ends if end], default=timezone.localdate())

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        pair = self.pair = find_pair(self.kwargs["first"], self.kwargs["second"])
        until = {"date_before": self.day.isoformat()} if self.asks_for_a_day else {}
        alliances = with_citations(pair.alliances()).newest_first()
        ties = ties_between(pair, alliances, on=self.day)
        all_events = pair.events().until(self.day) if self.asks_for_a_day else pair.events()
        events = all_events.exclude(kind=EventKind.UN_VOTE)
        votes = all_events.filter(kind=EventKind.UN_VOTE).with_evidence().filter(_TOLD_APART)
        shown_events, shown_votes = _statements(pair, events), _statements(pair, votes)
        entries = list(
            with_citations(pair.entries())
            .select_related("country", "ally_list__focus", "ally_list__recorded_from__derived_from")
            .order_by("ally_list__slug")
        )
        cited = [*(tie.alliance for tie in ties), *shown_events, *shown_votes, *entries]
        return super().get_context_data(
            pair=pair,
            absent=[c for c in pair.both if not c.existed_on(self.day)],
            first_year=first_year_of(*pair.both),
            ties=_by_standing(ties, pair),
            in_force=certainty_of_ties(ties),
            events=shown_events,
            event_count=events.count(),
            events_address=events_of(pair, votes="none", **until),
            votes=votes_shown(pair, until=self.day if self.asks_for_a_day else None),
            differing_address=events_of(pair, votes="different", **until),
            told_votes=shown_votes,
            entries=entries,
            evidence=_evidence(ties, events, votes, entries),
            notes=Notes(_prose([*shown_events, *shown_votes], ties, cited)),
            **kwargs,
        )


def _statements(pair: Pair, events: "EventQuerySet") -> list[Event]:
    """Return the latest of these events, with their evidence and the parts of both: ``parts``."""
    parts = (
        Participation.objects.filter(country__in=pair.both)
        .select_related("country")
        .order_by("country__slug", "role")
    )
    shown = with_citations(events).prefetch_related(
        Prefetch("participations", parts, to_attr="parts")
    )
    return list(shown.newest_first()[:SHOWN])


def _by_standing(ties: list[Tie], pair: Pair) -> list[tuple[Standing, list[ShownTie]]]:
    """Return the ties by how they stand to the day, those in force first."""
    found: dict[Standing, list[ShownTie]] = {standing: [] for standing in Standing}
    for tie in ties:
        duties = [text for duty in tie.duties for text in in_sentences(duty, pair)]
        found[tie.standing].append(ShownTie(tie, duties))
    return [(standing, shown) for standing, shown in found.items() if shown]


def _evidence(
    ties: list[Tie], events: QuerySet[Event], votes: Any, entries: list[Entry]
) -> dict[str, int]:
    """Count what all the statements together rest on, the summed-up votes left out; one query."""
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


def _prose(events: list[Event], ties: list[Tie], cited: list[Any]) -> Iterable[str]:
    yield from prose_of([*(tie.alliance for tie in ties), *events], "summary")
    yield from prose_of_citations(cited)
