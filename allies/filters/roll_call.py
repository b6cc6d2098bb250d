"""Filters for UN votes, and for the votes of two countries by year or session."""

import datetime as dt
import re
from typing import TYPE_CHECKING

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import F, Model, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.aggregates import GroupBy, count_distinct_by, group_by_condition
from allies.filters.base import CountFilter, CountryFilter, DisputedFilter, PublicFilterSet
from allies.filters.event import (
    SAME_OR_DIFFERENT,
    DatedFilterSet,
    EventForm,
    date_filters,
    filter_votes,
)
from allies.models import Event, Participation, ParticipationRole, VoteIssue, VoteScope
from allies.ties.voting import VOTE_ROLES, AgreementMeasure, Period, is_unanimous

if TYPE_CHECKING:
    from allies.models.event import EventQuerySet


class RollCallFilters(DatedFilterSet):
    """UN votes by what was voted on and when."""

    issue = django_filters.ChoiceFilter(
        label=_("Issue"), choices=VoteIssue.choices, field_name="issues", lookup_expr="contains"
    )
    resolution = django_filters.CharFilter(
        label=_("Resolution"),
        method="filter_resolution",
        max_length=40,
        help_text=_("Like 2758 or 71/53."),
    )
    session = CountFilter(label=_("Session"), min_value=1, max_value=9_999)
    year = CountFilter(label=_("Year"), method="filter_year", min_value=1, max_value=9_999)
    important = django_filters.ChoiceFilter(
        label=_("Importance"),
        choices=[("yes", _("important")), ("no", _("not important"))],
        method="filter_important",
        help_text=_("As listed by the US State Department."),
    )
    scope = django_filters.ChoiceFilter(label=_("Voted on"), choices=VoteScope.choices)
    unanimous = django_filters.ChoiceFilter(
        label=_("Unanimity"),
        choices=[("yes", _("unanimous")), ("no", _("not unanimous"))],
        method="filter_unanimous",
    )

    class Meta(PublicFilterSet.Meta):
        model = Event
        form = EventForm
        fields: list[str] = []

    def filter_resolution(
        self, queryset: "EventQuerySet", name: str, value: str
    ) -> "EventQuerySet":
        """Keep votes on a resolution with this number, given in full or in part."""
        number = re.escape(re.sub(r"\s", "", value))
        # 53 is part of neither 531 nor 153, but 2758 is part of 2758A (XXVI).
        return queryset.filter(resolution__iregex=rf"(^|[^0-9a-z]){number}($|[^0-9])")

    def filter_year(self, queryset: "EventQuerySet", name: str, value: int) -> QuerySet[Model]:
        first, last = dt.date(value, 1, 1), dt.date(value, 12, 31)
        return self.may_be_after(self.may_be_before(queryset, name, last), name, first)

    def filter_important(self, queryset: "EventQuerySet", name: str, value: str) -> "EventQuerySet":
        return queryset.filter(is_important=value == "yes")

    def filter_unanimous(self, queryset: "EventQuerySet", name: str, value: str) -> "EventQuerySet":
        return queryset.filter(is_unanimous() if value == "yes" else ~is_unanimous())

    def group_issue(self) -> GroupBy:
        return GroupBy((F("issues"),), str.split)

    def group_important(self) -> GroupBy:
        choices = {True: ("yes",), False: ("no",), None: ()}
        return GroupBy((F("is_important"),), lambda is_important: choices[is_important])

    def group_unanimous(self) -> GroupBy:
        return group_by_condition(is_unanimous())


class RollCallForm(EventForm):
    """The form for UN votes. A filter by how one country voted requires a country."""

    def clean(self) -> dict[str, object]:
        asked = super().clean()
        if asked.get("role") and not asked.get("country") and "country" not in self.errors:
            self.add_error("role", ValidationError(_("Choose a country."), code="incomplete"))
        return asked


class RollCallFilterSet(RollCallFilters):
    """All UN votes, also by how one country or two voted."""

    first_fields = ("country", "with", "votes")
    country = CountryFilter(label=_("Country"), method="noop")
    vars()["with"] = CountryFilter(label=_("Together with"), method="noop")
    votes = django_filters.ChoiceFilter(
        label=_("How both voted"), choices=SAME_OR_DIFFERENT, method="noop"
    )
    role = django_filters.ChoiceFilter(
        label=_("How the country voted"),
        choices=[(role.value, role.label) for role in (*VOTE_ROLES, ParticipationRole.ABSENT)],
        method="noop",
    )
    date_after, date_before = date_filters()
    disputed = DisputedFilter()

    class Meta(RollCallFilters.Meta):
        form = RollCallForm

    def filter_queryset(self, queryset: "EventQuerySet") -> "EventQuerySet":
        asked = self.form.cleaned_data
        country, other = asked.get("country"), asked.get("with")
        if country:
            queryset = queryset.with_participant(country, asked.get("role") or "")
        if other:
            queryset = queryset.with_participant(other)
        found = super().filter_queryset(queryset)
        if votes := asked.get("votes"):
            return filter_votes(found, votes, country, other)
        return found

    def count_role(self) -> dict[str, int]:
        """Return the number of votes per role of the country; none without a country."""
        country = self.form.cleaned_data.get("country")
        if not country:
            return {}
        parts = Participation.objects.filter(
            country=country, event__in=self.queryset_with(role="").values("pk")
        )
        return count_distinct_by(parts, "role", "event")

    def count_votes(self) -> dict[str, int] | None:
        """Return no counts without two countries; with them, every choice is counted."""
        asked = self.form.cleaned_data
        return None if asked.get("country") and asked.get("with") else {}

    def group_votes(self) -> None:
        return None  # how both voted is not a value of the event's row


class PairVotesFilterSet(RollCallFilters):
    """The UN votes of two countries: which ones, by what period, and measured how."""

    first_fields = ("measure", "by", "unanimous")
    measure = django_filters.ChoiceFilter(
        label=_("Agreement measured by"),
        choices=AgreementMeasure.choices,
        method="noop",
        empty_label=None,
    )
    by = django_filters.ChoiceFilter(
        label=_("Grouped by"), choices=Period.choices, method="noop", empty_label=None
    )
    date_after, date_before = date_filters()

    class Meta(RollCallFilters.Meta):
        form = EventForm

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        """Return the filters; the form shows those of this page first."""
        found = super().get_filters()
        return {name: found[name] for name in ("q", "measure", "by", *found)}

    @property
    def period(self) -> str:
        """What the votes are grouped by, one of Period."""
        return self.form.cleaned_data.get("by") or Period.YEAR

    @property
    def chosen_measure(self) -> str:
        """How agreement is measured, one of AgreementMeasure."""
        return self.form.cleaned_data.get("measure") or AgreementMeasure.IDENTICAL
