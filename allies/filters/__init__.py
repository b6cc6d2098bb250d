"""What readers may ask for, one set a noun: the same for page, CSV and JSON."""

from allies.filters.alliance import AllianceFilterSet
from allies.filters.ally import AllyFilterSet
from allies.filters.ally_list import AllyListFilterSet, EntryFilterSet
from allies.filters.base import ReadersFilterSet
from allies.filters.changeset import ChangesetFilterSet
from allies.filters.country import CountryFilterSet
from allies.filters.event import EventFilterSet
from allies.filters.source import SourceFilterSet

__all__ = [
    "AllianceFilterSet",
    "AllyFilterSet",
    "AllyListFilterSet",
    "ChangesetFilterSet",
    "CountryFilterSet",
    "EntryFilterSet",
    "EventFilterSet",
    "ReadersFilterSet",
    "SourceFilterSet",
]
