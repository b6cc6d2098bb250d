"""Rows of an import between matching and validation."""

from dataclasses import dataclass
from typing import Any, Protocol

from allies.imports.columns import Column
from allies.imports.matching import ParsedRow
from allies.models.base import Record


@dataclass
class PlannedRow:
    """A row with the record it is or will be, where something is to be written.

    ``identity`` names the attributes it is known by; of a known record, ``before`` is how it
    stands and ``changed`` what the row changes.
    """

    parsed: ParsedRow
    record: Record
    identity: tuple[str, ...]
    is_new: bool
    before: Any = None
    changed: frozenset[str] = frozenset()


class PlannerColumns(Protocol):
    """The part of a planner that validation uses: the columns of its file."""

    column_index: dict[Any, int]
    columns: list[Column]
    lacking: list[tuple[str, str, str]]

    def name(self, column: str) -> str: ...

    def display(self, row: ParsedRow, column: str) -> str: ...
