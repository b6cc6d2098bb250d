"""Alliances as readers meet them."""

from typing import Any

from django.db.models import Prefetch

from allies.filters import AllianceFilterSet
from allies.models import Alliance, Event, Membership
from allies.models.languages import localized
from allies.views.evidence import with_citations
from allies.views.listing import Column, Listing
from allies.views.record import RecordView


def _with_members(alliances: Any) -> Any:
    members = Membership.objects.select_related("country").order_by(
        localized("name", "country__"), "joined_earliest", "pk"
    )
    return alliances.prefetch_related(Prefetch("memberships", members, to_attr="shown_memberships"))


class AllianceListing(Listing):
    filterset_class = AllianceFilterSet
    template_name = "allies/alliance/list.html"
    columns = (
        Column("alliance", lambda alliance: alliance.slug),
        Column("identifier", lambda alliance: alliance.identifier),
        Column("kind", lambda alliance: alliance.kind),
        Column("title_en", lambda alliance: alliance.title_en),
        Column("title_ind", lambda alliance: alliance.title_ind),
        Column("signed", lambda alliance: alliance.signed),
        Column("in_force", lambda alliance: alliance.in_force),
        Column("ended", lambda alliance: alliance.ended),
        Column("members", lambda alliance: member_codes(alliance)),
        Column("independent_sources", lambda alliance: alliance.independent_sources),
        Column("disputed", lambda alliance: bool(alliance.disputes)),
    )

    def queryset(self) -> Any:
        return Alliance.objects.published().with_evidence().newest_first()

    def for_download(self, queryset: Any) -> Any:
        return _with_members(queryset)


def member_codes(alliance: Any) -> list[str]:
    """Return the codes of an alliance's members, each once."""
    codes = (membership.country.code for membership in alliance.shown_memberships)
    return list(dict.fromkeys(codes))


class AlliancePage(RecordView):
    template_name = "allies/alliance/detail.html"
    context_object_name = "alliance"

    def get_queryset(self) -> Any:
        events = Event.objects.published().with_evidence().newest_first()
        return _with_members(with_citations(self.records(Alliance))).prefetch_related(
            Prefetch("events", events, to_attr="shown_events")
        )
