"""Recognise existing records that no identity of a row matches, by the rules of the mapping.

A treaty may be here under another name and without the data set's ID, and a membership with another
date of joining. Each rule costs a fixed number of queries per chunk.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from allies.imports.columns import Column
from allies.imports.matching import ExistingRecord, Match, ParsedRow
from allies.imports.plan import Plan
from allies.imports.references import References
from allies.imports.resources import RecordResource
from allies.imports.same_candidates import SameCandidates, VoteCounts
from allies.imports.update_rules import SameRule
from allies.text.edtf import bounds, have_common_day

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
        """The reason for the recognition, or for its failure."""
        if self.record is not None:
            return self.reason
        names = ", ".join(f"“{record}” ({record.pk})" for record in self.candidates)
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
        self.rules = rules
        self._claims = f"{resource.noun} same"

    def find(self, matches: Iterable[Match]) -> dict[int, Recognised]:
        """Return what was recognised, by the numbers of the rows without a record."""
        left = {row.number: (row, repr(i)) for row, i, before in matches if before is None}
        found: dict[int, Recognised] = {}
        for rule in self.rules:
            if left:
                found |= self._apply(rule, left)
                left = {number: row for number, row in left.items() if number not in found}
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
        self, rule: SameRule, rows: dict[int, tuple[ParsedRow, str]]
    ) -> dict[int, Recognised]:
        found = SameCandidates(
            rule,
            (row for row, _identity in rows.values()),
            self.resource,
            self.columns,
            self.references,
        )
        alike = {row.number: found.of(row, values) for row, values in found.wanted}
        needed = 2 if rule.tolerance is None else 1
        counted = {r.pk: r for records in alike.values() if len(records) >= needed for r in records}
        counts = VoteCounts(rule, counted.values()) if rule.counts and counted else None
        recognised = {}
        for row, _values in found.wanted:
            identity = rows[row.number][1]
            records = self._unclaimed(rule, identity, alike[row.number])
            if len(records) > 1 and rule.overlaps:
                records = [min(records, key=lambda record: found.distance(row, record))]
            if counts and len(records) >= needed:
                records = self._by_counts(rule, counts, row, records)
            if len(records) == 1 and not rule.overlaps:
                self.plan.claim(self._claims, records[0].pk, identity)
            if records:
                recognised[row.number] = Recognised(records, self._reason(rule))
        return recognised

    def _unclaimed(self, rule: SameRule, identity: str, records: list[Any]) -> list[Any]:
        """Return the records that no row with another identity describes.

        Several spells of a file may be one spell here, so periods are not claimed.
        """
        if rule.overlaps:
            return records
        return [r for r in records if self.plan.claimant(self._claims, r.pk) in (None, identity)]

    def _by_counts(
        self, rule: SameRule, counts: VoteCounts, row: ParsedRow, records: list[Any]
    ) -> list[Any]:
        """Return the records with the numbers of the row; all of them if no number decides."""
        if rule.tolerance is not None:
            return counts.nearest(row, records, rule.tolerance)
        return counts.nearest(row, records, _COUNT_TOLERANCE) or records

    def _reason(self, rule: SameRule) -> str:
        said = [str(self.model._meta.get_field(name).verbose_name) for name in rule.equal]
        if rule.name:
            said.append(_("name"))
        if rule.members is not None:
            said.append(_("members"))
        if rule.overlaps:
            said.append(_("overlapping period"))
        if rule.tolerance is not None:
            said.append(_("numbers of votes"))
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
