"""The result of an import or its preview, for pages and for the terminal."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

#: Errors kept with their texts; further ones are only counted. The same for remarks.
MAX_ERRORS, MAX_REMARKS = 500, 200


@dataclass(frozen=True)
class RowError:
    """An error in a cell or a row: its location, its value, and the accepted values."""

    noun: str
    row: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        if not self.row:
            return self.message
        where = _("Row %(row)d") % {"row": self.row}
        if self.column:
            where = _("%(where)s, column %(column)s") % {"where": where, "column": self.column}
        if self.value:
            where = f"{where}: “{truncate_value(self.value)}”"
        return f"{where}: {self.message}"


def truncate_value(value: str, length: int = 80) -> str:
    """Return the beginning of the value, with "…" if it was cut."""
    return value if len(value) <= length else f"{value[:length]}…"


@dataclass
class Report:
    """Counts of rows by outcome, and the errors in the file's order."""

    noun: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    repeated: int = 0
    left_out: int = 0
    likely: int = 0
    unsupported: int = 0
    matched: int = 0
    moved: int = 0
    moves: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    remark_count: int = 0
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    on_refusal: Callable[[int, list[tuple[str, str, str]]], None] | None = None

    @property
    def ok(self) -> bool:
        return self.error_count == 0

    @property
    def error_overflow(self) -> int:
        """The number of errors that are counted but not kept."""
        return self.error_count - len(self.errors)

    def unsupported_text(self) -> str:
        """Return a warning with the number of records marked published that readers do not see."""
        return _(
            "%(count)d records are marked as published but have no "
            "published source that supports them. Readers do not see them "
            "yet."
        ) % {"count": self.unsupported}

    def counts(self) -> dict[str, int]:
        """Return the counts that a changeset stores, without zeros."""
        names = ("rows", "created", "updated", "unchanged", "refused", "repeated", "left_out")
        more = ("likely", "matched", "moved")
        return {name: value for name in (*names, *more) if (value := getattr(self, name))}

    def refuse(self, row: int, found: list[tuple[str, str, str]]) -> None:
        """Count a row as refused, with its errors as (column, value, message)."""
        self.refused += 1
        if self.on_refusal:
            self.on_refusal(row, found)
        for column, value, message in found:
            self.add_error(RowError(self.noun, row, column, value, message))

    def add_move(self, before: str, now: str) -> None:
        """Count a row that was moved from one country to another."""
        self.moved += 1
        self.moves[f"{before} → {now}"] += 1

    def add_remark(self, row: int, text: str) -> None:
        """Keep a remark on a row, for example which existing record it describes."""
        self.remark_count += 1
        if len(self.remarks) < MAX_REMARKS:
            where = _("Row %(row)d") % {"row": row}
            self.remarks.append(f"{where}: {text}" if row else text)

    def remark_lines(self) -> list[str]:
        """Return the remarks and the moves as lines for the terminal."""
        lines = [
            _("%(countries)s: %(count)d rows") % {"countries": countries, "count": number}
            for countries, number in self.moves.items()
        ]
        lines += self.remarks
        if more := self.remark_count - len(self.remarks):
            lines.append(_("… and %(count)d more remarks") % {"count": more})
        return lines

    def add_error(self, error: RowError) -> None:
        self.error_count += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(error)

    def summary(self) -> str:
        """Return the counts in one line."""
        return _(
            "%(noun)s: %(rows)d rows: %(created)d new, %(updated)d "
            "changed, %(unchanged)d unchanged, %(repeated)d duplicates, "
            "%(left_out)d skipped, %(refused)d refused"
        ) % {
            "repeated": self.repeated,
            "left_out": self.left_out,
            "noun": self.noun,
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
        }


def messages_by_field(error: ValidationError, columns: dict[str, str]) -> list[tuple[str, str]]:
    """Return a ValidationError's messages as (column, message); "" means the whole row."""
    found: dict[str, Any] = (
        error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    )
    return [
        (columns.get(name, ""), message) for name, messages in found.items() for message in messages
    ]
