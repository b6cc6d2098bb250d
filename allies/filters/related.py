"""Filters for parts of records: aliases, memberships, participations, entries, citations."""

import django_filters
from django.utils.translation import gettext_lazy as _

from allies.filters.base import MAX_VALUE_LENGTH, CountryFilter, PublicFilterSet
from allies.filters.membership import MembershipFilterSet
from allies.models import (
    Alias,
    Citation,
    Entry,
    KeyEvent,
    Participation,
    ParticipationRole,
    SeeAlso,
    Spell,
    Stance,
)


class SlugFilter(django_filters.CharFilter):
    """A filter by a record's slug or key."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, max_length=MAX_VALUE_LENGTH, **kwargs)


class AliasFilterSet(PublicFilterSet):
    country = CountryFilter(label=_("Country"), field_name="country")
    alliance = SlugFilter(label=_("Alliance"), field_name="alliance__slug")

    class Meta(PublicFilterSet.Meta):
        model = Alias
        fields: list[str] = []


class SpellFilterSet(PublicFilterSet):
    search_fields = ("country__folded",)
    country = CountryFilter(label=_("Country"), field_name="country")

    class Meta(PublicFilterSet.Meta):
        model = Spell
        fields: list[str] = []


class AnyMembershipFilterSet(MembershipFilterSet):
    """Memberships of all countries in all alliances."""

    country = CountryFilter(label=_("Country"), field_name="country")
    alliance = SlugFilter(label=_("Alliance"), field_name="alliance__slug")


class ParticipationFilterSet(PublicFilterSet):
    search_fields = ("event__folded", "country__folded")
    country = CountryFilter(label=_("Country"), field_name="country")
    event = SlugFilter(label=_("Event"), field_name="event__slug")
    role = django_filters.ChoiceFilter(label=_("Role"), choices=ParticipationRole.choices)

    class Meta(PublicFilterSet.Meta):
        model = Participation
        fields: list[str] = []


class AllEntriesFilterSet(PublicFilterSet):
    """The entries of all lists."""

    search_fields = ("ally_list__folded", "country__folded")
    country = CountryFilter(label=_("Country"), field_name="country")
    focus = CountryFilter(label=_("Allies of"), field_name="ally_list__focus")
    list = SlugFilter(label=_("ally list"), field_name="ally_list__slug")

    class Meta(PublicFilterSet.Meta):
        model = Entry
        fields = ()


class KeyEventFilterSet(PublicFilterSet):
    search_fields = ("event__folded", "entry__country__folded")
    list = SlugFilter(label=_("ally list"), field_name="entry__ally_list__slug")
    country = CountryFilter(label=_("Country"), field_name="entry__country")
    event = SlugFilter(label=_("Event"), field_name="event__slug")

    class Meta(PublicFilterSet.Meta):
        model = KeyEvent
        fields = ()


class SeeAlsoFilterSet(PublicFilterSet):
    search_fields = ("ally_list__folded", "source__folded")
    list = SlugFilter(label=_("ally list"), field_name="ally_list__slug")
    source = SlugFilter(label=_("Source"), field_name="source__key")

    class Meta(PublicFilterSet.Meta):
        model = SeeAlso
        fields = ()


class CitationFilterSet(PublicFilterSet):
    search_fields = ("source__folded",)
    source = SlugFilter(label=_("Source"), field_name="source__key")
    stance = django_filters.ChoiceFilter(label=_("Stance"), choices=Stance.choices)
    alliance = SlugFilter(label=_("Alliance"), field_name="alliance__slug")
    event = SlugFilter(label=_("Event"), field_name="event__slug")
    list = SlugFilter(label=_("ally list"), field_name="entry__ally_list__slug")

    class Meta(PublicFilterSet.Meta):
        model = Citation
        fields = ()
