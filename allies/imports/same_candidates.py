"""The existing records that a rule of a mapping may recognise, and what rows share with them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Count, Q

from allies.imports.columns import CellFailure, Column
from allies.imports.matching import ParsedRow, matches_any_row
from allies.imports.references import CellError, References
from allies.imports.resources import RecordResource
from allies.imports.update_rules import SameRule
from allies.models import Membership, Participation
from allies.models.fields import EDTFField
from allies.text.edtf import bounds, have_common_day

#: Days between the beginnings of a state's membership and its successor's, if they are the same.
_SUCCESSION_DAYS = 3 * 366

#: The values by which a candidate is looked up.
_Key = tuple[Any, ...]


class SameCandidates:
    """The candidates of one rule for the rows of a chunk; one query, and one for the members.

    If the rule compares names, its queries are those of ``References.find_by_name``.

    ``wanted`` are the rows that the rule may apply to, with the values of its equal columns.
    """

    def __init__(
        self,
        rule: SameRule,
        rows: Iterable[ParsedRow],
        resource: RecordResource,
        columns: Sequence[Column],
        references: References,
    ) -> None:
        self.rule = rule
        self.resource = resource
        self.model: Any = resource.model
        self.columns = columns
        self.references = references
        self.at = {column.name: n for n, column in enumerate(columns)}
        self.dates = {column.name for column in columns if isinstance(column.field, EDTFField)}
        found = ((row, self._equal_values(row)) for row in rows)
        self.wanted = [(row, values) for row, values in found if values is not None]
        self.index = self._load() if self.wanted else {}
        self.members = self._load_members() if rule.members is not None else {}

    def of(self, row: ParsedRow, values: _Key) -> list[Any]:
        """Return the candidates that a row may describe by all conditions except the counts."""
        found = {r.pk: r for key in self._row_keys(row, values) for r in self.index.get(key, ())}
        return [record for record in found.values() if self._agrees(row, record)]

    def distance(self, row: ParsedRow, record: Any) -> int:
        """Return the days between the beginnings of two periods; 0 if one is not known."""
        start, began = self._days(row)[0], bounds(record.began).earliest
        return abs((start - began).days) if start and began else 0

    # Looking up candidates.

    def _equal_values(self, row: ParsedRow) -> _Key | None:
        """Return the values of a row's equal columns; None if one is empty or a new record."""
        found = []
        for name, hint in self.rule.equal.items():
            column = self.columns[self.at[name]]
            value = row.values[self.at[name]] if hint is None else column.parse(row.hints[hint])
            if value in ("", None) or isinstance(value, CellFailure):
                return None
            if isinstance(value, int) and value < 0:
                return None
            found.append(value)
        return tuple(found)

    @property
    def _start(self) -> int | None:
        """The place of a date of the beginning among the equal columns; None if there is none."""
        names = enumerate(self.rule.equal)
        return next((n for n, name in names if name in self.resource.start_dates), None)

    def _load(self) -> dict[_Key, list[Any]]:
        """Return the candidates by the values by which they are looked up."""
        keys = {key for row, values in self.wanted for key in self._row_keys(row, values)}
        if not self.rule.equal:
            named = self.references.find_by_name(self.model, {name for (name,) in keys})
            return {(name,): self._allowed(records) for name, records in named.items()}
        records = self.model._default_manager.order_by("pk")
        if self.rule.overlaps:
            related = [column.field.name for column in self.columns if column.is_reference]
            records = records.select_related(*related)
        if self._start is None:
            names = [self.columns[self.at[name]].attname for name in self.rule.equal]
            records = records.filter(matches_any_row(self.model, names, keys))
        else:  # other data sets may know this day as that of another date
            days = {key[self._start] for key in keys}
            by_day = Q(pk__in=[])
            for date in self.resource.start_dates:
                by_day |= Q(**{f"{date}__in": days})
            records = records.filter(by_day)
        found: dict[_Key, list[Any]] = defaultdict(list)
        for record in self._allowed(records):
            for key in self._record_keys(record):
                found[key].append(record)
        return found

    def _allowed(self, records: Iterable[Any]) -> list[Any]:
        """Return the existing records whose data-set ID, if any, is of a scheme of the rule."""
        schemes = {"", *self.rule.schemes}
        return [
            record
            for record in records
            if record.pk > 0 and getattr(record, "identifier", "").partition(":")[0] in schemes
        ]

    def _row_keys(self, row: ParsedRow, values: _Key) -> Iterator[_Key]:
        if not self.rule.equal:
            yield from ((title,) for title in self._titles(row))
            return
        yield values
        for successor in self._successors(row):
            pairs = zip(self.rule.equal, values, strict=True)
            yield tuple(successor if name == "country" else value for name, value in pairs)

    def _record_keys(self, record: Any) -> Iterator[_Key]:
        own = [getattr(record, self.columns[self.at[name]].attname) for name in self.rule.equal]
        if self._start is None:
            yield tuple(own)
            return
        for date in self.resource.start_dates:
            own[self._start] = getattr(record, date)
            yield tuple(own)

    # Conditions.

    def _agrees(self, row: ParsedRow, record: Any) -> bool:
        rule = self.rule
        if not all(self._is_compatible(name, row, record) for name in rule.compatible):
            return False
        if rule.members is not None and not _same_members(
            self.members[record.pk], self._codes(row)
        ):
            return False
        if not rule.overlaps:
            return True
        is_own = record.country_id == row.values[self.at["country"]]
        return self._overlaps(row, record) and (
            is_own or self.distance(row, record) <= _SUCCESSION_DAYS
        )

    def _is_compatible(self, name: str, row: ParsedRow, record: Any) -> bool:
        value = row.values[self.at[name]]
        dates = self.resource.start_dates if name in self.resource.start_dates else (name,)
        own = [mine for date in dates if (mine := getattr(record, date)) not in ("", None)]
        if value in ("", None) or not own:
            return True
        if name not in self.dates:
            return value in own
        return any(have_common_day(value, mine) for mine in own)

    def _titles(self, row: ParsedRow) -> list[str]:
        names = [name for names in self.resource.similarity_keys for name in names]
        titles = (name for name in names if name in self.at and name not in self.dates)
        return [title for name in titles if (title := row.values[self.at[name]])]

    def _load_members(self) -> dict[int, set[int]]:
        """Return the countries that are or were members of the candidates."""
        records = (record for some in self.index.values() for record in some)
        found: dict[int, set[int]] = {record.pk: set() for record in records}
        members = Membership.objects.filter(alliance__in=found).order_by()
        for alliance, country in members.values_list("alliance", "country"):
            found[alliance].add(country)
        return found

    def _codes(self, row: ParsedRow) -> set[int]:
        assert self.rule.members is not None
        codes = str(row.hints[self.rule.members]).split()
        try:
            return {self.references.countries.find(f"cow:{code}").pk for code in codes}
        except CellError:
            return set()

    # Periods.

    def _days(self, row: ParsedRow) -> tuple[dt.date | None, dt.date | None]:
        """Return the first and the last possible day of a row's period."""
        start, end = (row.values[self.at[name]] for name in self.resource.period)
        if "alliance" in self.at:
            alliance = self.columns[self.at["alliance"]].records[row.values[self.at["alliance"]]]
            start, end = start or alliance.began, end or alliance.ended
        return bounds(start).earliest, bounds(end).latest

    def _overlaps(self, row: ParsedRow, record: Any) -> bool:
        start, end = self._days(row)
        began, ended = bounds(record.began).earliest, bounds(record.ended).latest
        return not (ended and start and ended < start) and not (end and began and end < began)

    def _successors(self, row: ParsedRow) -> set[int]:
        if not self.rule.successors:
            return set()
        country = self.columns[self.at["country"]].records[row.values[self.at["country"]]]
        return {country.successor_id} - {None}


class VoteCounts:
    """The numbers of countries per role in these events; one query."""

    def __init__(self, rule: SameRule, events: Iterable[Any]) -> None:
        self.rule = rule
        self.counts: dict[int, dict[str, int]] = defaultdict(dict)
        roles = [role for role, _hint in rule.counts]
        parts = Participation.objects.filter(
            event__in={event.pk for event in events}, role__in=roles
        )
        numbers = parts.order_by().values_list("event", "role").annotate(n=Count("pk"))
        for event, role, number in numbers:
            self.counts[event][role] = number

    def nearest(self, row: ParsedRow, events: list[Any], limit: int) -> list[Any]:
        """Return the events whose numbers are nearest to those of the row.

        They may differ by ``limit`` countries in all. Returns [] if none is so near, or if the row
        has no numbers.
        """
        wanted = {role: str(row.hints[hint]).strip() for role, hint in self.rule.counts}
        if not all(text.isdecimal() for text in wanted.values()):
            return []
        distance = {
            event.pk: sum(
                abs(self.counts[event.pk].get(role, 0) - int(text)) for role, text in wanted.items()
            )
            for event in events
        }
        nearest = min(distance.values(), default=0)
        if nearest > limit:
            return []
        return [event for event in events if distance[event.pk] == nearest]


def _same_members(ours: set[int], theirs: set[int]) -> bool:
    """Return whether two sets of members are of one treaty.

    They are equal, or one contains the other and both have three members or more: data sets differ
    in who joined later.
    """
    if len(ours) < 2 or len(theirs) < 2:
        return False
    if ours == theirs:
        return True
    return min(len(ours), len(theirs)) > 2 and (ours <= theirs or theirs <= ours)
