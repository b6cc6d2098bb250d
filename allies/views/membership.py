"""Memberships for download: all there are, all of a country, and all of an alliance."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.description import EDTF_NOTE, in_each_language
from allies.filters import MembershipFilterSet
from allies.filters.parts import AnyMembershipFilterSet
from allies.models import DUTIES, Alliance, Country, Membership
from allies.views.columns import COUNTRY_CODE, Column, stored
from allies.views.listing import Listing
from allies.views.record import Renameable, find

if TYPE_CHECKING:
    from allies.models.alliance import MembershipQuerySet


class MembershipListing(Listing):
    """All memberships, in the order they began."""

    filterset_class: type[MembershipFilterSet] = AnyMembershipFilterSet
    columns = (
        Column("alliance", lambda row: row.alliance.slug, _("alliance"), _("The alliance’s slug.")),
        *stored(Alliance, "title_en", "title_ind", "kind", of="alliance"),
        Column("country", lambda row: row.country.code, _("country"), COUNTRY_CODE),
        *stored(Country, "name_en", "name_ind", of="country"),
        *stored(Membership, "role"),
        Column("began", lambda row: row.began, _("began"), EDTF_NOTE),
        Column("ended", lambda row: row.ended, _("ended"), EDTF_NOTE),
        *stored(Membership, *DUTIES),
    )

    def of(self) -> dict[str, object]:
        """Return the field that holds the one record they are of, and the record."""
        return {}

    def queryset(self) -> "MembershipQuerySet":
        return Membership.objects.published().filter(**self.of()).in_time()


class CountryMemberships(Renameable, MembershipListing):
    filterset_class = MembershipFilterSet

    def prepare(self, **kwargs: Any) -> None:
        self.country = find(Country.objects.published(), kwargs["slug"])

    def of(self) -> dict[str, object]:
        return {"country": self.country}

    def title(self) -> Any:
        return _of_country(self.country)


class AllianceMemberships(Renameable, MembershipListing):
    filterset_class = MembershipFilterSet

    def prepare(self, **kwargs: Any) -> None:
        self.alliance = find(Alliance.objects.published(), kwargs["slug"])

    def of(self) -> dict[str, object]:
        return {"alliance": self.alliance}

    def title(self) -> Any:
        return _of_alliance(self.alliance)


@in_each_language
def _of_country(country: Country) -> str:
    return gettext("Memberships of %(country)s") % {"country": country.name_in_text}


@in_each_language
def _of_alliance(alliance: Alliance) -> str:
    return gettext("Members of %(alliance)s") % {"alliance": alliance.title}
