"""Countries, and the ally list of any of them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import OuterRef
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.description import EDTF_NOTE, in_each_language
from allies.filters import AllyFilterSet, CountryFilterSet, ReadersFilterSet
from allies.models import (
    Alliance,
    AllyList,
    AllyRow,
    Country,
    Event,
    Membership,
    Participation,
    allies_of,
    ally_rows,
)
from allies.models.base import counted
from allies.views.listing import (
    COUNTRY_CODE,
    DISPUTED,
    INDEPENDENT_SOURCES,
    Column,
    Listing,
    stored,
)
from allies.views.record import RecordView, Renameable, find

#: Alliances and events a country's page shows; the rest is a link away.
SHOWN = 12


def _ties() -> Coalesce:
    """Return the number of published alliances a country is or was part of."""
    memberships = Membership.objects.published().filter(country=OuterRef("pk"))
    return counted(memberships, "country", "alliance")


class CountryListing(Listing):
    filterset_class = CountryFilterSet
    template_name = "allies/country/list.html"
    per_page = 100
    columns = (
        Column("country", lambda country: country.code, _("country"), COUNTRY_CODE),
        *stored(Country, "alpha3", "alpha2", "m49", "cow_code", "name_en", "name_ind"),
        *stored(Country, "region", "subregion", "existed_from", "existed_to"),
        Column(
            "ties",
            lambda country: country.tie_count,
            _("ties"),
            _("Published alliances the country is or was part of."),
            "integer",
        ),
    )

    def queryset(self) -> Any:
        return Country.objects.published().annotate(tie_count=_ties()).by_name()


class CountryPage(RecordView):
    template_name = "allies/country/detail.html"
    context_object_name = "country"

    def get_queryset(self) -> Any:
        return (
            self.records(Country)
            .select_related("successor")
            .prefetch_related("aliases", "predecessors")
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        country: Any = self.object
        alliances = Alliance.objects.published().with_member(country)
        events = Event.objects.published().filter(
            pk__in=Participation.objects.filter(country=country).values("event")
        )
        day = country.existed_to_latest or timezone.localdate()
        return super().get_context_data(
            ally_count=allies_of(country, on=day).count(),
            alliances=alliances.with_evidence().newest_first()[:SHOWN],
            alliance_count=alliances.count(),
            events=events.with_evidence().newest_first()[:SHOWN],
            event_count=events.count(),
            lists=AllyList.objects.published().filter(focus=country).featured_first(),
            named_in=AllyList.objects.published()
            .filter(pk__in=country.entries.published().values("ally_list"))
            .select_related("focus")
            .featured_first(),
            **kwargs,
        )


class AllyListing(Renameable, Listing):
    """The ally list of a country: one row a country bound to it on a day."""

    filterset_class = AllyFilterSet
    template_name = "allies/country/allies.html"
    columns = (
        Column("country", lambda row: row.country.code, _("country"), COUNTRY_CODE),
        *stored(Country, "name_en", "name_ind", of="country"),
        Column(
            "kinds",
            lambda row: [str(kind) for kind in row.kinds],
            _("kinds of tie"),
            _("The kinds of the alliances both are in."),
        ),
        Column("since", lambda row: row.since, _("since"), EDTF_NOTE),
        Column(
            "alliances",
            lambda row: [alliance.slug for alliance in row.alliances],
            _("alliances"),
            _("The slugs of the alliances both are in."),
        ),
        Column(
            "latest_event",
            lambda row: row.latest_event.slug if row.latest_event else "",
            _("latest event"),
            _("The slug of the latest event both took part in."),
        ),
        Column(
            "latest_event_date",
            lambda row: row.latest_event.date if row.latest_event else "",
            _("date of the latest event"),
            EDTF_NOTE,
        ),
        INDEPENDENT_SOURCES,
        DISPUTED._replace(value=lambda row: row.disputed),
    )
    per_page = 300  # every country there is: an ally list is read as a whole

    def prepare(self, **kwargs: Any) -> None:
        self.country = find(Country.objects.published(), kwargs["slug"])

    def queryset(self) -> Any:
        return Country.objects.none()  # the filter asks for the allies on its day

    def filterset(self) -> ReadersFilterSet:
        self.asked = AllyFilterSet(self.request.GET, focus=self.country)
        return self.asked

    def rows(self, queryset: Any) -> Iterable[AllyRow]:
        return ally_rows(self.country, queryset, on=self.asked.day, kind=self.asked.kind_of_tie)

    def page_rows(self, queryset: Any) -> Iterable[AllyRow]:
        return self.rows(queryset) if self.asked.is_valid() else []

    def title(self) -> Any:
        return _allies_in_words(self.country)

    def whole(self) -> int:
        return int(allies_of(self.country, on=timezone.localdate()).count())

    def context(self) -> dict[str, Any]:
        day = self.asked.day if self.asked.is_valid() else None
        return {"country": self.country, "day": day}


@in_each_language
def _allies_in_words(country: Country) -> str:
    return gettext("Allies of %(country)s") % {"country": country.name_in_text}
