"""Rows of a country on a day on which it did not exist: move them, keep them or leave them out."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from django.utils.translation import gettext as _

from allies.imports.columns import Column
from allies.imports.matching import ParsedRow
from allies.imports.plan_recorder import PlanRecorder
from allies.imports.planned_row import PlannerColumns
from allies.imports.references import CellError, References
from allies.imports.resources import RecordResource
from allies.imports.update_rules import CountryMove, ExistenceRule
from allies.models import Country, Spell
from allies.text.edtf import Bounds, bounds


class ExistenceFilter:
    """Applies the rule of a mapping to the rows of one record type.

    A country existed on an imprecise date if it may have existed on any of its days. If the site
    knows no spells of a country, the dates in its own record count.
    """

    def __init__(
        self,
        references: References,
        resource: RecordResource,
        columns: Sequence[Column],
        rule: ExistenceRule,
        recorder: PlanRecorder,
    ) -> None:
        self.references = references
        self.rule = rule
        self.recorder = recorder
        at = {column.name: n for n, column in enumerate(columns)}
        self.columns = columns
        self.country_at = at["country"]
        reference, _dot, self.date_name = resource.day_of_existence.rpartition(".")
        self.date_at = at[reference or self.date_name]
        self.reference = self.columns[self.date_at] if reference else None
        self.spells: dict[int, list[Bounds]] = _load_spells()
        self.moves: dict[int, list[tuple[CountryMove, Country]]] = defaultdict(list)
        for move in rule.moves:
            if (country := self._known(move.country)) and (to := self._known(move.to)):
                self.moves[country.pk].append((move, to))
        self.allowed = {found.pk for code in rule.allowed if (found := self._known(code))}
        #: The rows of the current chunk that were moved, with the country that they had before.
        self.moved: dict[int, int] = {}
        self.decide = lru_cache(maxsize=65_536)(self._decide)

    def _known(self, code: str) -> Country | None:
        """Return the country with this code; None if the site does not have it."""
        try:
            return self.references.countries.find(code)
        except CellError:
            return None

    def apply(self, rows: list[ParsedRow], load: PlannerColumns) -> list[ParsedRow]:
        """Return the rows to import, some of them moved; report the others."""
        kept = []
        self.moved = {}
        for row in rows:
            country_id, date = row.values[self.country_at], self._date(row)
            to, exists = self.decide(country_id, date)
            if to is not None:
                self._move(row, to)
            elif not exists and not self._is_kept(row, country_id, date, load):
                continue
            kept.append(row)
        return kept

    def _date(self, row: ParsedRow) -> str:
        value = row.values[self.date_at]
        if self.reference is None:
            return str(value)
        return str(getattr(self.reference.records[value], self.date_name))

    def _decide(self, country_id: int, date: str) -> tuple[Country | None, bool]:
        """Return the country that a row is moved to, if any, and whether its own one existed."""
        first, last = bounds(date)
        for move, to in self.moves.get(country_id, ()):
            since, until = bounds(move.since).earliest, bounds(move.until).latest
            is_after = since is None or (first is not None and first >= since)
            is_before = until is None or (last is not None and last <= until)
            if is_after and is_before:
                return to, True
        spells = self.spells.get(country_id)
        exists = spells is None or any(
            not (began and last and last < began) and not (ended and first and first > ended)
            for began, ended in spells
        )
        return None, exists

    def _move(self, row: ParsedRow, to: Country) -> None:
        column, values = self.columns[self.country_at], list(row.values)
        before = column.records[values[self.country_at]]
        self.moved[row.number] = before.pk
        column.records[to.pk] = to
        values[self.country_at] = to.pk
        row.values = tuple(values)
        self.recorder.note_moved(row, before, to)

    def _is_kept(self, row: ParsedRow, country_id: int, date: str, load: PlannerColumns) -> bool:
        """Return whether to import a row of a country that did not exist; report it otherwise."""
        if country_id in self.allowed:
            return True
        column = self.columns[self.country_at]
        country = column.records[country_id]
        said = _("%(country)s did not exist on this day (%(date)s)") % {
            "country": country,
            "date": date,
        }
        if self.rule.otherwise == "refuse":
            cell = load.display(row, column.name)
            self.recorder.report.refuse(row.number, [(load.name(column.name), cell, said)])
        elif self.rule.otherwise == "leave-out":
            self.recorder.note_left_out(row, said)
        else:
            self.recorder.report.add_remark(row.number, said)
        return self.rule.otherwise == "report"


def _load_spells() -> dict[int, list[Bounds]]:
    """Return when each country existed, as first and last possible days; two queries.

    Countries without any known day are left out.
    """
    found: dict[int, list[Bounds]] = defaultdict(list)
    for country, began, ended in Spell.objects.values_list(
        "country", "began_earliest", "ended_latest"
    ):
        found[country].append(Bounds(began, ended))
    countries = Country.objects.exclude(existed_from="", existed_to="").exclude(pk__in=found)
    for country, began, ended in countries.values_list(
        "pk", "existed_from_earliest", "existed_to_latest"
    ):
        found[country].append(Bounds(began, ended))
    return dict(found)
