"""Public pages of alliances: list, events for download and detail."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Min, Prefetch, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.citations.footnotes import citation_notes, localized_texts
from allies.datapackage.metadata import localized_callable
from allies.evidence.disagreements import find_disagreements, with_membership_citations
from allies.evidence.grouping import with_citations
from allies.filters import AllianceFilterSet, EventFilterSet, PublicFilterSet
from allies.models import Alliance, Event, Membership
from allies.models.alias import other_names
from allies.models.country import country_order
from allies.ties.obligations_text import uneven_obligation_sentences
from allies.ties.ties_between import CountryPair
from allies.views.charts import build_events_timeline, build_members_timeline
from allies.views.detail import OldSlugRedirectMixin, RecordDetailView, find_record
from allies.views.download_columns import (
    DISPUTED,
    INDEPENDENT_SOURCES,
    DownloadColumn,
    model_columns,
)
from allies.views.event import AllEventsListing
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.alliance import AllianceQuerySet
    from allies.models.membership import MembershipQuerySet


def _members() -> "MembershipQuerySet":
    """Return memberships with their countries, sorted by the country's name."""
    return Membership.objects.select_related("country").order_by(
        country_order("country__"), "joined_earliest", "pk"
    )


def _with_members(
    alliances: QuerySet[Alliance], members: "MembershipQuerySet | None" = None
) -> QuerySet[Alliance]:
    members = _members() if members is None else members
    return alliances.prefetch_related(Prefetch("memberships", members, to_attr="shown_memberships"))


class AllianceListing(Listing):
    filterset_class = AllianceFilterSet
    template_name = "allies/alliance/list.html"
    dated = ("signed_earliest",)
    columns = (
        DownloadColumn(
            "alliance", lambda alliance: alliance.slug, _("alliance"), _("The alliance’s slug.")
        ),
        *model_columns(Alliance, "identifier", "kind", "title_en", "title_ind"),
        *model_columns(Alliance, "signed", "in_force", "ended"),
        DownloadColumn(
            "members",
            lambda alliance: member_codes(alliance),
            _("members"),
            _("The members’ country codes."),
            many=True,
        ),
        INDEPENDENT_SOURCES,
        DISPUTED,
    )

    def queryset(self) -> "AllianceQuerySet":
        return Alliance.objects.published().with_evidence().newest_first()

    def prefetch_for_download(self, queryset: Any) -> QuerySet[Alliance]:
        return _with_members(queryset)

    def filterset(self) -> PublicFilterSet:
        self.asked = super().filterset()
        return self.asked

    def context(self) -> dict[str, object]:
        """Return the requested day and the year of the first alliance, for the slider."""
        valid = self.asked.is_valid()
        days = Alliance.objects.published().aggregate(
            Min("in_force_earliest"), Min("signed_earliest")
        )
        first = min(filter(None, days.values()), default=None)
        return {
            "day": self.asked.form.cleaned_data["on"] if valid else None,
            "first_year": first.year if first else None,
        }


def member_codes(alliance: Any) -> list[str]:
    """Return the country codes of an alliance's members without duplicates."""
    codes = (membership.country.code for membership in alliance.shown_memberships)
    return list(dict.fromkeys(codes))


class AllianceEvents(OldSlugRedirectMixin, AllEventsListing):
    """The events of one alliance, without UN votes, for download."""

    filterset_class = EventFilterSet

    def prepare(self, **kwargs: Any) -> None:
        self.alliance = find_record(Alliance.objects.published(), kwargs["slug"])

    def queryset(self) -> Any:
        return super().queryset().except_roll_calls().filter(alliance=self.alliance)

    def title(self) -> Any:
        return localized_callable(_events_of)(self.alliance)


def _events_of(alliance: Alliance) -> str:
    return gettext("Events of %(alliance)s") % {"alliance": alliance.title}


class AllianceDetailView(RecordDetailView):
    template_name = "allies/alliance/detail.html"
    context_object_name = "alliance"

    def get_queryset(self) -> QuerySet[Alliance]:
        events = Event.objects.published().except_roll_calls().with_evidence().newest_first()
        members = with_membership_citations(_members())
        alliances = _with_members(with_citations(self.base_queryset(Alliance)), members)
        return alliances.prefetch_related(
            "aliases", Prefetch("events", events, to_attr="shown_events")
        )

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        alliance: Any = self.object
        between = {membership.country for membership in alliance.shown_memberships}
        pair = CountryPair.of(*between) if len(between) == 2 else None
        return super().get_context_data(
            pair=pair,
            other_names=other_names(alliance, alliance.title),
            promises=list(uneven_obligation_sentences(alliance.shown_memberships)),
            disagreements=list(find_disagreements(alliance.shown_memberships)),
            members=build_members_timeline(alliance, alliance.shown_memberships),
            events=build_events_timeline(alliance.shown_events, title=_events_of(alliance)),
            **kwargs,
        )

    def cited_texts(self) -> Iterable[str]:
        yield from localized_texts([self.object], "summary")
        yield from citation_notes([*self.object.shown_memberships, self.object])
