"""What the views of one country's ties share: a filter that works their rows out itself."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from allies.feeds.allies import HasAlliances, ally_correction_entries
from allies.feeds.atom import FeedEntry
from allies.filters import PublicFilterSet
from allies.models import Country
from allies.views.detail import OldSlugRedirectMixin, find_record
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.country import CountryQuerySet

Asked = TypeVar("Asked", bound=PublicFilterSet)
Shown = TypeVar("Shown", bound=HasAlliances)


class CountryTiesListing(OldSlugRedirectMixin, Listing, Generic[Asked, Shown]):
    """The countries tied to one country, a row each. A subclass says how rows are worked out."""

    filterset_class: type[Asked]
    per_page = 300  # every country there is: who stands with one is read as a whole

    def prepare(self, **kwargs: Any) -> None:
        self.country = find_record(Country.objects.published(), kwargs["slug"])

    def queryset(self) -> "CountryQuerySet":
        return Country.objects.none()  # the filter asks for the countries on its days

    def filterset(self) -> Asked:
        self.asked = self.filterset_class(self.request.GET, focus=self.country)
        return self.asked

    def rows(self, queryset: QuerySet[Model]) -> Iterable[Shown]:
        raise NotImplementedError

    def page_rows(self, queryset: Any) -> Iterable[Shown]:
        self.shown = list(self.rows(queryset)) if self.asked.is_valid() else []
        return self.shown

    @cached_property
    def all_rows(self) -> list[Shown]:
        """The rows of the whole filter, whatever page of them is asked for."""
        return list(self.rows(self.asked.qs))

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterable[FeedEntry]:
        return ally_correction_entries(self.all_rows)
