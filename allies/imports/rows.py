"""Rows between a file and its records: the form that all readers and mappings return."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from allies.imports.update_rules import UpdateRules


class CellProblem:
    """A cell that a mapping cannot convert: its value, and the accepted values."""

    __slots__ = ("message", "value")

    def __init__(self, value: str, message: str) -> None:
        self.value = value
        self.message = message


#: A cell of a row that an editor decided to skip.
LEFT_OUT = CellProblem("", "")

#: A cell: its text, or why it has none.
Cell = str | CellProblem


#: The cells of a row: texts, or also the results of a mapping.
CellT = TypeVar("CellT", bound=Cell, covariant=True)


class Row(NamedTuple, Generic[CellT]):
    """A row: its number as in a spreadsheet, its cells, and its problem, if it has one.

    ``earlier`` are the cells that earlier versions of the mapping made, in the order of
    ``UpdateRules.replaced``. ``hints`` are further cells, which only serve to find the record that
    a row describes (``SameRule``).
    """

    number: int
    cells: Sequence[CellT]
    problem: str = ""
    earlier: Sequence[CellT] = ()
    hints: Sequence[CellT] = ()


class Rows:
    """Rows of one record type; can be iterated more than once.

    ``columns`` are our names, in the order of each row's cells. ``called`` maps them to the file's
    names, for error messages.
    """

    def __init__(
        self,
        columns: list[str],
        read: Callable[[], Iterator[Row[Cell]]],
        called: Mapping[str, str] | None = None,
        rules: UpdateRules | None = None,
    ) -> None:
        self.columns = columns
        self.called = called or {}
        self.rules = rules or UpdateRules()
        self._read = read

    def __iter__(self) -> Iterator[Row[Cell]]:
        return self._read()
