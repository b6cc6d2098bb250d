"""Recognise existing records that no identity of a row matches, by the rules of the mapping.

A treaty may be here under another name and without the data set's ID, and a membership with another
date of joining. Each rule costs one query per chunk, or two if it compares names, members or
numbers of countries.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from allies.imports.columns import CellFailure, Column
from allies.imports.matching import ExistingRecord, Match, ParsedRow, matches_any_row
from allies.imports.plan import Plan
from allies.imports.references import CellError, References
from allies.imports.resources import RecordResource
from allies.imports.update_rules import SameRule
from allies.models import Alias, Membership, Participation
from allies.models.fields import EDTFField
from allies.text.edtf import bounds, have_common_day
from allies.text.normalize import normalize_text

#: Days between the beginnings of a state's membership and its successor's, if they are the same.
_SUCCESSION_DAYS = 3 * 366
#: How many countries the numbers in a file may differ from those of a record in all.
_COUNT_TOLERANCE = 3


@dataclass
class Recognised:
    """The existing records that a row may describe, and why.

    It describes the record if it is the only one.
    """

    candidates: list[Any] = field(default_factory=list)
    reason: str = ""

    @property
    def record(self) -> Any:
        return self.candidates[0] if len(self.candidates) == 1 else None

    @property
    def explanation(self) -> str:
        """What was recognised by what, or why nothing could be decided."""
        if self.record is not None:
            return self.reason
        names = ", ".join(f"“{record}”" for record in self.candidates)
        return _("it may be any of these: %(names)s (%(reason)s)") % {
            "names": names,
            "reason": self.reason,
        }


class SameRecordFinder:
    """Finds the existing records that the rows of one record type describe."""

    def __init__(
        self,
        plan: Plan,
        references: References,
        resource: RecordResource,
        columns: Sequence[Column],
        rules: Sequence[SameRule],
    ) -> None:
        self.plan = plan
        self.references = references
        self.resource = resource
        self.model: Any = resource.model
        self.columns = columns
        self.at = {column.name: n for n, column in enumerate(columns)}
        self.rules = rules
        self._references = [column.field.name for column in columns if column.is_reference]
        self.dates = {column.name for column in columns if isinstance(column.field, EDTFField)}

    def find(self, matches: Iterable[Match]) -> dict[int, Recognised]:
        """Return what was recognised, by the numbers of the rows without a record."""
        left = [match for match in matches if match[2] is None]
        found: dict[int, Recognised] = {}
        for rule in self.rules:
            if not left:
                break
            for row, recognised in self._apply(rule, left):
                found[row.number] = recognised
            left = [match for match in left if match[0].number not in found]
        return found

    def as_existing(self, record: Any) -> ExistingRecord:
        """Return a record with its values in the file's columns."""
        names = dict.fromkeys(name for names in self.resource.identities for name in names)
        attnames = {name: self.model._meta.get_field(name).attname for name in names}
        return ExistingRecord(
            record.pk,
            tuple(getattr(record, column.attname) for column in self.columns),
            {name: getattr(record, attname) for name, attname in attnames.items()},
        )

    def _apply(
        self, rule: SameRule, matches: list[Match]
    ) -> Iterable[tuple[ParsedRow, Recognised]]:
        rows = [
            (row, repr(identity), values)
            for row, identity, _before in matches
            if (values := self._equal_values(rule, row)) is not None
        ]
        if not rows:
            return
        candidates = self._candidates(rule, rows)
        names = self._names(candidates) if rule.name else {}
        members = self._members(candidates) if rule.members is not None else {}
        for row, identity, values in rows:
            alike = [
                record
                for record in candidates
                if self._agrees(rule, row, values, record)
                and (not rule.name or names[record.pk] & self._row_names(row))
                and (
                    rule.members is None
                    or _same_members(members[record.pk], self._codes(rule, row))
                )
            ]
            alike = self._unclaimed(rule, identity, alike)
            if len(alike) > 1 and rule.overlaps:
                alike = [min(alike, key=lambda record: self._distance(row, record))]
            if len(alike) > 1 and rule.counts:
                alike = self._by_counts(rule, row, alike)
            if alike:
                yield row, Recognised(alike, self._reason(rule))

    # What the rows and the records have in common.

    def _equal_values(self, rule: SameRule, row: ParsedRow) -> tuple[Any, ...] | None:
        """Return the values of a row's equal columns; None if one is empty or a new record."""
        found = []
        for name, hint in rule.equal.items():
            n = self.at[name]
            value = row.values[n] if hint is None else self.columns[n].parse(row.hints[hint])
            if value in ("", None) or isinstance(value, CellFailure):
                return None
            if isinstance(value, int) and value < 0:
                return None
            found.append(value)
        return tuple(found)

    def _candidates(self, rule: SameRule, rows: list[tuple[ParsedRow, str, Any]]) -> list[Any]:
        """Return the existing records that may be one of the rows; one query."""
        wanted = {values for _row, _identity, values in rows}
        records = self.model._default_manager.order_by("pk")
        if rule.overlaps:
            records = records.select_related(*self._references)
            wanted |= {
                self._with_country(rule, values, successor)
                for row, _identity, values in rows
                for successor in self._successors(rule, row)
            }
        if rule.equal:
            names = [self.columns[self.at[name]].attname for name in rule.equal]
            start = next((n for n in rule.equal if n in self.resource.start_dates), None)
            if start is None:
                records = records.filter(matches_any_row(self.model, names, wanted))
            else:  # other data sets may know this day as that of another date
                days = {values[list(rule.equal).index(start)] for values in wanted}
                by_day = (Q(**{f"{name}__in": days}) for name in self.resource.start_dates)
                records = records.filter(_any(by_day))
        else:
            texts = {name.lower() for row, *_rest in rows for name in self._titles(row)}
            folded = {normalize_text(text) for text in texts}
            target = self.model._meta.model_name
            alias = Alias.objects.filter(**{target: OuterRef("pk")}, folded__in=folded)
            records = records.alias(en=Lower("title_en"), ind=Lower("title_ind")).filter(
                Q(en__in=texts) | Q(ind__in=texts) | Exists(alias)
            )
        found = list(records)
        if hasattr(self.model, "identifier"):
            found = [r for r in found if _scheme(r.identifier) in {"", *rule.schemes}]
        return found

    def _agrees(self, rule: SameRule, row: ParsedRow, values: tuple[Any, ...], record: Any) -> bool:
        for name, value in zip(rule.equal, values, strict=True):
            column = self.columns[self.at[name]]
            own = {getattr(record, column.attname)}
            if name in self.resource.start_dates:
                own = {getattr(record, date) for date in self.resource.start_dates}
            if value not in own and not (column.names_countries and rule.successors):
                return False
        if not all(self._is_compatible(name, row, record) for name in rule.compatible):
            return False
        if not rule.overlaps:
            return True
        is_own = record.country_id == row.values[self.at["country"]]
        if not is_own and record.country_id not in self._successors(rule, row):
            return False
        return self._overlaps(row, record) and (
            is_own or self._distance(row, record) <= _SUCCESSION_DAYS
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

    # Titles and members.

    def _titles(self, row: ParsedRow) -> list[str]:
        names = [name for names in self.resource.similarity_keys for name in names]
        titles = (name for name in names if name in self.at and name not in self.dates)
        return [title for name in titles if (title := row.values[self.at[name]])]

    def _row_names(self, row: ParsedRow) -> set[str]:
        return {normalize_text(title) for title in self._titles(row)}

    def _names(self, records: Iterable[Any]) -> dict[int, set[str]]:
        """Return all names of these records, normalised."""
        found = {r.pk: {normalize_text(t) for t in (r.title_en, r.title_ind) if t} for r in records}
        target = f"{self.model._meta.model_name}_id"
        aliases = Alias.objects.filter(**{f"{target}__in": found})
        for pk, name in aliases.values_list(target, "folded"):
            found[pk].add(name)
        return found

    def _members(self, records: Iterable[Any]) -> dict[int, set[int]]:
        """Return the countries that are or were members of these alliances."""
        found: dict[int, set[int]] = {record.pk: set() for record in records}
        members = Membership.objects.filter(alliance__in=found)
        for alliance, country in members.values_list("alliance", "country"):
            found[alliance].add(country)
        return found

    def _codes(self, rule: SameRule, row: ParsedRow) -> set[int]:
        assert rule.members is not None
        cell = row.hints[rule.members]
        try:
            codes = str(cell).split()
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

    def _distance(self, row: ParsedRow, record: Any) -> int:
        """Return the days between the beginnings of two periods; 0 if one is not known."""
        start, began = self._days(row)[0], bounds(record.began).earliest
        return abs((start - began).days) if start and began else 0

    def _successors(self, rule: SameRule, row: ParsedRow) -> set[int]:
        if not rule.successors:
            return set()
        country = self.columns[self.at["country"]].records[row.values[self.at["country"]]]
        return {country.successor_id} - {None}

    def _with_country(
        self, rule: SameRule, values: tuple[Any, ...], country: int
    ) -> tuple[Any, ...]:
        """Return the equal values of a row for another country."""
        pairs = zip(rule.equal, values, strict=True)
        return tuple(country if name == "country" else value for name, value in pairs)

    # One of several records.

    def _unclaimed(self, rule: SameRule, identity: str, records: list[Any]) -> list[Any]:
        """Return the records that no row with another identity describes.

        If only one is left, it is claimed for this identity. Several spells of a file may be one
        spell here, so periods are not claimed.
        """
        if rule.overlaps or not records:
            return records
        kind = f"{self.resource.noun} same"
        free = [r for r in records if self.plan.claimant(kind, r.pk) in (None, identity)]
        if len(free) == 1:
            self.plan.claim(kind, free[0].pk, identity)
        return free

    def _by_counts(self, rule: SameRule, row: ParsedRow, records: list[Any]) -> list[Any]:
        """Return the record whose numbers of countries by role are nearest to the row's."""
        wanted: dict[str, int] = {}
        for role, hint in rule.counts:
            text = str(row.hints[hint]).strip()
            if not text.isdecimal():
                return records
            wanted[role] = int(text)
        found: dict[int, dict[str, int]] = defaultdict(dict)
        parts = Participation.objects.filter(event__in=records, role__in=wanted).order_by()
        for event, role, number in parts.values_list("event", "role").annotate(n=Count("pk")):
            found[event][role] = number
        ranked = sorted(
            (sum(abs(found[r.pk].get(role, 0) - n) for role, n in wanted.items()), r.pk, r)
            for r in records
        )
        if ranked[0][0] <= _COUNT_TOLERANCE and ranked[0][0] < ranked[1][0]:
            return [ranked[0][2]]
        return records

    def _reason(self, rule: SameRule) -> str:
        said = [str(self.model._meta.get_field(name).verbose_name) for name in rule.equal]
        if rule.name:
            said.append(_("name"))
        if rule.members is not None:
            said.append(_("members"))
        if rule.overlaps:
            said.append(_("overlapping period"))
        return _("same %(fields)s") % {"fields": ", ".join(said)}


def contradicts(record: Any, joined: str, left: str) -> bool:
    """Return whether a source gives other days for a membership than the membership itself.

    An unknown beginning contradicts nothing. A membership without an end goes on, so any known
    last day contradicts it.
    """
    if not have_common_day(record.began, joined):
        return True
    if not record.ended:
        return bounds(left).latest is not None
    return not have_common_day(record.ended, left)


def _same_members(ours: set[int], theirs: set[int]) -> bool:
    """Return whether two sets of members are of one treaty.

    They are equal, or one contains the other and both have three members or more: data sets differ
    in who joined later.
    """
    if len(ours) < 2 or len(theirs) < 2:
        return False
    return ours == theirs or (
        min(len(ours), len(theirs)) > 2 and (ours <= theirs or theirs <= ours)
    )


def _scheme(identifier: str) -> str:
    """Return what a data-set ID begins with: "cow" of "cow:227"; "" if there is no ID."""
    return identifier.partition(":")[0]


def _any(conditions: Iterable[Q]) -> Q:
    found = Q(pk__in=[])
    for condition in conditions:
        found |= condition
    return found
