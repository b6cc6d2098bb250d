"""Parts of records in bulk: aliases, spells, participations, entries, citations, key events.

These have no pages of their own, because the pages of their records show them. The API offers them
to clients that want all of them.
"""

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db.models import Model, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.related import (
    AliasFilterSet,
    AllEntriesFilterSet,
    CitationFilterSet,
    KeyEventFilterSet,
    ParticipationFilterSet,
    SeeAlsoFilterSet,
    SpellFilterSet,
)
from allies.models import (
    Alias,
    Citation,
    Country,
    Entry,
    Event,
    KeyEvent,
    Participation,
    SeeAlso,
    Spell,
)
from allies.models.alias import AliasQuerySet
from allies.models.country import country_code
from allies.views.download_columns import (
    COUNTRY_CODE,
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.ally_list import SeeAlsoQuerySet
    from allies.models.citation import CitationQuerySet
    from allies.models.event import ParticipationQuerySet
    from allies.models.key_event import KeyEventQuerySet
    from allies.models.spell import SpellQuerySet

_COUNTRY = DownloadColumn("country", lambda part: part.country.code, _("country"), COUNTRY_CODE)
_EVENT = DownloadColumn("event", lambda part: part.event.slug, _("event"), _("The event’s slug."))
_ALLIANCE = DownloadColumn(
    "alliance",
    lambda part: part.alliance.slug if part.alliance else "",
    _("alliance"),
    _("The alliance’s slug."),
)
_LIST = DownloadColumn(
    "list", lambda part: part.ally_list.slug, _("ally list"), _("The list’s slug.")
)
_ENTRY = DownloadColumn(
    "entry",
    lambda one: one.entry.code if one.entry else "",
    _("entry"),
    _("The list’s slug and the country’s code, like list/CHN."),
)
_SOURCE = DownloadColumn(
    "source", lambda part: part.source.key, _("source"), _("The source’s citation key.")
)


class AliasListing(Listing):
    filterset_class = AliasFilterSet
    columns = (
        _COUNTRY._replace(value=lambda alias: alias.country.code if alias.country else ""),
        _ALLIANCE,
        *model_columns(Alias, "name", "language"),
    )

    def queryset(self) -> AliasQuerySet:
        return Alias.objects.published().select_related("country", "alliance").order_by("pk")


class SpellListing(Listing):
    filterset_class = SpellFilterSet
    columns = (_COUNTRY, *model_columns(Spell, "began", "ended"))

    def queryset(self) -> "SpellQuerySet":
        return Spell.objects.published().select_related("country").order_by("pk")


class ParticipationListing(Listing):
    filterset_class = ParticipationFilterSet
    columns = (
        _EVENT._replace(value=attrgetter("event_slug")),
        _COUNTRY._replace(value=attrgetter("country_code")),
        *model_columns(Participation, "role"),
    )
    # Subqueries, run only for the rows shown. With a join, SQLite would sort all rows first.
    _shown = (
        Participation.objects.published()
        .annotate(
            event_slug=Event.objects.filter(pk=OuterRef("event")).values("slug"),
            country_code=Country.objects.filter(pk=OuterRef("country")).values(code=country_code()),
        )
        .order_by("pk")
    )

    def queryset(self) -> "ParticipationQuerySet":
        return self._shown.all()

    def prefetch_for_download(self, queryset: Any) -> "ParticipationQuerySet":
        """Read the shown columns only, no model instances: there may be millions."""
        return queryset.values_list("pk", "event_slug", "country_code", "role", named=True)


class AllEntriesListing(Listing):
    """The entries of all lists."""

    filterset_class = AllEntriesFilterSet
    columns = (
        _LIST,
        _COUNTRY,
        *model_columns(Entry, "position", "prose_en", "prose_ind"),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def queryset(self) -> QuerySet[Model]:
        entries = Entry.objects.published().with_evidence()
        return entries.select_related("ally_list", "country").order_by("pk")


class KeyEventListing(Listing):
    filterset_class = KeyEventFilterSet
    columns = (
        _ENTRY,
        _EVENT,
        *model_columns(KeyEvent, "position"),
    )

    def queryset(self) -> "KeyEventQuerySet":
        related = ("entry__ally_list", "entry__country", "event")
        return KeyEvent.objects.published().select_related(*related).order_by("pk")


class SeeAlsoListing(Listing):
    filterset_class = SeeAlsoFilterSet
    columns = (_LIST, _SOURCE, *model_columns(SeeAlso, "position"))

    def queryset(self) -> "SeeAlsoQuerySet":
        return SeeAlso.objects.published().select_related("ally_list", "source").order_by("pk")


class CitationListing(Listing):
    """All public citations: what each source says for or against each record."""

    filterset_class = CitationFilterSet
    columns = (
        _SOURCE,
        _ALLIANCE,
        DownloadColumn(
            "membership",
            lambda one: one.membership.code if one.membership else "",
            _("membership"),
            _("The alliance’s slug, the country’s code and the date of joining."),
        ),
        _EVENT._replace(value=lambda one: one.event.slug if one.event else ""),
        _ENTRY,
        *model_columns(Citation, "stance", "locator", "quote", "note_en", "note_ind"),
        *model_columns(Citation, "joined", "left"),
        DownloadColumn(
            "verified_on",
            lambda one: one.verified_on.isoformat() if one.verified_on else "",
            _("verified on"),
            type="date",
        ),
    )

    def queryset(self) -> "CitationQuerySet":
        related = (
            *("source", "alliance", "membership__alliance", "membership__country", "event"),
            *("entry__ally_list", "entry__country"),
        )
        return Citation.objects.published().select_related(*related).order_by("pk")
