"""Rows on their way from a file into a noun: the form every reader and mapping hands on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar


class CellProblem:
    """A cell that a mapping cannot turn into ours: what stands there, and what is accepted."""

    __slots__ = ("message", "value")

    def __init__(self, value: str, message: str) -> None:
        self.value = value
        self.message = message


#: A cell of a row that an editor leaves out on purpose.
LEFT_OUT = CellProblem("", "")

#: A cell: its text, or why there is none.
Cell = str | CellProblem


#: What the cells of a row are: texts, or also what a mapping makes of them.
CellT = TypeVar("CellT", bound=Cell, covariant=True)


class Row(NamedTuple, Generic[CellT]):
    """A row: its number as a spreadsheet shows it, its cells, and what is wrong with it, if so."""

    number: int
    cells: Sequence[CellT]
    problem: str = ""


class Rows:
    """Rows of one noun, to be read as often as needed.

    ``columns`` are ours, in the order of each row's cells; ``called`` says what the file calls
    them, for messages.
    """

    def __init__(
        self,
        columns: list[str],
        read: Callable[[], Iterator[Row[Cell]]],
        called: Mapping[str, str] | None = None,
    ) -> None:
        self.columns = columns
        self.called = called or {}
        self._read = read

    def __iter__(self) -> Iterator[Row[Cell]]:
        return self._read()
