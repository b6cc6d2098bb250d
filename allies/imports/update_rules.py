"""Rules of a record type in a mapping: which record a row is, and what the row may change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SameRule:
    """A way to recognise an existing record, for rows that none of their identities matches.

    All conditions must hold, and for one record only. Of the ``equal`` columns, the values must be
    the same and not empty. Each maps to the position of its value among the row's hints, or to None
    for the row's own cell. ``compatible`` columns may be empty on one side, and imprecise dates
    only need a day in common.

    - ``name``: a title of the row is a name of the alliance; there are no ``equal`` columns then.
    - ``members``: position of the hint with the COW codes of countries, which are the members.
    - ``overlaps``: columns of the first and last day of two periods that have a day in common.
    - ``successors``: the record may be that of the country's successor, if both begin about then.
    - ``counts``: role in an event → position of the hint with its number of countries. It selects
      one of several records. With ``tolerance``, a single record needs nearly these numbers too.
    - ``schemes``: what the data-set ID of a record may begin with, if it has one.
    """

    equal: Mapping[str, int | None]
    compatible: tuple[str, ...] = ()
    name: bool = False
    members: int | None = None
    overlaps: tuple[str, ...] = ()
    successors: bool = False
    counts: tuple[tuple[str, int], ...] = ()
    tolerance: int | None = None
    schemes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CountryMove:
    """Rows of a country on these days, as EDTF, belong to another one; "" sets no limit."""

    country: str
    to: str
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class ExistenceRule:
    """What happens to the rows of a country on a day on which it did not exist.

    They are moved to another country if one of ``moves`` says so, and kept if the country is one of
    ``allowed``. For all others, ``otherwise`` is ``report``, ``refuse`` or ``leave-out``.
    """

    moves: tuple[CountryMove, ...] = ()
    allowed: tuple[str, ...] = ()
    otherwise: str = "refuse"


@dataclass(frozen=True)
class UpdateRules:
    """Which existing record a row is, and which of its values the row may change.

    Columns in ``only_new`` are set on new records only. Columns in ``only_empty`` also fill empty
    values of existing records. Columns in ``more_precise`` also replace a date by one within it, or
    a text by one that begins with it.

    ``replaced`` lists sets of columns: an existing record in which all columns of a set have the
    row's earlier values gets the new ones. With ``only_differing``, rows are ignored unless their
    dates contradict those of the record that they refer to.
    """

    only_new: frozenset[str] = frozenset()
    only_empty: frozenset[str] = frozenset()
    more_precise: frozenset[str] = frozenset()
    replaced: Sequence[Sequence[str]] = ()
    same: tuple[SameRule, ...] = ()
    existence: ExistenceRule | None = None
    only_differing: bool = False

    @property
    def limited(self) -> frozenset[str]:
        """The columns that do not simply overwrite the values of existing records."""
        return self.only_new.union(self.only_empty, self.more_precise, *self.replaced)
