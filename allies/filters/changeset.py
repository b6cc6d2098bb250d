"""Filters for changesets."""

import datetime as dt

import django_filters
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.base import DayFilter, PublicFilterSet
from allies.models import BACKGROUND_KINDS, Changeset

#: Only imports and their undos are listed.
_KINDS = [(kind.value, kind.label) for kind in BACKGROUND_KINDS]


class ChangesetFilterSet(PublicFilterSet):
    first_fields = ("kind", "date_after", "date_before")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=_KINDS)
    date_after = DayFilter(label=_("Applied from"), method="on_or_after")
    date_before = DayFilter(label=_("Applied until"), method="on_or_before")

    class Meta(PublicFilterSet.Meta):
        model = Changeset
        fields: list[str] = []

    def filter_text(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        """Keep changesets whose file name or reason contains every word."""
        for word in value.split():
            queryset = queryset.filter(Q(file_name__icontains=word) | Q(reason__icontains=word))
        return queryset

    def on_or_after(self, queryset: QuerySet[Model], name: str, value: dt.date) -> QuerySet[Model]:
        return queryset.filter(applied_at__date__gte=value)

    def on_or_before(self, queryset: QuerySet[Model], name: str, value: dt.date) -> QuerySet[Model]:
        return queryset.filter(applied_at__date__lte=value)
