"""Base of the lists of one country's ties, whose filter computes the rows."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from allies.feeds.allies import HasAlliances, ally_correction_entries
from allies.feeds.atom import FeedEntry
from allies.filters import PublicFilterSet
from allies.models import Alliance, Country, Membership
from allies.views.detail import OldSlugRedirectMixin, find_record
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.country import CountryQuerySet
    from allies.models.membership import MembershipQuerySet

Asked = TypeVar("Asked", bound=PublicFilterSet)
Shown = TypeVar("Shown", bound=HasAlliances)


class CountryTiesListing(OldSlugRedirectMixin, Listing, Generic[Asked, Shown]):
    """The countries tied to one country, one row each. A subclass implements ``rows``."""

    filterset_class: type[Asked]
    per_page = 300  # more than there are countries, so everything is on one page

    def prepare(self, **kwargs: Any) -> None:
        self.country = find_record(Country.objects.published(), kwargs["slug"])

    def queryset(self) -> "CountryQuerySet":
        return Country.objects.none()  # the filter builds the queryset for its days

    def filterset(self) -> Asked:
        self.asked = self.filterset_class(self.request.GET, focus=self.country)
        return self.asked

    def cited_rows(self, filterset: PublicFilterSet) -> "MembershipQuerySet":
        alliances = Alliance.objects.published().with_member(self.country)
        return Membership.objects.filter(alliance__in=alliances.values("pk"))

    def rows(self, queryset: QuerySet[Model]) -> Iterable[Shown]:
        raise NotImplementedError

    def page_rows(self, queryset: Any) -> Iterable[Shown]:
        self.shown = list(self.rows(queryset)) if self.asked.is_valid() else []
        return self.shown

    @cached_property
    def all_rows(self) -> list[Shown]:
        """All rows of the filter, on whichever page."""
        return list(self.rows(self.asked.qs))

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterable[FeedEntry]:
        return ally_correction_entries(self.all_rows)
