"""A row on its way into the database."""

from dataclasses import dataclass
from typing import Any

from allies.exchange.reader import Row


@dataclass
class Planned:
    """A row with the record it is or will be.

    ``identity`` names the attributes it is known by; of a known record, ``before`` is how it
    stands and ``changed`` what the row changes.
    """

    row: Row
    record: Any
    identity: tuple[str, ...]
    is_new: bool
    before: Any = None
    changed: frozenset[str] = frozenset()

    @property
    def writes(self) -> bool:
        return self.is_new or bool(self.changed)
