"""The share card of a page: ``card.png`` below the page's own address, in its language."""

from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from allies.cards import Card, draw
from allies.edtf import end_in_words, in_words
from allies.filters import AllyFilterSet
from allies.models import Alliance, AllyList, Citation, Country, Entry, Event, Source
from allies.models.ally_list import promise_in_words
from allies.models.m49 import NAMES
from allies.models.source import origin_of
from allies.views.edition import EditionView, readable
from allies.views.event import parts_in_order
from allies.views.record import Renameable, find, find_pair

#: How long a card may be kept elsewhere, and how long it is kept here, in seconds.
FRESH, KEPT = 3600, 24 * 3600

#: Names a card has room for; of the others it says how many there are.
MOST = 60


def _sources(count: int) -> str:
    return ngettext("%(n)s independent source", "%(n)s independent sources", count) % {"n": count}


def _line(*parts: object) -> str:
    return " · ".join(str(part) for part in parts if part)


def _names(countries: Any) -> dict[str, Any]:
    """Return a card's names, each once: as many as have room, and how many more there are."""
    names = list(dict.fromkeys(str(country.name) for country in countries))
    return {"items": tuple(names[:MOST]), "more": max(len(names) - MOST, 0)}


class CardView(View):
    """A page's card. A subclass says what is on it; Http404 where readers have no such page."""

    def card(self) -> Card:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the picture; it is drawn anew only where what it says has changed."""
        card = self.card()
        etag = f'"{card.key}"'
        known = get_conditional_response(request, etag=etag)
        if known is not None:
            return known
        picture = cache.get_or_set(f"card-{card.key}", lambda: draw(card), KEPT)
        response = HttpResponse(picture, content_type="image/png", headers={"ETag": etag})
        patch_cache_control(response, public=True, max_age=FRESH)
        return response


class SiteCard(CardView):
    """The card of every page that has none of its own."""

    def card(self) -> Card:
        return Card(
            title=_("Who stands with whom, and how do we know?"),
            note=_("Ally lists that give a source for every statement."),
        )


class ListCard(Renameable, CardView):
    def card(self) -> Card:
        lists = AllyList.objects.published().select_related("focus")
        ally_list = find(lists, self.kwargs["slug"])
        entries = list(
            Entry.objects.published()
            .filter(ally_list=ally_list)
            .in_order()
            .select_related("country")
        )
        sources = Citation.objects.from_published_sources().supporting().filter(entry__in=entries)
        count = sources.aggregate(n=Count(origin_of("source__"), distinct=True))["n"]
        return Card(
            title=str(ally_list.title),
            kicker=_line(_allies_of(ally_list.focus), ally_list.scope_name),
            note=promise_in_words(ally_list.promised, len(entries)),
            fact=_sources(count),
            numbered=True,
            **_names(entry.country for entry in entries),
        )


def _allies_of(country: Country) -> str:
    return _("Allies of %(country)s") % {"country": country.name_in_text}


class AlliesCard(Renameable, CardView):
    """The card of an ally list, with its day and filter; what they may not be is left aside."""

    def card(self) -> Card:
        country = find(Country.objects.published(), self.kwargs["slug"])
        asked = AllyFilterSet(self.request.GET, focus=country)
        if not asked.is_valid():
            asked = AllyFilterSet({}, focus=country)
            asked.is_valid()
        names = _names(asked.qs)
        count = len(names["items"]) + names["more"]
        return Card(
            title=_allies_of(country),
            kicker=date_format(asked.day, "j F Y"),
            note="" if count else _("No countries match this filter on this date."),
            fact=ngettext("%(n)s country", "%(n)s countries", count) % {"n": count},
            **names,
        )


class CountryCard(Renameable, CardView):
    def card(self) -> Card:
        country = find(Country.objects.published(), self.kwargs["slug"])
        existed = f"{in_words(country.existed_from)} – {in_words(country.existed_to)}"
        lists = AllyList.objects.published().filter(focus=country).featured_first()
        alliances = Alliance.objects.published().with_member(country).count()
        return Card(
            title=str(country.name),
            kicker=_line(
                NAMES.get(country.subregion or country.region), country.existed_to and existed
            ),
            items=tuple(str(ally_list.title) for ally_list in lists[:4]),
            fact=ngettext("%(n)s alliance", "%(n)s alliances", alliances) % {"n": alliances},
        )


class AllianceCard(Renameable, CardView):
    def card(self) -> Card:
        alliance = find(Alliance.objects.published().with_evidence(), self.kwargs["slug"])
        members = Country.objects.filter(memberships__alliance=alliance).by_name().distinct()
        dates = " – ".join(filter(None, [in_words(alliance.began), end_in_words(alliance.ended)]))
        return Card(
            title=str(alliance.title),
            kicker=_line(alliance.get_kind_display(), dates),
            fact=_sources(alliance.independent_sources),
            **_names(members),
        )


class EventCard(Renameable, CardView):
    def card(self) -> Card:
        event = find(Event.objects.published().with_evidence(), self.kwargs["slug"])
        parts = parts_in_order(event.participations.select_related("country"))
        return Card(
            title=str(event.title),
            kicker=_line(event.get_kind_display(), in_words(event.date)),
            fact=_sources(event.independent_sources),
            **_names(part.country for part in parts),
        )


class SourceCard(Renameable, CardView):
    def card(self) -> Card:
        source: Source = find(Source.objects.published(), self.kwargs["key"], "key")
        return Card(
            title=source.title,
            kicker=_line(source.publisher, in_words(source.date_published)),
            fact=source.get_kind_display(),
        )


class EditionCard(EditionView, CardView):
    """An edition's card says what was frozen."""

    def card(self) -> Card:
        shown = readable(self.edition.data)["list"]
        names = tuple(str(entry["country"]["name"]) for entry in shown["entries"])
        made = date_format(self.edition.made_at, "j F Y")
        return Card(
            title=str(shown["title"]),
            kicker=_line(_("Edition %(number)s") % {"number": self.edition.number}, made),
            note=promise_in_words(shown["promised"], len(names)),
            items=names[:MOST],
            more=max(len(names) - MOST, 0),
            numbered=True,
        )


class PairCard(Renameable, CardView):
    def card(self) -> Card:
        pair = find_pair(self.kwargs["first"], self.kwargs["second"])
        ties = [
            f"{alliance.get_kind_display()} ({in_words(alliance.began)})"
            if alliance.began
            else str(alliance.get_kind_display())
            for alliance in pair.alliances().newest_first()
        ]
        events = pair.events().count()
        return Card(
            title=_("%(first)s and %(second)s")
            % {"first": pair.first.name, "second": pair.second.name},
            items=tuple(ties[:MOST]),
            more=max(len(ties) - MOST, 0),
            kicker=ngettext("%(n)s alliance", "%(n)s alliances", len(ties)) % {"n": len(ties)},
            fact=ngettext("%(n)s event", "%(n)s events", events) % {"n": events},
        )
