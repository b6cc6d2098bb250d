"""Filters for the changes of a country's allies between two days."""

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING

import django_filters
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from allies.filters.ally import TiesFilterSet
from allies.filters.base import DayFilter
from allies.ties.allies_on_day import Ties
from allies.ties.tie_changes import TieChange, TieComparison, get_changed_allies

if TYPE_CHECKING:
    from allies.models.country import CountryQuerySet

#: How many years are compared if no first day is given.
DEFAULT_YEARS = 10

#: The filters in the order in which the form shows them.
FILTER_ORDER = ("from", "to", "change", "kind", "region", "q")


class TieChangeFilterSet(TiesFilterSet):
    """The countries whose ties to ``focus`` differ between the days ``from`` and ``to``.

    By default, ``to`` is today, and ``from`` is ten years before ``to``.
    """

    first_fields = ("from", "to", "kind")
    #: ``from`` is a keyword in Python, so ``get_filters`` renames this filter.
    first = DayFilter(
        label=_("From"),
        method="noop",
        help_text=_("If empty: ten years before the end date."),
    )
    to = DayFilter(label=_("Until"), method="noop", help_text=_("If empty: today."))
    change = django_filters.ChoiceFilter(
        label=pgettext_lazy("tie", "Change"), choices=TieChange.choices
    )

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        named = {"first": "from"}
        found = {named.get(name, name): f for name, f in super().get_filters().items()}
        return {name: found[name] for name in FILTER_ORDER}

    def is_valid(self) -> bool:
        """Validate the values, and refuse a start date after the end date."""
        if super().is_valid() and self.days.start > self.days.end:
            self.form.add_error(
                "from",
                gettext("The start date is after the end date."),
            )
        return bool(super().is_valid())

    @property
    def days(self) -> TieComparison:
        """The compared days and the requested kind of tie; the filter must be valid."""
        return self._days.of_kind(self.requested_kind)

    @cached_property
    def _days(self) -> TieComparison:
        asked = self.form.cleaned_data
        end = asked.get("to") or timezone.localdate()
        return TieComparison.of(self.focus, asked.get("from") or ten_years_earlier(end), end)

    def allies_among(self, ties: Ties) -> "CountryQuerySet":
        """Return the allies on one of the days, filtered by region and name like the changes."""
        found = ties.allies()
        for name in ("region", "q"):
            found = self.filters[name].filter(found, self.form.cleaned_data[name])
        return found

    def filter_queryset(self, queryset: QuerySet[Model]) -> QuerySet[Model]:
        return super().filter_queryset(get_changed_allies(self.days))


def ten_years_earlier(day: dt.date) -> dt.date:
    """Return the same day ten years before.

    29 February becomes 28 February. Before year 1, return the first possible date.
    """
    year = day.year - DEFAULT_YEARS
    if year < dt.MINYEAR:
        return dt.date.min
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=year, day=28 if leap else day.day)
