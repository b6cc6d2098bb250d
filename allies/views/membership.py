"""Memberships for download: of all countries, of one country, or of one alliance."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.datapackage.metadata import EDTF_NOTE, localized_callable
from allies.filters import MembershipFilterSet
from allies.filters.related import AnyMembershipFilterSet
from allies.models import OBLIGATIONS, Alliance, Country, Membership
from allies.views.detail import OldSlugRedirectMixin, find_record
from allies.views.download_columns import COUNTRY_CODE, DownloadColumn, model_columns
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.membership import MembershipQuerySet


class MembershipListing(Listing):
    """All memberships, sorted by start."""

    filterset_class: type[MembershipFilterSet] = AnyMembershipFilterSet
    columns = (
        DownloadColumn(
            "alliance", lambda row: row.alliance.slug, _("alliance"), _("The alliance’s slug.")
        ),
        *model_columns(Alliance, "title_en", "title_ind", "kind", of="alliance"),
        DownloadColumn("country", lambda row: row.country.code, _("country"), COUNTRY_CODE),
        *model_columns(Country, "name_en", "name_ind", of="country"),
        *model_columns(Membership, "role"),
        DownloadColumn("began", lambda row: row.began, _("began"), EDTF_NOTE),
        DownloadColumn("ended", lambda row: row.ended, _("ended"), EDTF_NOTE),
        *model_columns(Membership, *OBLIGATIONS),
    )

    def of(self) -> dict[str, object]:
        """Return the filter for the country or alliance in the URL; {} for all memberships."""
        return {}

    def queryset(self) -> "MembershipQuerySet":
        return Membership.objects.published().filter(**self.of()).order_by_start()


class CountryMembershipListing(OldSlugRedirectMixin, MembershipListing):
    filterset_class = MembershipFilterSet

    def prepare(self, **kwargs: Any) -> None:
        self.country = find_record(Country.objects.published(), kwargs["slug"])

    def of(self) -> dict[str, object]:
        return {"country": self.country}

    def title(self) -> Any:
        return _of_country(self.country)


class AllianceMembershipListing(OldSlugRedirectMixin, MembershipListing):
    filterset_class = MembershipFilterSet

    def prepare(self, **kwargs: Any) -> None:
        self.alliance = find_record(Alliance.objects.published(), kwargs["slug"])

    def of(self) -> dict[str, object]:
        return {"alliance": self.alliance}

    def title(self) -> Any:
        return _of_alliance(self.alliance)


@localized_callable
def _of_country(country: Country) -> str:
    return gettext("Memberships of %(country)s") % {"country": country.name_in_text}


@localized_callable
def _of_alliance(alliance: Alliance) -> str:
    return gettext("Members of %(alliance)s") % {"alliance": alliance.title}
