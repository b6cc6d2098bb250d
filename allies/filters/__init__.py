"""Filters for readers, one set per model: the same for pages, CSV and JSON."""

from allies.filters.alliance import AllianceFilterSet
from allies.filters.ally import AllyFilterSet
from allies.filters.ally_list import AllyListFilterSet, EntryFilterSet
from allies.filters.base import DayField, PublicFilterSet, unknown_parameter_names
from allies.filters.changeset import ChangesetFilterSet
from allies.filters.country import CountryFilterSet
from allies.filters.disagreement import DisagreementFilterSet
from allies.filters.event import AllEventsFilterSet, EventFilterSet
from allies.filters.membership import MembershipFilterSet
from allies.filters.roll_call import PairVotesFilterSet, RollCallFilterSet
from allies.filters.search import SearchFilterSet
from allies.filters.source import SourceFilterSet
from allies.filters.tie_changes import TieChangeFilterSet

__all__ = [
    "AllEventsFilterSet",
    "AllianceFilterSet",
    "AllyFilterSet",
    "AllyListFilterSet",
    "ChangesetFilterSet",
    "CountryFilterSet",
    "DayField",
    "DisagreementFilterSet",
    "EntryFilterSet",
    "EventFilterSet",
    "MembershipFilterSet",
    "PairVotesFilterSet",
    "PublicFilterSet",
    "RollCallFilterSet",
    "SearchFilterSet",
    "SourceFilterSet",
    "TieChangeFilterSet",
    "unknown_parameter_names",
]
