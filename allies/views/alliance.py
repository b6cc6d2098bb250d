"""Alliances as readers meet them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

from allies.filters import AllianceFilterSet
from allies.models import Alliance, Event, Membership
from allies.models.languages import localized
from allies.views.evidence import with_citations
from allies.views.listing import DISPUTED, INDEPENDENT_SOURCES, Column, Listing, stored
from allies.views.notes import prose_of, prose_of_citations
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
        ),
        INDEPENDENT_SOURCES,
        DISPUTED,
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

    def prose(self) -> Iterable[str]:
        yield from prose_of([self.object], "summary")
        yield from prose_of_citations([self.object])
