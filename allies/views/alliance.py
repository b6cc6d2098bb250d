"""Alliances as readers meet them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Min, Prefetch, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.description import in_each_language
from allies.evidence import with_citations
from allies.filters import AllianceFilterSet, ReadersFilterSet
from allies.models import Alliance, Event, Membership, Pair
from allies.models.languages import localized
from allies.notes import prose_of, prose_of_citations
from allies.views.columns import DISPUTED, INDEPENDENT_SOURCES, Column, stored
from allies.views.event import EventListing
from allies.views.figures import events_timeline, members_timeline
from allies.views.listing import Listing
from allies.views.record import RecordView, Renameable, find

if TYPE_CHECKING:
    from allies.models.alliance import AllianceQuerySet


def _with_members(alliances: QuerySet[Alliance]) -> QuerySet[Alliance]:
    members = Membership.objects.select_related("country").order_by(
        localized("name", "country__"), "joined_earliest", "pk"
    )
    return alliances.prefetch_related(Prefetch("memberships", members, to_attr="shown_memberships"))


class AllianceListing(Listing):
    filterset_class = AllianceFilterSet
    template_name = "allies/alliance/list.html"
    dated = ("signed_earliest",)
    columns = (
        Column(
            "alliance", lambda alliance: alliance.slug, _("alliance"), _("The alliance’s slug.")
        ),
        *stored(Alliance, "identifier", "kind", "title_en", "title_ind"),
        *stored(Alliance, "signed", "in_force", "ended"),
        Column(
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

    def for_download(self, queryset: Any) -> QuerySet[Alliance]:
        return _with_members(queryset)

    def filterset(self) -> ReadersFilterSet:
        self.asked = super().filterset()
        return self.asked

    def context(self) -> dict[str, object]:
        """Return the day asked for and the first year there was an alliance, for the slider."""
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
    """Return the codes of an alliance's members, each once."""
    codes = (membership.country.code for membership in alliance.shown_memberships)
    return list(dict.fromkeys(codes))


class AllianceEvents(Renameable, EventListing):
    """The events of one alliance, for download."""

    def prepare(self, **kwargs: Any) -> None:
        self.alliance = find(Alliance.objects.published(), kwargs["slug"])

    def queryset(self) -> Any:
        return super().queryset().filter(alliance=self.alliance)

    def title(self) -> Any:
        return in_each_language(_events_of)(self.alliance)


def _events_of(alliance: Alliance) -> str:
    return gettext("Events of %(alliance)s") % {"alliance": alliance.title}


class AlliancePage(RecordView):
    template_name = "allies/alliance/detail.html"
    context_object_name = "alliance"

    def get_queryset(self) -> QuerySet[Alliance]:
        events = Event.objects.published().with_evidence().newest_first()
        return _with_members(with_citations(self.records(Alliance))).prefetch_related(
            Prefetch("events", events, to_attr="shown_events")
        )

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        alliance: Any = self.object
        between = {membership.country for membership in alliance.shown_memberships}
        pair = Pair.of(*between) if len(between) == 2 else None
        return super().get_context_data(
            pair=pair,
            members=members_timeline(alliance, alliance.shown_memberships),
            events=events_timeline(alliance.shown_events, title=_events_of(alliance)),
            **kwargs,
        )

    def prose(self) -> Iterable[str]:
        yield from prose_of([self.object], "summary")
        yield from prose_of_citations([self.object])
