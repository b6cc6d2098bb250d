"""The filter of the search: what is asked, of which noun, on which days."""

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.db.models import Model, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from allies.filters.base import DayFilter, ReadersFilterSet
from allies.models import SEARCHED, SearchText
from allies.search.find import corrected, matching, ranked, with_other_names
from allies.search.words import LONGEST, Question, read

if TYPE_CHECKING:
    from allies.models.search_text import SearchTextQuerySet


def _nouns() -> list[tuple[str, Any]]:
    return [
        (model._meta.model_name, capfirst(str(model._meta.verbose_name_plural)))
        for model in SEARCHED
    ]


class QuestionField(forms.CharField):
    """What somebody looks for: whatever is typed can be read, so nothing is refused."""

    def clean(self, value: object) -> str:
        return str(value or "").replace("\0", " ").strip()[: 2 * LONGEST]


class QuestionFilter(django_filters.Filter):
    field_class = QuestionField


class SearchFilterSet(ReadersFilterSet):
    first_fields = ("noun",)
    q = QuestionFilter(
        label=_("Search"),
        method="as_it_is",
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
        choices=[("yes", _("yes"))], method="as_it_is", widget=forms.HiddenInput
    )

    class Meta(ReadersFilterSet.Meta):
        model = SearchText
        fields: list[str] = []

    @property
    def typed(self) -> str:
        return str(self.form.cleaned_data.get("q") or "")

    @cached_property
    def asked(self) -> Question:
        """What was typed, read, with what else its words may be called."""
        return with_other_names(read(self.typed))

    @cached_property
    def corrected(self) -> Question | None:
        """What was most likely meant, where what was typed is nowhere; None where it is."""
        return None if self.form.cleaned_data.get("exact") else corrected(self.asked)

    @property
    def question(self) -> Question:
        """What is looked for in the end."""
        return self.corrected or self.asked

    def filter_queryset(self, queryset: "SearchTextQuerySet") -> "SearchTextQuerySet":
        """Return what has the words asked for, the best first; nothing where nothing is asked."""
        found = super().filter_queryset(matching(self.question, queryset))
        return ranked(found, self.question) if self.question else found

    def may_be_after(self, queryset: QuerySet[Model], name: str, value: dt.date) -> QuerySet[Model]:
        return queryset.filter(last__gte=value)

    def may_be_before(
        self, queryset: QuerySet[Model], name: str, value: dt.date
    ) -> QuerySet[Model]:
        return queryset.filter(first__lte=value)
