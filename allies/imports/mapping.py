"""Mappings: which columns of a file go into which of our fields, as JSON instead of code.

A mapping says, for each record type in the file's rows, which column goes into which field::

    {
      "name": "COW formal alliances, by member",
      "records": [{"noun": "sources", "cells": {"key": "cow-alliances-4-1", …}}],
      "nouns": [
        {"noun": "memberships",
         "fields": {
           "alliance": {"text": "cow:{version4id}"},
           "country": {"column": "ccode", "country": "cow"},
           "joined": {"date": ["mem_st_year", "mem_st_month", "mem_st_day"]},
           "role": {"constant": "member"}},
         "when": {"column": "ss_type", "is": ["Type III: Entente"]},
         "only_new": ["role"]}],
      "countries": {"Ruritania": "RUS", "Atlantis": ""},
      "aliases": ["Ruritania"]
    }

docs/mappings.md describes all keys. ``mapping_schema`` validates them, ``mapping_compiler`` turns
the specs of fields into functions of a row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from allies.imports.continued_rows import Continuation, join_continued
from allies.imports.mapping_compiler import SpecCompiler, columns_of
from allies.imports.mapping_schema import validate_mapping
from allies.imports.mapping_shapes import InvalidMapping, as_list
from allies.imports.plan import Plan
from allies.imports.resources import RESOURCES
from allies.imports.rows import Cell, Row, Rows
from allies.imports.tables import Table
from allies.imports.update_rules import CountryMove, ExistenceRule, SameRule, UpdateRules
from allies.models import Country

#: Further files of an import, by the names that the mapping has for them.
Companions = Mapping[str, Table]


class FileMapping:
    """A validated mapping, ready to be applied to a table.

    Raises InvalidMapping if it is malformed, or names unknown record types or fields.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        validate_mapping(data)
        self.data = data
        self.name = str(data.get("name", ""))
        self.records = list(data.get("records", []))
        self.nouns = list(data.get("nouns", []))
        self.countries: dict[str, str] = dict(data.get("countries", {}))
        self.aliases: list[str] = list(data.get("aliases", []))

    @property
    def terms(self) -> str:
        """The terms of the data set, which whoever imports it accepts; "" if there are none."""
        return terms_of(self.data)

    @property
    def columns(self) -> list[str]:
        """The file's columns that the mapping uses, without duplicates."""
        found: list[str] = []
        for noun in self.nouns:
            for spec in [*noun["fields"].values(), *_earlier_specs(noun), *_hint_specs(noun)]:
                found += columns_of(spec)
            if when := noun.get("when"):
                found.append(when["column"])
            if once := noun.get("once_per"):
                found.append(once)
            if continued := noun.get("continued"):
                found += [continued["within"], continued["per"]]
        return list(dict.fromkeys(found))

    def missing(self, columns: Iterable[str]) -> list[str]:
        """Return the columns that the mapping uses and that are not among these."""
        return [name for name in self.columns if name not in set(columns)]

    def provided_records(
        self, table: Table, plan: Plan, companions: Companions | None = None
    ) -> list[tuple[str, Rows]]:
        """Return the table's rows per record type, ordered so that references are resolved.

        Fields that come from a companion file are left out if that file is not given. Reads the
        file once per record type. Raises InvalidMapping if a column is missing.
        """
        companions = companions or {}
        if missing := self.missing(table.columns):
            raise InvalidMapping(
                _("The file has no column %(names)s.") % {"names": ", ".join(missing)}
            )
        found: list[tuple[str, Rows]] = []
        if self.aliases:
            found.append(("aliases", self._alias_rows()))
        found += [(record["noun"], _record_rows(record)) for record in self.records]
        for noun in self.nouns:
            compiler = SpecCompiler(table, plan, self.countries, companions)
            first = noun is self.nouns[0]
            found.append((noun["noun"], self._rows(noun, table, compiler, first=first)))
        return sort_by_dependency(found)

    def _alias_rows(self) -> Rows:
        kept = [(self.countries[text], text) for text in self.aliases if self.countries.get(text)]
        rows = [Row(0, [country, text]) for country, text in kept]
        return Rows(["country", "name"], lambda: iter(rows))

    def _rows(
        self, noun: Mapping[str, Any], table: Table, compiler: SpecCompiler, *, first: bool
    ) -> Rows:
        countries = {
            field.column_name
            for field, cell in RESOURCES[noun["noun"]]().references()
            if cell.model is Country
        }
        fields = {
            name: {"country": "any", **spec} if name in countries else spec
            for name, spec in noun["fields"].items()
            if compiler.is_available(spec)
        }
        feeds = [compiler.feed(spec) for spec in fields.values()]
        earlier = [compiler.feed(spec) for spec in _earlier_specs(noun)]
        hints = [compiler.feed(spec) for spec in _hint_specs(noun)]
        carried = compiler.condition(noun.get("when"))
        once = compiler.at[noun["once_per"]] if "once_per" in noun else None
        called = {name: " + ".join(columns_of(spec)) or name for name, spec in fields.items()}

        def read() -> Iterator[tuple[Sequence[str], Row[Cell]]]:
            compiler.collect_all()
            last: str | None = None
            for row in table.rows():
                cells = row.cells
                if row.problem:
                    if first:
                        yield (), Row(row.number, (), row.problem)
                elif carried is None or carried(cells):
                    if once is not None:
                        if cells[once] == last:
                            continue
                        last = cells[once]
                    yield (
                        cells,
                        Row(
                            row.number,
                            [feed(cells) for feed in feeds],
                            earlier=[feed(cells) for feed in earlier],
                            hints=[feed(cells) for feed in hints],
                        ),
                    )

        rule = _continuation(noun, compiler, list(fields))

        def rows() -> Iterator[Row[Cell]]:
            return join_continued(read(), rule) if rule else (row for _cells, row in read())

        return Rows(list(fields), rows, called, _update_rules(noun, set(fields)))


def terms_of(data: Mapping[str, Any]) -> str:
    """Return the terms in a mapping, in the active language or in another; "" if it has none."""
    terms = data.get("terms", {})
    language = (get_language() or "en")[:2]
    return str(terms.get(language) or next(iter(terms.values()), ""))


def sort_by_dependency(files: Iterable[tuple[str, Rows]]) -> list[tuple[str, Rows]]:
    """Sort rows by record type, so that the records they refer to come first."""
    order = list(RESOURCES)
    return sorted(files, key=lambda pair: order.index(pair[0]))


def _earlier_specs(noun: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [spec for values in noun.get("replaces", []) for spec in values.values()]


def _hint_specs(noun: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the specs of a record type's rules, in the order of ``Row.hints``."""
    found = []
    for rule in noun.get("same", []):
        found += [*rule.get("values", {}).values(), *as_list(rule.get("members"))]
        found += rule.get("counts", {}).values()
    return found


def _continuation(
    noun: Mapping[str, Any], compiler: SpecCompiler, fields: list[str]
) -> Continuation | None:
    if (rule := noun.get("continued")) is None:
        return None
    start, end = (fields.index(name) for name in rule["period"])
    return Continuation(
        within=compiler.at[rule["within"]],
        per=compiler.at[rule["per"]],
        period=(start, end),
        most=tuple(fields.index(name) for name in rule.get("most", [])),
    )


def _update_rules(noun: Mapping[str, Any], fields: set[str]) -> UpdateRules:
    at = iter(range(len(_hint_specs(noun))))
    same = []
    for rule in noun.get("same", []):
        values = {name: next(at) for name in rule.get("values", {})}
        same.append(
            SameRule(
                equal={name: values.get(name) for name in rule.get("equal", [])},
                compatible=tuple(rule.get("compatible", [])),
                name=rule.get("name", False),
                members=next(at) if "members" in rule else None,
                overlaps=tuple(rule.get("overlaps", [])),
                successors=rule.get("successors", False),
                counts=tuple((role, next(at)) for role in rule.get("counts", {})),
                tolerance=rule.get("tolerance"),
                schemes=frozenset(rule.get("schemes", [])),
            )
        )
    existence = noun.get("existence")
    return UpdateRules(
        only_new=frozenset(fields).intersection(noun.get("only_new", [])),
        only_empty=frozenset(fields).intersection(noun.get("only_empty", [])),
        more_precise=frozenset(fields).intersection(noun.get("more_precise", [])),
        replaced=[list(values) for values in noun.get("replaces", [])],
        same=tuple(same),
        existence=None if existence is None else _existence_rule(existence),
        only_differing=noun.get("only_differing", False),
    )


def _existence_rule(rule: Mapping[str, Any]) -> ExistenceRule:
    moves = tuple(
        CountryMove(move["country"], move["to"], move.get("since", ""), move.get("until", ""))
        for move in rule.get("moves", [])
    )
    return ExistenceRule(moves, tuple(rule.get("allowed", [])), rule.get("otherwise", "refuse"))


def _record_rows(record: Mapping[str, Any]) -> Rows:
    """Return the row of a record in the mapping; an existing one only gets values it lacks."""
    cells = {name: str(cell) for name, cell in record["cells"].items()}
    replaced = record.get("replaces", [])
    row = Row(
        0,
        list(cells.values()),
        earlier=[str(cell) for values in replaced for cell in values.values()],
    )
    rules = UpdateRules(
        only_empty=frozenset(cells).difference(RESOURCES[record["noun"]].identities[0]),
        replaced=[list(values) for values in replaced],
    )
    return Rows(list(cells), lambda: iter([row]), rules=rules)


def force_draft_status(data: Mapping[str, Any]) -> dict[str, object]:
    """Return a copy of the mapping that imports everything with a status as a draft."""
    nouns = [
        {**part, "fields": {**part["fields"], **_draft(part["noun"], {"constant": "draft"})}}
        for part in data.get("nouns", [])
    ]
    records = [
        {**record, "cells": {**record["cells"], **_draft(record["noun"], "draft")}}
        for record in data.get("records", [])
    ]
    return {**data, "nouns": nouns, **({"records": records} if records else {})}


def _draft(noun: str, value: object) -> dict[str, object]:
    return {"status": value} if "status" in RESOURCES[noun]().columns else {}


def identity_mapping(noun: str, columns: Iterable[str]) -> dict[str, object]:
    """Return the mapping of a file that uses our own column names of this record type."""
    fields = {name: {"column": name} for name in columns if name in RESOURCES[noun]().columns}
    return {"name": "", "nouns": [{"noun": noun, "fields": fields}]}
