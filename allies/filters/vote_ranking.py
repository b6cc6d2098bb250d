"""Filters for the ranking of countries by how alike they vote with one country."""

from collections.abc import Mapping
from functools import cached_property

from django.db.models import Model, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.filters.base import CountFilter, PublicFilterSet
from allies.filters.country import CountriesFilterSet
from allies.models import Country
from allies.page_cache.memo import while_unchanged
from allies.ties.vote_ranking import VotesOfAll, YearRange, votes_of_all

#: The years that the filter accepts.
FIRST_YEAR, LAST_YEAR = 1945, 9999

#: The filters in the order in which the form shows them.
FILTER_ORDER = ("from", "to", "min_votes", "region", "q")


class VoteRankingFilterSet(CountriesFilterSet):
    """The countries with enough votes in common with ``focus`` in the years ``from``–``to``."""

    first_fields = ("from", "to", "min_votes", "region")
    #: ``from`` is a keyword in Python, so ``get_filters`` renames this filter.
    first = CountFilter(
        label=_("From year"), method="noop", min_value=FIRST_YEAR, max_value=LAST_YEAR
    )
    to = CountFilter(
        label=_("Until year"), method="noop", min_value=FIRST_YEAR, max_value=LAST_YEAR
    )
    min_votes = CountFilter(
        label=_("Minimum joint votes"),
        method="noop",
        min_value=1,
        max_value=1_000_000,
        help_text=_("If empty: a tenth of the country’s votes."),
    )

    class Meta(PublicFilterSet.Meta):
        model = Country
        fields: list[str] = []

    def __init__(self, data: Mapping[str, object], *, focus: Country) -> None:
        self.focus = focus
        super().__init__(data, queryset=Country.objects.none())

    @classmethod
    def get_filters(cls) -> "dict[str, object]":
        named = {"first": "from"}
        found = {named.get(name, name): f for name, f in super().get_filters().items()}
        return {name: found[name] for name in FILTER_ORDER}

    def is_valid(self) -> bool:
        """Validate the values, and refuse a first year after the last one."""
        if super().is_valid() and not self.years.is_in_order:
            self.form.add_error("from", gettext("The first year is after the last one."))
        return bool(super().is_valid())

    @property
    def years(self) -> YearRange:
        """The requested years; the filter must be valid."""
        asked = self.form.cleaned_data
        return YearRange(asked.get("from"), asked.get("to"))

    @cached_property
    def votes(self) -> VotesOfAll:
        """The votes in these years; cached until the content changes."""
        key = ("votes of all", self.focus.pk, self.years)
        return while_unchanged(key, lambda: votes_of_all(self.focus, self.years))

    @property
    def minimum(self) -> int:
        """The number of joint votes from which a country is ranked."""
        return self.form.cleaned_data.get("min_votes") or self.votes.default_minimum

    @property
    def too_few(self) -> int:
        """Number of countries with some joint votes, but fewer than the minimum."""
        return sum(votes.both_cast < self.minimum for votes in self.votes.others.values())

    def filter_queryset(self, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Return the countries that are ranked, narrowed by the other filters."""
        ranked = [pk for pk, votes in self.votes.others.items() if votes.both_cast >= self.minimum]
        return super().filter_queryset(Country.objects.published().filter(pk__in=ranked))
