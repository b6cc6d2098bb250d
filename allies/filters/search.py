"""Filters for the search: query, record type and dates."""

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.db.models import Model, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from allies.filters.base import DayFilter, PublicFilterSet
from allies.models import SEARCHABLE_MODELS, SearchText
from allies.search.backend import expand_aliases, match, order_by_relevance, suggest_spelling
from allies.search.query import LONGEST, SearchQuery, parse_query

if TYPE_CHECKING:
    from allies.models.search_document import SearchTextQuerySet


def _nouns() -> list[tuple[str, Any]]:
    return [
        (model._meta.model_name, capfirst(str(model._meta.verbose_name_plural)))
        for model in SEARCHABLE_MODELS
    ]


class SearchQueryField(forms.CharField):
    """A search query. It is never refused, because any text can be parsed."""

    def clean(self, value: object) -> str:
        return str(value or "").replace("\0", " ").strip()[: 2 * LONGEST]


class SearchQueryFilter(django_filters.Filter):
    field_class = SearchQueryField


class SearchFilterSet(PublicFilterSet):
    first_fields = ("noun",)
    q = SearchQueryFilter(
        label=_("Search"),
        method="noop",
        widget=forms.TextInput(attrs={"type": "search", "data-suggest": ""}),
        help_text=_("A name, a code, or words from a title or text."),
    )
    noun = django_filters.ChoiceFilter(label=_("Kind"), choices=_nouns)
    date_after = DayFilter(
        label=_("From"),
        method="may_be_after",
        help_text=_("Leaves out records without a date, such as countries."),
    )
    date_before = DayFilter(label=_("Until"), method="may_be_before")
    exact = django_filters.ChoiceFilter(
        choices=[("yes", _("yes"))], method="noop", widget=forms.HiddenInput
    )

    class Meta(PublicFilterSet.Meta):
        model = SearchText
        fields: list[str] = []

    @property
    def raw_query(self) -> str:
        return str(self.form.cleaned_data.get("q") or "")

    @cached_property
    def requested_query(self) -> SearchQuery:
        """The parsed query, with alternatives for its words."""
        return expand_aliases(parse_query(self.raw_query))

    @cached_property
    def suggested_query(self) -> SearchQuery | None:
        """The query with corrected spelling; None if the query has results as it is."""
        return (
            None if self.form.cleaned_data.get("exact") else suggest_spelling(self.requested_query)
        )

    @property
    def search_query(self) -> SearchQuery:
        """The query to search for: the one with corrected spelling, if any."""
        return self.suggested_query or self.requested_query

    def filter_queryset(self, queryset: "SearchTextQuerySet") -> "SearchTextQuerySet":
        """Return the rows that match the query, the best first; none if the query is empty."""
        found = super().filter_queryset(match(self.search_query, queryset))
        return order_by_relevance(found, self.search_query) if self.search_query else found

    def may_be_after(self, queryset: QuerySet[Model], name: str, value: dt.date) -> QuerySet[Model]:
        return queryset.filter(last__gte=value)

    def may_be_before(
        self, queryset: QuerySet[Model], name: str, value: dt.date
    ) -> QuerySet[Model]:
        return queryset.filter(first__lte=value)
