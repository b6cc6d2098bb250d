"""What a row changes in its existing record, and which differences are kept, by the rules."""

from collections.abc import Iterator, Sequence
from typing import Any

from allies.imports.columns import Column
from allies.imports.matching import ExistingRecord, ParsedRow
from allies.imports.update_rules import UpdateRules
from allies.models.fields import EDTFField
from allies.text.edtf import bounds, have_common_day, is_within

#: Values that mean "not known".
_EMPTY = ("", None)

#: Columns whose differences say nothing about the world.
_INTERNAL = frozenset({"slug", "status", "identifier"})


class DifferenceFinder:
    """Compares rows with their existing records."""

    def __init__(
        self, columns: Sequence[Column], rules: UpdateRules, identity: frozenset[str]
    ) -> None:
        self.columns = columns
        at = {column.name: n for n, column in enumerate(columns)}
        place = iter(range(sum(map(len, rules.replaced))))
        #: Per set of earlier values: (position of its column, position in ``earlier``).
        self.replaced = [[(at[name], next(place)) for name in names] for names in rules.replaced]
        self.identity = {at[name] for name in identity if name in at}
        self.compared = [n for n, column in enumerate(columns) if column.name not in rules.limited]
        self.filled = [n for n, column in enumerate(columns) if column.name in rules.only_empty]
        self.refined = [n for n, column in enumerate(columns) if column.name in rules.more_precise]
        self.limited = [
            n for n, c in enumerate(columns) if c.name in rules.limited and c.name not in _INTERNAL
        ]

    def changed(
        self, row: ParsedRow, before: ExistingRecord, *, is_recognised: bool
    ) -> frozenset[str]:
        """Return the names of the columns that a row changes in its record.

        If the record was recognised by a rule, the columns of its identity are only filled.
        """
        if row.values == before.values:
            return frozenset()
        places = {
            *(n for n in self.compared if not (is_recognised and n in self.identity)),
            *(n for n in self.filled if before.values[n] in _EMPTY),
            *(n for n in self.refined if self._is_more_precise(row, before, n)),
            *(n for n in self._outdated(row, before)),
        }
        if is_recognised:
            places |= {n for n in self.identity if before.values[n] in _EMPTY}
        return frozenset(
            self.columns[n].name
            for n in places
            if row.values[n] != before.values[n]
            # An empty cell does not remove a slug.
            and not (self.columns[n].name == "slug" and not row.values[n])
        )

    def kept(
        self, row: ParsedRow, before: ExistingRecord, changed: frozenset[str]
    ) -> list[tuple[str, Any, Any]]:
        """Return (column, value here, value in the file) of the differences that are kept."""
        if row.values == before.values:
            return []
        return [
            (self.columns[n].name, before.values[n], row.values[n])
            for n in self.limited
            if row.values[n] != before.values[n]
            and row.values[n] not in _EMPTY
            and self.columns[n].name not in changed
            and not self._agree(n, before.values[n], row.values[n])
        ]

    def _agree(self, n: int, ours: Any, theirs: Any) -> bool:
        """Return whether two dates may mean the same; "" stands for no known end."""
        if not isinstance(self.columns[n].field, EDTFField):
            return False
        if ours in _EMPTY:
            return bounds(theirs).latest is None
        return have_common_day(ours, theirs)

    def _outdated(self, row: ParsedRow, before: ExistingRecord) -> Iterator[int]:
        """Yield the columns in which a record has what an earlier version of the mapping wrote."""
        for places in self.replaced:
            if all(
                self.columns[n].parse(row.earlier[place]) == before.values[n] for n, place in places
            ):
                yield from (n for n, _place in places)

    def _is_more_precise(self, row: ParsedRow, before: ExistingRecord, n: int) -> bool:
        new, old = row.values[n], before.values[n]
        if old in _EMPTY or new in _EMPTY:
            return False
        if not isinstance(self.columns[n].field, EDTFField):
            return str(new).startswith(str(old))
        return bounds(old) != bounds(new) and is_within(str(new), str(old))
