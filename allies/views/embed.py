"""Embeds for other sites: lists, maps and timelines, current or as an edition.

No other page may be framed. An embed is at ``/embed`` + the path of its page and takes the same
parameters. Its links open in the whole window, not in the frame.
"""

from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_exempt

from allies.citations.footnotes import FootnoteNumbering
from allies.datapackage.describe import LICENCES
from allies.models import Alliance, Citation, Country, Membership, Stance
from allies.models.source import origin_of
from allies.views.ally_list import AllyListDetailView
from allies.views.as_of import AsOfDateMixin
from allies.views.charts import build_country_timeline, build_members_timeline
from allies.views.country import AllyListing
from allies.views.detail import RecordDetailView
from allies.views.edition import EditionDetailView
from allies.web.embeds import PAGES


def count_origins(**cited: object) -> int:
    """Count the independent sources that support these records together; one query."""
    support = Citation.objects.from_published_sources().supporting().filter(**cited)
    return support.order_by().values(origin=origin_of("source__")).distinct().count()


def embed_footer(independent_sources: int, day: object) -> dict[str, object]:
    """Return the context of an embed's footer: date, number of sources and licence."""
    address, title = LICENCES.get(settings.DATA_LICENCE, ("", settings.DATA_LICENCE))
    licence = {"name": settings.DATA_LICENCE, "title": title, "address": address}
    return {"independent_sources": independent_sources, "as_of": day, "licence": licence}


@method_decorator([csp_replace({"frame-ancestors": ["*"]}), xframe_options_exempt], "dispatch")
class EmbedMixin:
    """A page that other sites may frame; errors show a small page with a link to this site."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except Http404:
            return self.not_found_response(404)
        return (
            self.not_found_response(response.status_code)
            if response.status_code >= 400
            else response
        )

    def not_found_response(self, status: int) -> HttpResponse:
        return render(
            self.request, "allies/embed/not_found.html", {"status": status}, status=status
        )

    @property
    def full_page_url(self) -> str:
        """The URL of the full page, with the same parameters."""
        match = self.request.resolver_match
        assert match is not None  # a dispatched request was resolved
        address = reverse(f"allies:{PAGES[str(match.url_name)]}", kwargs=match.kwargs)
        query = self.request.META.get("QUERY_STRING", "")
        return f"{address}?{query}" if query else address


class AlliesEmbed(EmbedMixin, AllyListing):
    """A country's ally list as a table."""

    template_name = "allies/embed/allies.html"

    def context(self) -> dict[str, object]:
        alliances = {alliance.pk for row in self.shown for alliance in row.alliances}
        day = self.asked.day if self.asked.is_valid() else None
        cited = embed_footer(count_origins(alliance__in=alliances), day)
        return {**super().context(), "view": self, **cited}


class MapEmbed(AlliesEmbed):
    """A country's ally list as a map."""

    template_name = "allies/embed/map.html"


class ListEmbed(EmbedMixin, AllyListDetailView):
    """An ally list: its entries, each with its number of sources."""

    template_name = "allies/embed/list.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        entries = [entry.pk for entry in self.object.shown_entries]
        return super().get_context_data(
            notes=FootnoteNumbering(sources={}),  # footnotes are on the full page only
            **embed_footer(count_origins(entry__in=entries), self.day),
            **kwargs,
        )


class ListTimelineEmbed(ListEmbed):
    """A timeline of the events of the countries on a list."""

    template_name = "allies/embed/timeline.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(subject=str(self.object.title), **kwargs)


class EditionEmbed(EmbedMixin, EditionDetailView):
    """An edition of a list, which never changes."""

    template_name = "allies/embed/edition.html"

    def context(self) -> dict[str, Any]:
        found = super().context()
        cited = {
            (citation["source"]["origin"] or citation["source"])["key"]
            for entry in found["ally_list"]["entries"]
            for citation in entry["citations"]
            if citation["stance"] == Stance.SUPPORTS
        }
        found["notes"] = FootnoteNumbering(sources={})
        return {**found, **embed_footer(len(cited), timezone.localdate(self.edition.made_at))}


class CountryTimelineEmbed(EmbedMixin, AsOfDateMixin, RecordDetailView):
    """A timeline of a country's memberships."""

    template_name = "allies/embed/timeline.html"

    def get_queryset(self) -> QuerySet[Model]:
        return self.base_queryset(Country)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        country: Country = self.object
        memberships = list(Membership.objects.published().filter(country=country).order_by_start())
        return super().get_context_data(
            subject=str(country.name),
            timeline=build_country_timeline(
                country, memberships, self.day if self.has_requested_day else None
            ),
            **embed_footer(
                count_origins(alliance__in=[m.alliance_id for m in memberships]),
                timezone.localdate(),
            ),
            **kwargs,
        )


class AllianceTimelineEmbed(EmbedMixin, RecordDetailView):
    """A timeline of an alliance's members."""

    template_name = "allies/embed/timeline.html"

    def get_queryset(self) -> QuerySet[Model]:
        return self.base_queryset(Alliance)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        alliance: Alliance = self.object
        memberships = Membership.objects.published().filter(alliance=alliance).order_by_start()
        return super().get_context_data(
            subject=str(alliance.title),
            timeline=build_members_timeline(alliance, memberships),
            **embed_footer(count_origins(alliance=alliance), timezone.localdate()),
            **kwargs,
        )
