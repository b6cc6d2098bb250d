"""Join rows that continue each other: phases of one membership, each in a row of its own."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from allies.imports.rows import Cell, CellProblem, Row
from allies.text.edtf import Bounds, UnreadableDate, bounds

_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Continuation:
    """Which rows may continue each other, by positions.

    Consecutive rows of the file with the same text at ``within`` are looked at together. Of these,
    rows with the same text at ``per`` are phases of one record. ``period`` are the positions of its
    first and last day among our cells. Of the cells at ``most``, the greatest text is kept.
    """

    within: int
    per: int
    period: tuple[int, int]
    most: tuple[int, ...] = ()


#: The cells of the file, and the row made of them.
Made = tuple[Sequence[str], Row[Cell]]


def join_continued(rows: Iterable[Made], rule: Continuation) -> Iterator[Row[Cell]]:
    """Yield the rows, joined where one begins at most a day after another ends.

    A joined row has the number of its first phase, and the last day of its last phase. Holds the
    rows of one block in memory.
    """
    for _text, block in groupby(rows, key=lambda made: made[0][rule.within] if made[0] else ""):
        phases: dict[str, list[Row[Cell]]] = defaultdict(list)
        for cells, row in block:
            phases[cells[rule.per] if cells else f"row {row.number}"].append(row)
        joined = [row for parts in phases.values() for row in _join(parts, rule)]
        yield from sorted(joined, key=lambda row: row.number)


def _join(rows: list[Row[Cell]], rule: Continuation) -> list[Row[Cell]]:
    if len(rows) == 1:
        return rows
    start, end = rule.period
    found: list[Row[Cell]] = []
    for row in sorted(rows, key=lambda row: _days(row.cells[start]).earliest or dt.date.min):
        if found and _continues(found[-1].cells[end], row.cells[start]):
            found[-1] = _joined(found[-1], row, rule)
        else:
            found.append(row)
    return found


def _joined(first: Row[Cell], second: Row[Cell], rule: Continuation) -> Row[Cell]:
    cells = list(first.cells)
    end = rule.period[1]
    if (_days(second.cells[end]).latest or dt.date.max) > (_days(cells[end]).latest or dt.date.max):
        cells[end] = second.cells[end]
    for n in rule.most:
        texts = [cell for cell in (cells[n], second.cells[n]) if isinstance(cell, str)]
        cells[n] = max(texts, default=cells[n])
    return first._replace(number=min(first.number, second.number), cells=cells)


def _continues(end: Cell, start: Cell) -> bool:
    """Return whether a phase that begins with ``start`` continues one that ends with ``end``."""
    if isinstance(end, CellProblem) or isinstance(start, CellProblem):
        return False
    last, first = _days(end).latest, _days(start).earliest
    return last is None or (first is not None and first <= last + _ONE_DAY)


def _days(cell: Cell) -> Bounds:
    try:
        return bounds(cell) if isinstance(cell, str) else Bounds(None, None)
    except UnreadableDate:
        return Bounds(None, None)
