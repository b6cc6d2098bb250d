"""Which record a row is: one there is already, one of a row before, or a new one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Model
from django.db.models.expressions import RawSQL

from allies.imports.columns import Column
from allies.imports.plan import Plan
from allies.imports.resources import RecordResource
from allies.imports.resources.base import Identity
from allies.imports.row_layout import RowLayout
from allies.imports.rows import Cell


@dataclass
class ParsedRow:
    """A row that was understood: its number, its cells, and what they store."""

    number: int
    cells: Sequence[Cell]
    values: tuple[Any, ...]


@dataclass
class ExistingRecord:
    """A record there is: its id, and what it stores where this file has columns."""

    pk: int
    values: tuple[object, ...]
    keys: dict[str, object]


#: A row, what it is known by, and the record it is; None for a new one.
Match = tuple[ParsedRow, Identity, ExistingRecord | None]


class RecordMatcher:
    """Tells the records of one noun by what rows say of them; costs a query an identity."""

    def __init__(self, plan: Plan, resource: RecordResource, shelf: RowLayout) -> None:
        self.plan = plan
        self.resource = resource
        self.model: type[Model] = resource.model
        self.shelf = shelf

    def match(
        self, identified: list[tuple[ParsedRow, list[Identity]]], columns: list[Column]
    ) -> list[Match]:
        """Return which record each row is; of a known one, what it stores in these columns."""
        wanted = [identity for _row, identities in identified for identity in identities]
        known = self._load_existing(wanted, columns)
        return [(row, *self._match_one(identities, known)) for row, identities in identified]

    def _match_one(
        self, identities: list[Identity], known: dict[Identity, ExistingRecord]
    ) -> tuple[Identity, ExistingRecord | None]:
        """Return what tells which record a row is, and that record, or None for a new one."""
        surer: list[str] = []
        for identity in identities:
            before = known.get(identity)
            if before is not None and not any(before.keys.get(name) for name in surer):
                return identity, before
            surer += identity[0]
        return identities[0], None

    def find_repeated(self, recognised: list[Match]) -> dict[int, tuple[int, bool]]:
        """Return the rows that are the record of a row before: row → (that row, are they equal)."""
        noun = self.resource.noun
        numbers = [row.number for row, _identity, _before in recognised]
        digests = [hash(row.values) for row, _identity, _before in recognised]
        keys = [repr(identity) for _row, identity, _before in recognised]
        found = self.plan.first_rows(noun, keys, numbers, digests)
        if len(self.resource.identities) > 1:  # the same record by other words
            by_id = [
                (str(before.pk), number, digest)
                for (_row, _i, before), number, digest in zip(
                    recognised, numbers, digests, strict=True
                )
                if before is not None and number not in found
            ]
            if by_id:
                found |= self.plan.first_rows(f"{noun} id", *zip(*by_id, strict=True))
        return found

    def _load_existing(
        self, identities: list[Identity], columns: list[Column]
    ) -> dict[Identity, ExistingRecord]:
        groups: dict[tuple[str, ...], set[tuple[object, ...]]] = defaultdict(set)
        for names, values in identities:
            if not any(isinstance(value, int) and value < 0 for value in values):
                groups[names].add(values)
        given = [column.attname for column in columns]
        every = list(dict.fromkeys(name for names in self.resource.identities for name in names))
        attnames = [self.shelf.attname(name) for name in every]
        known: dict[Identity, ExistingRecord] = {}
        for names, keys in groups.items():
            own = [self.shelf.attname(name) for name in names]
            records = self.model._default_manager.filter(matches_any_row(self.model, own, keys))
            records = records.order_by()  # the noun's own order would join what it points to
            for pk, *found in records.values_list("pk", *attnames, *given):
                named = dict(zip(every, found, strict=False))
                key = tuple(named[name] for name in names)
                known[(names, key)] = ExistingRecord(pk, tuple(found[len(every) :]), named)
        return known


def matches_any_row(model: Any, attnames: list[str], keys: Iterable[tuple[object, ...]]) -> RawSQL:
    """Return the condition that these columns hold one of these rows of values, all at once."""
    quote = connection.ops.quote_name
    columns = ", ".join(
        f"{quote(model._meta.db_table)}.{quote(model._meta.get_field(name).column)}"
        for name in attnames
    )
    rows = list(keys)
    params: list[object]
    if connection.vendor == "postgresql":  # an array a column, not a thousand parameters
        kinds = ["bigint" if isinstance(value, int) else "text" for value in rows[0]]
        wanted = f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
        params = [list(values) for values in zip(*rows, strict=True)]
    else:
        row = f"({', '.join(['%s'] * len(attnames))})"
        wanted = f"VALUES {', '.join([row] * len(rows))}"
        params = [value for values in rows for value in values]
    return RawSQL(f"({columns}) IN ({wanted})", params, output_field=BooleanField())
