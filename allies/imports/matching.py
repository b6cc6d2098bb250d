"""Match rows to records: an existing one, one from an earlier row, or a new one."""

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
    """A row whose cells were all parsed: its number, its cells and the values to store.

    ``earlier`` and ``hints`` are those of the ``Row``.
    """

    number: int
    cells: Sequence[Cell]
    values: tuple[Any, ...]
    earlier: Sequence[Cell] = ()
    hints: Sequence[Cell] = ()


@dataclass
class ExistingRecord:
    """A record in the database: its id, its values in the file's columns, and its keys."""

    pk: int
    values: tuple[object, ...]
    keys: dict[str, object]


#: A row, the identity it was matched by, and its record, or None if it is new.
Match = tuple[ParsedRow, Identity, ExistingRecord | None]


class RecordMatcher:
    """Find the existing records that rows describe; one query per kind of identity per chunk."""

    def __init__(self, plan: Plan, resource: RecordResource, shelf: RowLayout) -> None:
        self.plan = plan
        self.resource = resource
        self.model: type[Model] = resource.model
        self.shelf = shelf

    def match(
        self, identified: list[tuple[ParsedRow, list[Identity]]], columns: list[Column]
    ) -> list[Match]:
        """Return the record of each row, an existing one with its values in these columns."""
        wanted = [identity for _row, identities in identified for identity in identities]
        known = self._load_existing(wanted, columns)
        return [(row, *self._match_one(identities, known)) for row, identities in identified]

    def _match_one(
        self, identities: list[Identity], known: dict[Identity, ExistingRecord]
    ) -> tuple[Identity, ExistingRecord | None]:
        """Return the identity of a row and its record, or None if it is new.

        Identities are tried in order. A record found by a later one is ignored if it has a value
        for an earlier one, because that value is a different one.
        """
        surer: list[str] = []
        for identity in identities:
            before = known.get(identity)
            if before is not None and not any(before.keys.get(name) for name in surer):
                return identity, before
            surer += identity[0]
        return identities[0], None

    def find_repeated(self, recognised: list[Match]) -> dict[int, tuple[int, bool]]:
        """Return the rows that repeat an earlier row's record: row → (first row, whether equal)."""
        noun = self.resource.noun
        numbers = [row.number for row, _identity, _before in recognised]
        digests = [hash(row.values) for row, _identity, _before in recognised]
        keys = [repr(identity) for _row, identity, _before in recognised]
        found = self.plan.first_rows(noun, keys, numbers, digests)
        if len(self.resource.identities) > 1:  # the same record, identified in another way
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
            records = records.order_by()  # the default order of the model would join other tables
            for pk, *found in records.values_list("pk", *attnames, *given):
                named = dict(zip(every, found, strict=False))
                key = tuple(named[name] for name in names)
                known[(names, key)] = ExistingRecord(pk, tuple(found[len(every) :]), named)
        return known


def matches_any_row(model: Any, attnames: list[str], keys: Iterable[tuple[object, ...]]) -> RawSQL:
    """Return the condition that these columns together equal one of these rows of values."""
    quote = connection.ops.quote_name
    columns = ", ".join(
        f"{quote(model._meta.db_table)}.{quote(model._meta.get_field(name).column)}"
        for name in attnames
    )
    rows = list(keys)
    params: list[object]
    if connection.vendor == "postgresql":  # one array per column instead of thousands of parameters
        kinds = ["bigint" if isinstance(value, int) else "text" for value in rows[0]]
        wanted = f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
        params = [list(values) for values in zip(*rows, strict=True)]
    else:
        row = f"({', '.join(['%s'] * len(attnames))})"
        wanted = f"VALUES {', '.join([row] * len(rows))}"
        params = [value for values in rows for value in values]
    return RawSQL(f"({columns}) IN ({wanted})", params, output_field=BooleanField())
