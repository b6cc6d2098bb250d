"""Rows of an import between matching and validation."""

from dataclasses import dataclass
from typing import Any, Protocol

from allies.imports.columns import Column
from allies.imports.matching import ParsedRow
from allies.models.base import Record


@dataclass
class PlannedRow:
    """A row that is to be written, with its new or existing record.

    ``identity`` names the attributes that identify the record. Of an existing record, ``before`` is
    its current state and ``changed`` the columns that the row changes.
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
