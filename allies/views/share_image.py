"""Share images of pages: ``card.png`` below the page's URL, in its language."""

from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from allies.filters import AllyFilterSet
from allies.models import Alliance, AllyList, Citation, Country, Entry, Event, Source, Standing
from allies.models.ally_list import headline_count_text
from allies.models.m49 import NAMES
from allies.models.source import origin_of
from allies.text.bidi import isolate
from allies.text.edtf import format_edtf, format_period, format_start_date
from allies.ties.allies_on_day import Ties, standing_on_the_day
from allies.ties.standing_text import allies_in_words
from allies.ties.ties_between import get_ties_between
from allies.views.detail import OldSlugRedirectMixin, find_pair, find_record
from allies.views.edition import EditionView, localize_edition
from allies.views.event import parts_in_order
from allies.web.share_images import ShareImage, render_png

#: Cache time in browsers and proxies, and in our own cache, in seconds.
FRESH, KEPT = 3600, 24 * 3600

#: Maximum number of names on an image; of the others it says how many there are.
MAX_NAMES = 60


def _sources(count: int) -> str:
    return ngettext("%(n)s independent source", "%(n)s independent sources", count) % {"n": count}


def _line(*parts: object) -> str:
    return " · ".join(isolate(str(part)) for part in parts if part)


def _names(countries: Any) -> dict[str, Any]:
    """Return ``items`` (up to MAX_NAMES unique names) and ``more`` (number of the others)."""
    names = list(dict.fromkeys(str(country.name) for country in countries))
    return {"items": tuple(names[:MAX_NAMES]), "more": max(len(names) - MAX_NAMES, 0)}


class ShareImageView(View):
    """The share image of a page. A subclass returns its content or raises Http404."""

    def share_image(self) -> ShareImage:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the PNG; it is drawn again only if its content has changed."""
        card = self.share_image()
        etag = f'"{card.key}"'
        known = get_conditional_response(request, etag=etag)
        if known is not None:
            return known
        picture = cache.get_or_set(f"card-{card.key}", lambda: render_png(card), KEPT)
        response = HttpResponse(picture, content_type="image/png", headers={"ETag": etag})
        patch_cache_control(response, public=True, max_age=FRESH)
        return response


class SiteShareImage(ShareImageView):
    """The image of every page that has none of its own."""

    def share_image(self) -> ShareImage:
        return ShareImage(
            title=_("Who stands with whom, and how do we know?"),
            note=_("Ally lists that give a source for every statement."),
        )


class AllyListShareImage(OldSlugRedirectMixin, ShareImageView):
    def share_image(self) -> ShareImage:
        lists = AllyList.objects.published().select_related("focus")
        ally_list = find_record(lists, self.kwargs["slug"])
        entries = list(
            Entry.objects.published()
            .filter(ally_list=ally_list)
            .order_by_position()
            .select_related("country")
        )
        sources = Citation.objects.from_published_sources().supporting().filter(entry__in=entries)
        count = sources.aggregate(n=Count(origin_of("source__"), distinct=True))["n"]
        return ShareImage(
            title=str(ally_list.title),
            kicker=_line(_allies_of(ally_list.focus), ally_list.scope_name),
            note=headline_count_text(ally_list.promised, len(entries)),
            fact=_sources(count),
            numbered=True,
            **_names(entry.country for entry in entries),
        )


def _allies_of(country: Country) -> str:
    return _("Allies of %(country)s") % {"country": country.name_in_text}


class AlliesShareImage(OldSlugRedirectMixin, ShareImageView):
    """The image of a country's confirmed allies, with date and filter.

    An invalid filter is ignored. Other allies are shown only if the filter asks for them.
    """

    def share_image(self) -> ShareImage:
        country = find_record(Country.objects.published(), self.kwargs["slug"])
        asked = AllyFilterSet(self.request.GET, focus=country)
        if not asked.is_valid():
            asked = AllyFilterSet({}, focus=country)
            asked.is_valid()
        allies = asked.qs
        if not asked.form.cleaned_data.get("standing"):
            allies = allies.filter(standing=Standing.CONFIRMED)
        names = _names(allies)
        count = len(names["items"]) + names["more"]
        return ShareImage(
            title=_allies_of(country),
            kicker=date_format(asked.day, "j F Y"),
            note="" if count else _("No countries match this filter on this date."),
            fact=ngettext("%(n)s country", "%(n)s countries", count) % {"n": count}
            if count
            else "",
            **names,
        )


class CountryShareImage(OldSlugRedirectMixin, ShareImageView):
    def share_image(self) -> ShareImage:
        country = find_record(Country.objects.published(), self.kwargs["slug"])
        existed = f"{format_start_date(country.existed_from)} – {format_edtf(country.existed_to)}"
        lists = AllyList.objects.published().filter(focus=country).featured_first()
        day = country.existed_to_latest or timezone.localdate()
        allies = standing_on_the_day(Ties(country, day))
        return ShareImage(
            title=str(country.name),
            kicker=_line(
                NAMES.get(country.subregion or country.region), country.existed_to and existed
            ),
            items=tuple(str(ally_list.title) for ally_list in lists[:4]),
            fact=allies_in_words(
                allies, country.name_in_text, day if country.existed_to_latest else None
            ).text,
        )


class AllianceShareImage(OldSlugRedirectMixin, ShareImageView):
    def share_image(self) -> ShareImage:
        alliance = find_record(Alliance.objects.published().with_evidence(), self.kwargs["slug"])
        members = Country.objects.filter(memberships__alliance=alliance).order_by_name().distinct()
        dates = format_period(alliance.began, alliance.ended)
        return ShareImage(
            title=str(alliance.title),
            kicker=_line(alliance.get_kind_display(), dates),
            fact=_sources(alliance.independent_sources),
            **_names(members),
        )


class EventShareImage(OldSlugRedirectMixin, ShareImageView):
    def share_image(self) -> ShareImage:
        event = find_record(Event.objects.published().with_evidence(), self.kwargs["slug"])
        parts = parts_in_order(event.participations.select_related("country"))
        return ShareImage(
            title=str(event.title),
            kicker=_line(event.get_kind_display(), format_edtf(event.date)),
            fact=_sources(event.independent_sources),
            **_names(part.country for part in parts),
        )


class SourceShareImage(OldSlugRedirectMixin, ShareImageView):
    def share_image(self) -> ShareImage:
        source: Source = find_record(Source.objects.published(), self.kwargs["key"], "key")
        return ShareImage(
            title=source.title,
            kicker=_line(source.publisher, format_edtf(source.date_published)),
            fact=source.get_kind_display(),
        )


class EditionShareImage(EditionView, ShareImageView):
    """The image of an edition, from its frozen content."""

    def share_image(self) -> ShareImage:
        shown = localize_edition(self.edition.data)["list"]
        names = tuple(str(entry["country"]["name"]) for entry in shown["entries"])
        made = date_format(self.edition.made_at, "j F Y")
        return ShareImage(
            title=str(shown["title"]),
            kicker=_line(_("Edition %(number)s") % {"number": self.edition.number}, made),
            note=headline_count_text(shown["promised"], len(names)),
            items=names[:MAX_NAMES],
            more=max(len(names) - MAX_NAMES, 0),
            numbered=True,
        )


class CountryPairShareImage(OldSlugRedirectMixin, ShareImageView):
    def share_image(self) -> ShareImage:
        pair = find_pair(self.kwargs["first"], self.kwargs["second"])
        found = get_ties_between(pair, pair.alliances().newest_first(), on=timezone.localdate())
        ties = [
            f"{tie.alliance.get_kind_display()} ({format_start_date(tie.alliance.began)})"
            if tie.alliance.began
            else str(tie.alliance.get_kind_display())
            for tie in found
            if tie.standing == Standing.CONFIRMED
        ]
        events = pair.events().count()
        return ShareImage(
            title=pair.name,
            items=tuple(ties[:MAX_NAMES]),
            more=max(len(ties) - MAX_NAMES, 0),
            kicker=ngettext("%(n)s tie in force", "%(n)s ties in force", len(ties))
            % {"n": len(ties)}
            if ties
            else _("No current ties recorded"),
            fact=ngettext("%(n)s event", "%(n)s events", events) % {"n": events},
        )
