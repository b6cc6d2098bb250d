"""Filters for memberships: of all countries, of one country, or of one alliance."""

import datetime as dt
from typing import TYPE_CHECKING

import django_filters
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from allies.filters.base import DayFilter, PublicFilterSet
from allies.models import Alliance, Country, Membership, MembershipRole

if TYPE_CHECKING:
    from allies.models.membership import MembershipQuerySet


class MembershipFilterSet(PublicFilterSet):
    """Memberships by the country's name or the alliance's title, by role and by day."""

    role = django_filters.ChoiceFilter(label=_("Role"), choices=MembershipRole.choices)
    on = DayFilter(label=_("In force on"), method="in_force")

    class Meta(PublicFilterSet.Meta):
        model = Membership
        fields: list[str] = []

    def filter_text(self, queryset: QuerySet[Model], name: str, value: str) -> QuerySet[Model]:
        return queryset.filter(
            Q(alliance__in=Alliance.objects.name_contains(value))
            | Q(country__in=Country.objects.name_contains(value))
        )

    def in_force(
        self, queryset: "MembershipQuerySet", name: str, value: dt.date
    ) -> "MembershipQuerySet":
        return queryset.in_force(value)
