"""The filters of what is part of records: names, participations, citations."""

import django_filters
from django.utils.translation import gettext_lazy as _

from allies.filters.base import LONGEST, CountryFilter, ReadersFilterSet
from allies.filters.membership import MembershipFilterSet
from allies.models import (
    Alias,
    Citation,
    Entry,
    Participation,
    ParticipationRole,
    SeeAlso,
    Stance,
)


class SlugFilter(django_filters.CharFilter):
    """A record by its slug or key."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, max_length=LONGEST, **kwargs)


class AliasFilterSet(ReadersFilterSet):
    country = CountryFilter(label=_("Country"), field_name="country")

    class Meta(ReadersFilterSet.Meta):
        model = Alias
        fields: list[str] = []


class AnyMembershipFilterSet(MembershipFilterSet):
    """Memberships of all countries in all alliances."""

    country = CountryFilter(label=_("Country"), field_name="country")
    alliance = SlugFilter(label=_("Alliance"), field_name="alliance__slug")


class ParticipationFilterSet(ReadersFilterSet):
    searched = ("event__folded", "country__folded")
    country = CountryFilter(label=_("Country"), field_name="country")
    event = SlugFilter(label=_("Event"), field_name="event__slug")
    role = django_filters.ChoiceFilter(label=_("Role"), choices=ParticipationRole.choices)

    class Meta(ReadersFilterSet.Meta):
        model = Participation
        fields: list[str] = []


class ListedFilterSet(ReadersFilterSet):
    """The entries of all lists."""

    searched = ("ally_list__folded", "country__folded")
    country = CountryFilter(label=_("Country"), field_name="country")
    focus = CountryFilter(label=_("Allies of"), field_name="ally_list__focus")
    list = SlugFilter(label=_("ally list"), field_name="ally_list__slug")

    class Meta(ReadersFilterSet.Meta):
        model = Entry
        fields = ()


class SeeAlsoFilterSet(ReadersFilterSet):
    searched = ("ally_list__folded", "source__folded")
    list = SlugFilter(label=_("ally list"), field_name="ally_list__slug")
    source = SlugFilter(label=_("Source"), field_name="source__key")

    class Meta(ReadersFilterSet.Meta):
        model = SeeAlso
        fields = ()


class CitationFilterSet(ReadersFilterSet):
    searched = ("source__folded",)
    source = SlugFilter(label=_("Source"), field_name="source__key")
    stance = django_filters.ChoiceFilter(label=_("Stance"), choices=Stance.choices)
    alliance = SlugFilter(label=_("Alliance"), field_name="alliance__slug")
    event = SlugFilter(label=_("Event"), field_name="event__slug")
    list = SlugFilter(label=_("ally list"), field_name="entry__ally_list__slug")

    class Meta(ReadersFilterSet.Meta):
        model = Citation
        fields = ()
